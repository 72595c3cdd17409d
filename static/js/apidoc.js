// The reference of the API: its resources are folded until one is opened, a link leads into it, or the filter finds
// something in it. Without scripts all are open.

const page = document.querySelector('.api article');
const filter = page.querySelector('[data-api-filter]');
const note = filter.querySelector('[role=status]');
const about = page.querySelector('.about');
const groups = [...page.querySelectorAll('details.group')];

// What the filter looks at: not the examples, which have every word.
const entries = [...page.querySelectorAll('.op')].map((element) => {
  const parts = element.querySelectorAll('header, .address, .pad > .prose, .fields dt code');
  return {
    element,
    group: element.closest('details'),
    method: element.querySelector('.verb')?.textContent.trim().toLowerCase() || '',
    path: element.querySelector('.address code')?.textContent.toLowerCase() || '',
    words: [...parts].map((part) => part.textContent).join(' ').toLowerCase(),
  };
});

function matches(entry, word) {
  if (['get', 'post', 'put', 'delete'].includes(word)) return entry.method === word || entry.method === 'any';
  return word.includes('/') ? entry.path.includes(word) : entry.words.includes(word);
}

function show() {
  const words = filter.querySelector('input').value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const entry of entries) {
    const wanted = words.every((word) => matches(entry, word));
    entry.element.hidden = !wanted;
    if (wanted) found += 1;
  }
  about.hidden = words.length > 0;
  for (const group of groups) {
    group.hidden = words.length > 0 && !group.querySelector('.op:not([hidden])');
    group.open = words.length > 0 && !group.hidden;
  }
  note.textContent = !words.length ? '' : found ? `${found} of ${entries.length}` : 'Nothing has all of these words.';
}

// The group that the address of the page leads into is opened.
function follow() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const group = target && target.closest('details.group');
  if (!group) return;
  if (target.closest('[hidden]')) {
    filter.querySelector('input').value = '';
    show();
  }
  group.open = true;
  target.scrollIntoView();
}

filter.hidden = false;
show();
follow();
filter.addEventListener('input', show);
filter.addEventListener('submit', (e) => e.preventDefault());
addEventListener('hashchange', follow);
page.addEventListener('click', (e) => { // the same address again
  const link = e.target.closest('a[href^="#"]');
  if (link && link.hash === location.hash) follow();
});
