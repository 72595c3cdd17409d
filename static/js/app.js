// What every page does better with JavaScript. Everything here has a way without it.
//
//   data-copy="text"        copies text; empty: the code block around the button
//   data-dialog             on a link: opens the page it leads to in a dialog
//   data-busy="Sending…"    on a submit button: its text while the form is on its way
//   data-filter="#list"     on a search input: hides the children of #list, or what is data-item in it, whose text does not hold what is typed
//   form[data-send]         sends itself
//   form[data-part="#list"] asks for its page again as it is filled in, and puts that part of the answer in place
//   data-poll="address"     shows every 15 seconds what stands at the address under its own id
//   data-on-page            on a nav: marks which of the sections it leads to is read
//   data-again="address"    asks for itself every two seconds, until the answer is empty
//   <time data-ago>         stays current; so does what has its time in seconds as data-ago or data-due
//   <time data-since>       counts on: how long ago it was
//   data-now="1772366400000" the time by the server's clock, which counts where the browser's is wrong; see serverClock
//   body[data-down]         how many checks of the project are down: kept in the title and the icon
//
// Other scripts listen to "content" (bubbles from what was put into a dialog) to set up what they find there.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// Copying.
function toast(text) {
  let box = $('.toasts');
  if (!box) {
    box = document.createElement('div');
    box.className = 'toasts';
    box.setAttribute('role', 'status');
    box.popover = 'manual';
    document.body.append(box);
  }
  const note = document.createElement('div');
  note.className = 'toast';
  note.textContent = text;
  box.append(note);
  if (box.matches(':popover-open')) box.hidePopover();
  box.showPopover(); // again, to be above a dialog
  setTimeout(() => {
    note.remove();
    if (!box.children.length) box.hidePopover();
  }, 2200);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no permission, or the site is not on https
    const area = document.createElement('textarea');
    area.value = text;
    ($('dialog[open]') || document.body).append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  toast('Copied');
}

// Dialogs: a page with a form, fetched and shown in place. What the server answers to the form is shown the same way;
// a redirect leaves the dialog (see redirect in web/render.go).
async function openDialog(href, dialog) {
  const response = await fetch(href);
  const content = response.ok && contentOf(await response.text());
  if (!content || response.redirected) {
    location.href = href;
    return;
  }
  if (dialog) return fill(dialog, content, href); // from one to the next
  dialog = document.createElement('dialog');
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (e) => e.target === dialog && outside(dialog, e) && leave(dialog));
  dialog.addEventListener('keydown', (e) => {
    if (e.key !== 'Escape' || $(':popover-open', dialog)) return;
    e.preventDefault();
    leave(dialog);
  });
  dialog.addEventListener('cancel', (e) => { // the back gesture of a phone
    e.preventDefault();
    leave(dialog);
  });
  dialog.addEventListener('input', (e) => {
    if (!e.target.matches('[type=search]')) dialog.dataset.filled = '';
  });
  document.body.append(dialog);
  fill(dialog, content, href);
  dialog.showModal();
  (dialog.querySelector('[autofocus], [aria-invalid=true]') || dialog.querySelector('input:not([type=hidden]), textarea, select'))?.focus();
}

// What was typed is not thrown away without a question.
function leave(dialog) {
  const asked = $('.discard', dialog);
  if (asked) return asked.remove();
  if (!('filled' in dialog.dataset)) return dialog.close();
  const question = document.createElement('div');
  question.className = 'discard';
  question.setAttribute('role', 'alert');
  const text = document.createElement('p');
  text.textContent = 'What you typed is not saved.';
  const button = (words, kind, then) => {
    const b = document.createElement('button');
    b.type = 'button';
    b.className = `btn ${kind}`;
    b.textContent = words;
    b.onclick = then;
    return b;
  };
  const stay = button('Keep editing', 'primary', () => question.remove());
  question.append(text, stay, button('Discard', 'danger', () => dialog.close()));
  dialog.append(question);
  stay.focus();
}

function outside(element, e) {
  const r = element.getBoundingClientRect();
  return e.clientX < r.left || e.clientX > r.right || e.clientY < r.top || e.clientY > r.bottom;
}

function contentOf(html) {
  return new DOMParser().parseFromString(html, 'text/html').querySelector('#main');
}

function fill(dialog, content, href) {
  const close = document.createElement('button');
  close.className = 'btn ghost square close';
  close.setAttribute('aria-label', 'Close');
  close.append(cross());
  close.onclick = () => leave(dialog);
  dialog.replaceChildren(close, ...content.childNodes);
  const heading = $('h1', dialog);
  if (heading) {
    heading.id = 'dialog-title';
    dialog.setAttribute('aria-labelledby', heading.id);
  }
  for (const form of $$('form:not([action])', dialog)) form.setAttribute('action', href);
  ready(dialog);
  dialog.dispatchEvent(new CustomEvent('content', { bubbles: true }));
}

