// The documentation: the list of pages opens where the reader is, "/" leads to the search, and the sign at a heading
// copies its address.

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
