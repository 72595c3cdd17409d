// The documentation: the list of pages opens where the reader is, "/" leads to the search, which answers as one types, and
// the sign at a heading copies its address.

const nav = document.querySelector('#docs-nav');

function showCurrent() {
  const current = nav.querySelector('[aria-current]');
  if (!current) return;
  nav.scrollTop += current.getBoundingClientRect().top - nav.getBoundingClientRect().top - (nav.clientHeight - current.offsetHeight) / 2;
}

if (nav) {
  nav.addEventListener('toggle', (e) => {
    if (e.newState !== 'open') return;
    showCurrent();
    nav.querySelector('[aria-current]')?.focus({ preventScroll: true });
  });
  showCurrent();
}

for (const anchor of document.querySelectorAll('a.anchor')) anchor.dataset.copy = anchor.href;
document.addEventListener('click', (e) => {
  const anchor = e.target.closest('a.anchor');
  if (anchor) history.replaceState(null, '', anchor.hash);
});

document.addEventListener('keydown', (e) => {
  const field = document.querySelector('[data-docs-search]');
  if (e.key !== '/' || !field || e.metaKey || e.ctrlKey || e.altKey || e.target.closest('input, textarea, select')) return;
  e.preventDefault();
  field.focus();
  field.select();
});

// The search shows what its page would, below the field. Arrow keys choose, Enter goes there, or to the page of all results
// when nothing is chosen; Esc closes.
const shownHits = 8;

function setUpSearch(field, n) {
  const form = field.form;
  const list = document.createElement('div');
  list.className = 'docs-found';
  list.id = `docs-found-${n}`;
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', 'Results');
  list.hidden = true;
  form.append(list);
  for (const [name, value] of Object.entries({ role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': list.id })) {
    field.setAttribute(name, value);
  }
  let asked = '';
  let question = new AbortController();
  let timer;
  let chosen = -1;
  let dismissed = false; // by Esc: an answer that comes late does not open the list again

  const open = () => {
    list.hidden = false;
    field.setAttribute('aria-expanded', 'true');
  };
  const close = () => {
    list.hidden = true;
    field.setAttribute('aria-expanded', 'false');
    choose(-1);
  };
  const choose = (i) => {
    chosen = i;
    for (const [at, option] of [...list.querySelectorAll('[role=option]')].entries()) option.setAttribute('aria-selected', at === i);
    const option = list.querySelector('[aria-selected=true]');
    if (option) field.setAttribute('aria-activedescendant', option.id);
    else field.removeAttribute('aria-activedescendant');
    option?.scrollIntoView({ block: 'nearest' });
  };

  const show = (page) => {
    const hits = [...page.querySelectorAll('.hits a')];
    const was = list.querySelector('[aria-selected=true]')?.href;
    list.replaceChildren(...hits.slice(0, shownHits));
    for (const [i, hit] of hits.slice(0, shownHits).entries()) {
      hit.id = `${list.id}-${i}`;
      hit.tabIndex = -1;
      hit.setAttribute('role', 'option');
    }
    const note = document.createElement('p');
    note.className = 'mut small';
    note.setAttribute('role', 'status');
    if (!hits.length) note.textContent = page.querySelector('article > p')?.textContent || 'Nothing is found.';
    else if (hits.length > shownHits) note.textContent = 'Press Enter for all results.';
    if (note.textContent) list.append(note);
    if (!dismissed) open();
    choose(dismissed ? -1 : hits.slice(0, shownHits).findIndex((hit) => hit.href === was));
  };

  const ask = async () => {
    question.abort();
    question = new AbortController();
    const { signal } = question;
    asked = field.value.trim();
    if (!asked) return close();
    try {
      const response = await fetch(`${form.action}?${new URLSearchParams({ q: asked })}`, { signal });
      const page = response.ok && new DOMParser().parseFromString(await response.text(), 'text/html');
      if (page && !signal.aborted && document.activeElement === field) show(page);
    } catch { /* a newer question, or no network: Enter still works */ }
  };

  field.addEventListener('input', () => {
    clearTimeout(timer);
    dismissed = false;
    timer = setTimeout(ask, 150);
  });
  field.addEventListener('focus', () => {
    if (asked && asked === field.value.trim() && list.children.length) open();
  });
  field.addEventListener('blur', close);
  list.addEventListener('mousedown', (e) => e.preventDefault()); // the field stays focused until the click
  form.addEventListener('submit', (e) => {
    clearTimeout(timer);
    const option = list.hidden ? null : list.querySelector('[aria-selected=true]');
    if (!option) return;
    e.preventDefault();
    close();
    option.click();
  });
  field.addEventListener('keydown', (e) => {
    const options = list.querySelectorAll('[role=option]');
    if (e.key === 'Escape' && !list.hidden) {
      e.preventDefault();
      dismissed = true;
      close();
    } else if ((e.key === 'ArrowDown' || e.key === 'ArrowUp') && options.length) {
      e.preventDefault();
      dismissed = false;
      open();
      const step = e.key === 'ArrowDown' ? 1 : -1;
      choose(chosen < 0 && step < 0 ? options.length - 1 : (chosen + step + options.length) % options.length);
    }
  });
}
for (const [n, field] of document.querySelectorAll('[data-docs-search]').entries()) setUpSearch(field, n);