function cross() {
  const icon = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  icon.setAttribute('class', 'icon');
  icon.setAttribute('viewBox', '0 0 24 24');
  const line = document.createElementNS(icon.namespaceURI, 'path');
  line.setAttribute('d', 'M18 6 6 18M6 6l12 12');
  line.setAttribute('stroke', 'currentColor');
  line.setAttribute('stroke-linecap', 'round');
  icon.append(line);
  return icon;
}

async function submitInDialog(dialog, form, submitter) {
  const data = new URLSearchParams(new FormData(form, submitter));
  const action = submitter?.getAttribute('formaction') || form.getAttribute('action');
  const response = await fetch(action, { method: 'POST', body: data, headers: { 'X-Dialog': '1' } });
  const target = response.headers.get('X-Location') || (response.redirected && response.url);
  if (target) {
    const same = new URL(target, location).href === location.href;
    if (same) location.reload();
    else location.href = target;
    return;
  }
  const content = contentOf(await response.text());
  if (!content) {
    location.reload();
    return;
  }
  fill(dialog, content, action);
  $('[aria-invalid=true], .flash.error', dialog)?.scrollIntoView({ block: 'nearest' });
  $('[aria-invalid=true]', dialog)?.focus();
}

// Times. The words are those of web/funcs.go.
const units = [[86400, 'd', 'day', 'days'], [3600, 'hr', 'hour', 'hours'], [60, 'min', 'min', 'min'], [1, 'sec', 'sec', 'sec']];
const plural = (n, one, several) => `${n} ${n === 1 ? one : several}`;

function duration(s) {
  for (const [i, [size, short, one, several]] of units.entries()) {
    const n = Math.floor(s / size);
    if (!n && i < units.length - 1) continue;
    const next = units[i + 1];
    const m = next ? Math.floor((s % size) / next[0]) : 0;
    return m ? `${n} ${short} ${m} ${next[1]}` : plural(n, one, several);
  }
  return '';
}

function distance(s) {
  if (s < 60) return duration(s);
  if (s < 6 * 3600) return duration(s - (s % 60));
  if (s < 86400) return duration(s - (s % 3600));
  if (s < 60 * 86400) return duration(s - (s % 86400));
  if (s < 730 * 86400) return plural(Math.floor(s / (30 * 86400)), 'month', 'months');
  return plural(Math.floor(s / (365 * 86400)), 'year', 'years');
}

// How far the server's clock is ahead of the browser's. Pages say the time with data-now, live ones again with their news.
let ahead = 0;
window.serverClock = (now, heard = Date.now()) => { ahead = now - heard; };
if ($('[data-now]')) {
  const answered = performance.getEntriesByType('navigation')[0]?.responseStart ?? performance.now();
  serverClock(Number($('[data-now]').dataset.now), Date.now() - performance.now() + answered);
}

window.secondsSince = (then) => Math.floor((Date.now() + ahead - then) / 1000);

function ago(then) {
  const s = secondsSince(then);
  if (Math.abs(s) < 5) return s < 0 ? 'in a moment' : 'just now';
  return s < 0 ? `in ${distance(-s)}` : `${distance(s)} ago`;
}

function refreshTimes() {
  if (document.hidden) return;
  for (const t of $$('[data-ago], [data-due]')) {
    const text = ago((t.dataset.due || t.dataset.ago) * 1000 || new Date(t.dateTime));
    if (t.textContent !== text) t.textContent = text;
  }
  for (const t of $$('time[data-since]')) {
    const s = Math.max(0, secondsSince(new Date(t.dateTime)));
    const text = duration(s < 120 ? s : s - (s % 60));
    if (t.textContent !== text) t.textContent = text;
  }
}

// Trouble in the title and the icon of the tab.
function showDown() {
  const down = Number(document.body.dataset.down || 0);
  document.title = (down ? `(${down} down) ` : '') + document.title.replace(/^\(\d+ down\) /, '');
  const icon = $('link[rel=icon]');
  icon.href = down ? icon.dataset.down : icon.dataset.calm;
}

