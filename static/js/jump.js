// Ways through a long list of checks: a menu of its groups, or of what is down and late and then of first letters, or of
// every hundredth row where the order is not that of names; and of the pages of a list that has several. Scripts alone
// know what is shown, so without them there is none.

const table = document.querySelector('#checks');
const jump = document.querySelector('#jump');
const menu = document.querySelector('#jump-menu');
const many = 50;

const shown = () => [...table.querySelectorAll('tbody tr:not(.group)')].filter((row) => !row.hidden);

// sections are the rows to jump to, by what the menu calls them.
function sections() {
  const groups = [...table.querySelectorAll('tr.group')];
  if (groups.length) return new Map(groups.map((row) => [row.querySelector('th').childNodes[1].textContent.trim(), row]));
  const byName = table.querySelector('th[aria-sort] [value$=name]');
  const out = new Map();
  let rest = 0;
  for (const row of shown()) {
    const name = row.querySelector('.nm a').textContent;
    const urgent = { 's-down': 'Down', 's-grace': 'Late' }[row.className];
    const label = urgent || (byName ? (/\p{L}/u.test(name[0]) ? name[0].toUpperCase() : '0–9') : String(rest - (rest % 100) + 1));
    if (!urgent) rest++;
    if (!out.has(label)) out.set(label, row);
  }
  return out;
}

function link(text, href) {
  const a = document.createElement('a');
  a.href = href;
  a.textContent = text;
  return a;
}

function heading(text) {
  const p = document.createElement('p');
  p.className = 'menu-head';
  p.textContent = text;
  return p;
}

function fill() {
  const ways = document.createElement('div');
  ways.className = 'ways-to';
  for (const [label, row] of sections()) {
    const a = link(label, '#checks');
    a.addEventListener('click', (e) => {
      e.preventDefault();
      menu.hidePopover();
      row.scrollIntoView({ block: 'start' });
      (row.querySelector('.nm a') || row.nextElementSibling.querySelector('.nm a')).focus({ preventScroll: true });
    });
    ways.append(a);
  }
  menu.replaceChildren(heading('Jump to'), ways);
  const [, from, to, of] = document.querySelector('#pages').textContent.match(/(\d+)–(\d+) of (\d+)/) || [];
  if (!of || to - from + 1 >= of) return;
  const q = new URLSearchParams(location.search);
  const now = Number(q.get('page')) || 1;
  const size = now > 1 ? (from - 1) / (now - 1) : to;
  const pages = document.createElement('div');
  pages.className = 'ways-to';
  for (let n = 1; (n - 1) * size < of; n++) {
    q.set('page', n);
    const a = link(n, `?${q}`);
    if (n === now) a.setAttribute('aria-current', 'page');
    pages.append(a);
  }
  menu.append(heading('Page'), pages);
}

if (table && jump) {
  menu.addEventListener('beforetoggle', (e) => { if (e.newState === 'open') fill(); });
  const look = () => { jump.hidden = shown().length < many; };
  look();
  new MutationObserver(look).observe(table, { childList: true, subtree: true, attributeFilter: ['hidden'] });
}
