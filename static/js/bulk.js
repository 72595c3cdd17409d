// Rows with boxes: a range with Shift, all rows at once, and how many are ticked. Without it the boxes and the form below
// the list do as well.

const table = document.querySelector('#checks');
const form = document.querySelector('#bulk');
const page = document.querySelector('#pick-page');
const boxes = () => [...table.querySelectorAll('input[name=check]')];
const every = form.elements.all; // all that match, on other pages too
const ticked = new Set();
let last; // the box ticked before, for a range

function show() {
  for (const box of boxes()) {
    box.checked = every?.checked || ticked.has(box.value);
    box.disabled = Boolean(every?.checked);
  }
  const n = new Set(boxes().filter((box) => box.checked).map((box) => box.value)).size; // a check may stand below several tags
  page.checked = n > 0 && boxes().every((box) => box.checked);
  page.indeterminate = n > 0 && !page.checked;
  page.disabled = Boolean(every?.checked);
  form.querySelector('#picked').textContent = every?.checked ? 'Ticked:' : `${n} ticked`;
  for (const button of form.querySelectorAll(':scope > .actions button')) button.disabled = !n;
}

function tick(list, on) {
  for (const box of list) {
    if (on) ticked.add(box.value);
    else ticked.delete(box.value);
  }
  show();
}

table.addEventListener('click', (e) => {
  let box = e.target.closest('input[name=check]');
  const cell = !box && e.target.closest('td.st'); // beside the box is near enough
  if (cell) {
    box = cell.querySelector('input');
    if (!box || box.disabled) return;
    box.checked = !box.checked;
  }
  if (!box) return;
  const list = boxes();
  const from = e.shiftKey ? list.findIndex((b) => b.value === last) : -1;
  const to = list.indexOf(box);
  tick(from < 0 ? [box] : list.slice(Math.min(from, to), Math.max(from, to) + 1), box.checked);
  last = box.value;
});
page.addEventListener('change', () => tick(boxes(), page.checked));
every?.addEventListener('change', show);
new MutationObserver(show).observe(table, { childList: true, subtree: true }); // rows that are replaced keep their tick

page.hidden = false;
for (const box of boxes()) if (box.checked) ticked.add(box.value); // the browser remembers a form
show();