// Staying current: what changes comes as a stream of events while the page is seen. Tabs in the background ask now and
// then instead, since browsers open six connections to a site and no more; and so does every page where there is no
// stream: it was refused, or a proxy holds it back.
//   status  address that answers what has changed: …/status/; its stream is …/live/
//   seen    what the page shows already, as a query string
//   update  gets the news
window.stayCurrent = (status, seen, update) => {
  const silence = 45_000; // the server gives a sign of life every 20 s
  let stream, timer;
  let round = 0;
  let refusedUntil = 0;
  let lastActive = Date.now();
  for (const kind of ['pointermove', 'keydown', 'scroll']) addEventListener(kind, () => { lastActive = Date.now(); }, { passive: true });
  const pause = () => (!document.hidden && Date.now() - lastActive < 60_000 ? 3000 : 60_000);

  function begin() {
    stream?.close();
    clearTimeout(timer);
    round += 1;
    if (document.hidden) timer = setTimeout(ask, pause());
    else if (Date.now() < refusedUntil) ask();
    else listen();
  }

  function listen() {
    stream = new EventSource(`${status.replace(/status\/$/, 'live/')}?${seen()}`);
    const wait = (time) => {
      clearTimeout(timer);
      timer = setTimeout(refused, time);
    };
    const refused = () => {
      refusedUntil = Date.now() + 60_000;
      begin();
    };
    stream.onmessage = (e) => {
      wait(silence);
      update(JSON.parse(e.data));
    };
    stream.addEventListener('beat', () => wait(silence));
    stream.onerror = () => stream.readyState === EventSource.CLOSED && refused(); // else the browser tries again
    wait(8000);
  }

  async function ask() {
    const mine = round;
    try {
      const response = await fetch(`${status}?${seen()}`, { headers: { Accept: 'application/json' } });
      if (mine !== round) return;
      if (response.redirected || response.status === 404) return void location.reload(); // logged out, or what it shows is gone
      if (response.ok) update(await response.json());
    } catch { /* no network: the next round may have one */ }
    if (mine === round) timer = setTimeout(begin, pause());
  }

  document.addEventListener('visibilitychange', begin);
  begin();
  return begin; // for when the page shows something else
};

const projects = $('#projects');
if (projects) {
  stayCurrent(projects.dataset.status, () => '', (news) => {
    document.body.dataset.down = news.down;
    const holder = document.createElement('div');
    holder.innerHTML = news.cards;
    const fresh = [...holder.children];
    if (fresh.length !== projects.children.length) return projects.replaceChildren(...fresh);
    fresh.forEach((card, i) => {
      const old = projects.children[i];
      if (old.outerHTML === card.outerHTML) return;
      const focused = old === document.activeElement;
      old.replaceWith(card);
      if (focused) card.focus({ preventScroll: true });
    });
  });
}

function again(part) {
  setTimeout(async () => {
    const response = document.hidden ? null : await fetch(part.dataset.again).catch(() => null);
    if (response?.status === 204) return;
    const holder = document.createElement('div');
    holder.innerHTML = response?.ok ? await response.text() : '';
    const fresh = holder.firstElementChild || part;
    if (fresh !== part) part.replaceWith(fresh);
    again(fresh);
  }, 2000);
}
for (const part of $$('[data-again]')) again(part);

// Parts of a page that are asked for again. The status does not matter: what is wrong may stand in the part itself, and
// the page of an error does not have it. The title of the page comes along.
async function partOf(address, selector, signal) {
  const response = await fetch(address, { signal, headers: { 'X-Part': '1' } }).catch(() => null);
  if (!response) return null; // no network, or a newer question
  if (response.redirected) location.href = address; // logged out
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const part = page.querySelector(selector);
  if (part && !signal?.aborted) {
    document.title = page.title;
    showDown();
  }
  return part;
}

function setUpPart(form) {
  const address = () => {
    const chosen = [...new URLSearchParams(new FormData(form))].filter(([, value]) => value !== '');
    return `${location.pathname}${chosen.length ? `?${new URLSearchParams(chosen)}` : ''}`;
  };
  let shown = address();
  let question = new AbortController();
  let timer;
  const ask = async () => {
    clearTimeout(timer);
    question.abort();
    const mine = new AbortController();
    question = mine;
    const asked = address();
    const fresh = await partOf(asked, form.dataset.part, mine.signal);
    if (!fresh || mine.signal.aborted) return;
    $(form.dataset.part).replaceWith(fresh);
    ready(fresh);
    shown = asked;
    history.replaceState(null, '', asked);
  };
  const askIfChanged = () => address() !== shown && ask();
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    ask();
  });
  form.addEventListener('change', askIfChanged);
  form.addEventListener('input', (e) => {
    if (!e.target.matches('[type=search]')) return;
    clearTimeout(timer);
    timer = setTimeout(askIfChanged, 400);
  });
}
for (const form of $$('form[data-part]')) setUpPart(form);

