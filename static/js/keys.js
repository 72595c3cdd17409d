// The keyboard. Single keys do what a link or a button of the page does; those of them that this page has are listed by
// the key ?, and by the button in the footer. Nothing happens while somebody types, and who does not want single keys
// switches them off in that list; this browser remembers it.

const $ = (selector) => document.querySelector(selector);
const shown = (element) => element?.checkVisibility({ visibilityProperty: true }) && element;
const project = (page) => $(`header nav[aria-label=Project] a[href$="/${page}/"]`);
// To ask whether a row out of sight is shown would lay it out.
const items = () => [...document.querySelectorAll('#checks tbody tr:not([hidden]) .nm a'),
  ...[...document.querySelectorAll('#projects > a, ol.events a.main')].filter(shown)];
const row = () => document.activeElement.closest('#checks tbody tr');

// Key, what it does, what it does it with: null where the page has no such thing.
const keys = [
  ['/', 'Search', () => shown($('main input[type=search]')), (field) => {
    field.focus();
    field.select();
  }],
  ['j', 'Next in the list', () => items().length && 1, move],
  ['k', 'The one before', () => items().length && -1, move],
  ['Enter', 'Open it', () => items().length && 1],
  ['m', 'Menu of the check: pause, resume, edit…', () => $('#row-menu'), openMenu],
  ['n', 'New check or project', () => shown($('main .head .primary[data-dialog], main .head [popovertarget=add-project]')), click],
  ['u', 'Up: back to the list', () => shown($('main .crumb')), click],
  ['g h', 'Go to the projects', () => $('header .brand'), click],
  ['g c', 'Go to the checks', () => project('checks'), click],
  ['g i', 'Go to the integrations', () => project('integrations'), click],
  ['g s', 'Go to the settings', () => project('settings'), click],
  ['g d', 'Go to the docs', () => $('footer a[href$="/docs/"]'), click],
  ['?', 'These keys', () => 1, help],
];

function click(element) {
  element.click();
}

function move(step) {
  const list = items();
  const at = list.indexOf(row()?.querySelector('.nm a') || document.activeElement);
  const to = list[at < 0 ? 0 : Math.min(Math.max(at + step, 0), list.length - 1)];
  to.focus({ preventScroll: true });
  to.scrollIntoView({ block: 'nearest' });
}

function openMenu(menu) {
  row()?.querySelector('.ac button')?.click();
  if (menu.matches(':popover-open')) menu.querySelector('a, button')?.focus();
}

function help() {
  const dialog = document.createElement('dialog');
  dialog.className = 'keys';
  dialog.setAttribute('aria-labelledby', 'keys-title');
  dialog.innerHTML = '<h2 id="keys-title">Keyboard</h2><dl></dl><label class="choice"><input type="checkbox">Single keys</label><form method="dialog" class="actions"><button class="btn">Close</button></form>';
  const list = dialog.querySelector('dl');
  for (const [key, text, find] of keys) {
    if (!find()) continue;
    const name = document.createElement('dt');
    for (const part of key.split(' ')) {
      const cap = document.createElement('kbd');
      cap.textContent = part;
      name.append(cap, ' ');
    }
    const what = document.createElement('dd');
    what.textContent = text;
    list.append(name, what);
  }
  const box = dialog.querySelector('input');
  box.checked = wanted();
  box.addEventListener('change', () => want(box.checked));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector('.btn').focus();
}

// Storage may be forbidden; then keys are on.
function wanted() {
  try {
    return localStorage.getItem('keys') !== 'off';
  } catch {
    return true;
  }
}

function want(on) {
  try {
    if (on) localStorage.removeItem('keys');
    else localStorage.setItem('keys', 'off');
  } catch { /* until the next page, then */ }
}

let before = ''; // the g of g h
document.addEventListener('keydown', (e) => {
  const first = before;
  before = '';
  if (e.defaultPrevented || e.metaKey || e.ctrlKey || e.altKey || e.isComposing || !wanted()) return;
  if (e.target.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog, [popover]')) return;
  if (e.key === 'g') {
    before = 'g ';
    setTimeout(() => { before = ''; }, 1500);
    return;
  }
  const [, , find, act] = keys.find(([key]) => key === first + e.key) || [];
  const found = act && find();
  if (!found) return;
  e.preventDefault();
  act(found);
});

const button = $('[data-keys]');
if (button && !matchMedia('(pointer: coarse)').matches) { // a phone has no keys
  button.hidden = false;
  button.addEventListener('click', help);
}