function setUpPoll(part) {
  const look = async () => {
    if (document.hidden) return;
    const fresh = await partOf(part.dataset.poll, `#${part.id}`);
    if (fresh) part.replaceChildren(...fresh.childNodes);
  };
  setInterval(look, 15_000);
  document.addEventListener('visibilitychange', look);
}
for (const part of $$('[data-poll]')) setUpPoll(part);

// The list of a page's sections marks the one that is read: the last that begins in the upper third, or the last of all
// at the end of the page.
function setUpOnPage(nav) {
  const links = $$('a', nav);
  const sections = links.map((link) => $(link.hash));
  const mark = () => {
    const ended = scrollY > 0 && innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    const read = ended ? links.length - 1 : Math.max(0, sections.findLastIndex((s) => s.getBoundingClientRect().top < innerHeight / 3));
    if (links[read].hasAttribute('aria-current')) return;
    for (const [i, link] of links.entries()) i === read ? link.setAttribute('aria-current', 'true') : link.removeAttribute('aria-current');
    if (nav.scrollWidth > nav.clientWidth) nav.scrollLeft = links[read].offsetLeft - 14;
  };
  document.addEventListener('scroll', mark, { passive: true });
  mark();
}
for (const nav of $$('[data-on-page]')) setUpOnPage(nav);

// Colours: at once, and remembered by the server.
function changeTheme(form, theme) {
  document.documentElement.dataset.theme = theme;
  fetch(form.action, { method: 'POST', body: new URLSearchParams({ theme }), redirect: 'manual' });
}

// Menus in browsers that cannot place them.
function placeMenu(menu) {
  if (CSS.supports('position-area', 'bottom span-left')) return;
  const button = $(`[popovertarget="${menu.id}"]`);
  const r = button?.getBoundingClientRect();
  if (!r) return;
  menu.style.inset = 'auto';
  menu.style.margin = '0';
  menu.style.top = `${Math.max(8, Math.min(r.bottom + 6, innerHeight - menu.offsetHeight - 8))}px`;
  menu.style.left = `${Math.max(8, r.right - menu.offsetWidth)}px`;
}

function ready(root) {
  const tz = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (tz) for (const input of $$('input[type=hidden][name=tz]', root)) input.value = tz;
  for (const button of $$('[data-copy][hidden]', root)) button.hidden = false;
}

document.addEventListener('click', (e) => {
  const button = e.target.closest('[data-copy]');
  if (button) {
    e.preventDefault();
    copy(button.dataset.copy || $('code', button.closest('.code')).textContent);
    return;
  }
  const link = e.target.closest('a[data-dialog]');
  if (link && !e.metaKey && !e.ctrlKey && !e.shiftKey && e.button === 0) {
    e.preventDefault();
    link.closest('[popover]')?.hidePopover();
    openDialog(link.href, link.closest('dialog'));
  }
  if (e.target.closest('dialog a[data-close]')) {
    e.preventDefault();
    e.target.closest('dialog').close();
  }
});

document.addEventListener('submit', (e) => {
  const form = e.target;
  if (e.defaultPrevented) return;
  if (form.matches('[data-theme-form]')) {
    e.preventDefault();
    changeTheme(form, e.submitter.value);
    return;
  }
  if (form.method !== 'post') return;
  const busy = e.submitter?.dataset.busy;
  if (busy) {
    e.submitter.setAttribute('aria-busy', 'true');
    e.submitter.lastChild.textContent = busy;
  }
  const dialog = form.closest('dialog');
  if (dialog && !form.hasAttribute('data-leave')) {
    e.preventDefault();
    submitInDialog(dialog, form, e.submitter);
  }
});

document.addEventListener('input', (e) => {
  const list = e.target.dataset?.filter && $(e.target.dataset.filter);
  if (!list) return;
  const wanted = e.target.value.toLowerCase();
  const items = list.querySelectorAll('[data-item]');
  for (const item of items.length ? items : list.children) item.hidden = !item.textContent.toLowerCase().includes(wanted);
});

document.addEventListener('toggle', (e) => {
  if (e.target.matches?.('.menu') && e.newState === 'open') placeMenu(e.target);
}, true);

document.addEventListener('visibilitychange', refreshTimes);
addEventListener('pageshow', (e) => e.persisted && location.reload()); // the back button must not bring back an old state
setInterval(refreshTimes, 1000);
new MutationObserver(showDown).observe(document.body, { attributeFilter: ['data-down'] });
for (const form of $$('[data-theme-form][hidden]')) form.hidden = false;
for (const form of $$('form[data-send]')) form.requestSubmit();
ready(document);
$('.tabs [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
