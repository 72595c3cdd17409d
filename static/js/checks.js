// The list of checks: filters at once, stays current, and acts from the rows. Without it the filters are links and a
// form, and everything else is on the page of each check.

const table = document.querySelector('#checks');
const search = document.querySelector('input[name=search]');
const menu = document.querySelector('#row-menu');

if (table) start();
else {
  const empty = document.querySelector('#first'); // the first check may come with its first ping
  const open = () => document.querySelector('dialog[open], :popover-open');
  if (empty) stayCurrent(empty.dataset.status, () => '', (news) => Object.values(news.counts).some(Boolean) && !open() && location.reload());
}

function start() {
  const serverFiltered = 'serverFiltered' in table.dataset; // the server filters: there are pages, groups or boxes
  const body = table.tBodies[0];
  const allRows = () => [...table.querySelectorAll('tbody tr:not(.group)')];
  const filter = readFilter();

  // Filtering. The rules are those of web/checks_filter.go.
  const slugify = (s) => s.normalize('NFKD').replace(/[^\x00-\x7f]/g, '').toLowerCase().replace(/[^a-z0-9_\s-]/g, '').replace(/[-\s]+/g, '-').replace(/^[-_]+|[-_]+$/g, '');
  const code = (row) => row.querySelector('.nm a').pathname.split('/').at(-3);
  const tagsOf = (row) => [...row.querySelectorAll('.nm .tag')].map((t) => t.textContent);

  function matches(row) {
    if (filter.status.size && !filter.status.has(row.className.slice(2))) return false;
    if (filter.told.size && !row.querySelector('.nm .untold')) return false;
    const tags = tagsOf(row);
    for (const tag of filter.tag) if (!tags.includes(tag)) return false;
    if (!filter.search) return true;
    const name = row.querySelector('.nm a').textContent;
    const slug = row.dataset.slug ?? slugify(name);
    return [name, slug, tags.join(' '), code(row)].some((text) => text.toLowerCase().includes(filter.search.toLowerCase()));
  }

  function apply() {
    if (serverFiltered) return;
    let any = false;
    for (const row of body.rows) {
      const shown = matches(row);
      if (row.hidden === shown) row.hidden = !shown;
      any ||= shown;
    }
    const none = document.querySelector('#none');
    if (none.hidden !== any) none.hidden = any;
  }

  // What the address says of order and ping URLs counts for as long as one stays at it.
  const shownAs = () => [...new URLSearchParams(location.search)].filter(([name]) => name === 'sort' || name === 'urls');
  const chosen = (name) => ['tag', 'search', 'status', 'told', 'sort', 'urls'].includes(name);

  function changed() {
    const q = new URLSearchParams();
    for (const tag of filter.tag) q.append('tag', tag);
    if (filter.search) q.set('search', filter.search);
    for (const status of filter.status) q.append('status', status);
    for (const told of filter.told) q.append('told', told);
    for (const [name, value] of shownAs()) q.set(name, value);
    history.replaceState(null, '', q.size ? `?${q}` : location.pathname);
    for (const [set, name] of [[filter.status, 'state'], [filter.tag, 'tag'], [filter.told, 'told']]) {
      for (const chip of document.querySelectorAll(`a[data-${name}]`)) {
        if (set.has(chip.dataset[name])) chip.setAttribute('aria-current', 'true');
        else chip.removeAttribute('aria-current');
      }
    }
    for (const link of document.querySelectorAll('#select, #view-menu a')) {
      const own = [...new URLSearchParams(link.search)].filter(([name]) => !chosen(name));
      link.search = new URLSearchParams([...q, ...own]);
    }
    apply();
  }

  // The order is chosen for what is filtered at the moment.
  const view = document.querySelector('#view');
  view.addEventListener('submit', () => {
    const own = [...new URLSearchParams(view.elements.back.value)].filter(([name]) => !chosen(name));
    const now = [...new URLSearchParams(location.search)].filter(([name]) => chosen(name));
    view.elements.back.value = `?${new URLSearchParams([...now, ...own])}`;
  });

  // Where the server filters, what it shows at an address takes the place of what is shown.
  let turn = 0;
  let restart; // listens to what is shown now
  async function load(url) {
    const mine = ++turn;
    const response = await fetch(url).catch(() => null);
    if (mine !== turn) return;
    const next = response?.ok && !response.redirected && new DOMParser().parseFromString(await response.text(), 'text/html');
    const fresh = next && next.querySelector('#checks');
    if (!fresh) return void (location.href = url);
    if (mine !== turn) return;
    const focus = document.activeElement;
    const same = focus.dataset.tag ? `[data-tag="${CSS.escape(focus.dataset.tag)}"]` : focus.dataset.state ? `[data-state=${focus.dataset.state}]`
      : table.contains(focus) && focus.closest('tbody tr:not(.group)') ? `a[href*="${code(focus.closest('tr'))}"]` : '';
    history.replaceState(null, '', url);
    for (const part of ['#summary', '.chips', '#icons', '#icon-menu', '.tags', '#none', '#pages']) document.querySelector(part)?.replaceWith(next.querySelector(part) || '');
    table.replaceChildren(...fresh.childNodes);
    Object.assign(table.dataset, fresh.dataset);
    ({ version, since } = table.dataset);
    serverClock(Number(table.dataset.now));
    if (same) document.querySelector(`main ${same}`)?.focus({ preventScroll: true });
    settle(table);
    drawInSight();
    restart();
  }

  function readFilter() {
    const q = new URLSearchParams(location.search);
    return { tag: new Set(q.getAll('tag')), status: new Set(q.getAll('status')), told: new Set(q.getAll('told')), search: (q.get('search') || '').trim() };
  }

  document.addEventListener('click', (e) => {
    if (e.metaKey || e.ctrlKey || e.shiftKey) return;
    const chip = e.target.closest('a[data-state], a[data-tag], a[data-told]');
    const all = e.target.closest('#show-all');
    if (!chip && !all) return;
    e.preventDefault();
    if (all) search.value = '';
    if (serverFiltered) return void load((chip || all).href);
    if (all) {
      filter.tag.clear();
      filter.status.clear();
      filter.told.clear();
      filter.search = '';
    } else {
      const { state, tag, told } = chip.dataset;
      const [set, value] = state ? [filter.status, state] : tag ? [filter.tag, tag] : [filter.told, told];
      if (!set.delete(value)) set.add(value);
    }
    changed();
  });
  search.addEventListener('input', () => {
    if (serverFiltered) {
      clearTimeout(typing);
      typing = setTimeout(find, 250);
      return;
    }
    filter.search = search.value.trim();
    changed();
  });
  let typing;
  function find() {
    const q = new URLSearchParams(location.search);
    q.delete('page');
    if (search.value.trim()) q.set('search', search.value.trim());
    else q.delete('search');
    load(`?${q}`);
  }
  search.form.addEventListener('submit', (e) => e.preventDefault());
  document.addEventListener('keydown', (e) => {
    if (e.key === 'Escape' && e.target === search && search.value) {
      search.value = '';
      search.dispatchEvent(new Event('input'));
    }
  });

  // Staying current (see app.js). Rows change in place; they move to where the order of the list wants them when nobody
  // is about to click on one.
  let version = table.dataset.version;
  let since = table.dataset.since;
  let lastActive = 0;
  let order = serverFiltered ? [] : [...body.rows].map(code);
  for (const kind of ['pointermove', 'keydown']) addEventListener(kind, () => { lastActive = Date.now(); }, { passive: true });
  const busy = () => Date.now() - lastActive < 60_000 && (menu.matches(':popover-open') || table.matches(':hover') || table.contains(document.activeElement));

  function update(news) {
    if (news.all && serverFiltered) return void again();
    if (news.all && !news.rows) return void location.reload();
    version = news.version;
    since = news.now;
    serverClock(news.now / 1000);
    document.body.dataset.down = news.down;
    replace(document.querySelector('#summary'), news.summary);
    if (news.icons) document.querySelector('#icons').innerHTML = news.icons;
    if (news.icon_menu && iconMenu) iconMenu.innerHTML = news.icon_menu;
    for (const chip of document.querySelectorAll('a[data-state], a[data-told]')) {
      const count = chip.dataset.told ? news.unreached : news.counts[chip.dataset.state] || 0;
      chip.querySelector('b').textContent = count;
      const place = chip.parentNode;
      if (!count || !place.hidden) continue; // one that is empty now stays, and a new one comes last: nothing moves
      place.hidden = false;
      place.style.order = 1;
    }
    for (const chip of document.querySelectorAll('a[data-tag]')) {
      const [state, tip] = news.tags[chip.dataset.tag] || ['new', ''];
      chip.className = `tag big s-${state}`;
      chip.title = tip;
    }
    const holder = document.createElement('tbody');
    holder.innerHTML = (news.rows || []).join('');
    settle(holder);
    const rows = rowsByCode();
    const fresh = [...holder.rows];
    if (news.all) order = fresh.map(code);
    fresh.forEach((row, i) => {
      draw(row);
      const shown = rows.get(code(row)); // below each of its tags
      for (const old of shown || []) become(old, row);
      if (!shown && news.all) body.append(row);
      if (!news.all && !serverFiltered) place(code(row), news.after[i]);
    });
    arrange();
    apply();
    tick();
  }

  function again() {
    clearTimeout(late);
    if (busy()) late = setTimeout(again, 1000);
    else load(location.href);
  }

  // The pictures of the channels and the bars of the runs are drawn when their row comes into sight.
  function draw(row) {
    const waiting = row.querySelector('.ch noscript');
    if (waiting) {
      const cell = waiting.parentNode;
      cell.innerHTML = waiting.firstElementChild ? waiting.innerHTML : waiting.textContent;
      nameIcons(cell);
    }
    const bars = row.querySelector('.hist:empty');
    if (bars) drawBars(bars);
  }

  // The bars are lines as thick as they are tall, whose dashes make the bars of them; web/ui/checkstate draws those of other
  // pages and says why.
  function drawBars(bars) {
    const runs = bars.dataset.runs || '';
    const lines = [['u', 17, 'on time'], ['l', 14.5, 'late'], ['d', 12, 'failed'], ['m', 4, 'missed'], ['\\?', 8.5, 'unknown']];
    const words = lines.map(([outcome, , word]) => [[...runs.matchAll(new RegExp(outcome, 'g'))].length, word]).filter(([n]) => n).map(([n, word]) => `${n} ${word}`);
    const path = (outcome, middle, name) => {
      const d = [...runs.padEnd(30).matchAll(new RegExp(`${outcome}+`, 'g'))].map((m) => `M${m.index * 5} ${middle}h${m[0].length * 5}`).join('');
      return d && `<path class="h-${name}" d="${d}"/>`;
    };
    bars.setAttribute('viewBox', '0 0 150 24');
    bars.setAttribute('preserveAspectRatio', 'none');
    bars.setAttribute('role', 'img');
    bars.setAttribute('aria-label', runs ? `Last ${runs.length} run${runs.length > 1 ? 's' : ''}: ${words.join(', ')}` : 'No runs yet');
    const hatched = [1.5, 8.5, 15.5, 22.5].map((middle) => path('\\?', middle, 'q'));
    bars.innerHTML = lines.slice(0, 4).map(([outcome, middle]) => path(outcome, middle, outcome)).join('') + path(' ', 22, 'n') + hatched.join('');
  }

  // What rows of the server leave to scripts: the button of the menu, and moments that are written in seconds after the
  // last ping.
  function settle(root) {
    for (const cell of root.querySelectorAll('.ac:not(:has(button))')) cell.innerHTML = '<button aria-label="Actions"></button>';
    for (const element of root.querySelectorAll('[data-after]')) {
      const last = element.closest('tr').querySelector('[data-ago]').dataset.ago;
      element.dataset[element.matches('.nx') ? 'due' : 'since'] = Number(last) + Number(element.dataset.after);
      delete element.dataset.after;
    }
  }
  const sight = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      sight.unobserve(target);
      draw(target);
    }
  }, { rootMargin: '50%' });
  function drawInSight() {
    for (const row of allRows()) sight.observe(row);
  }

  const rowsByCode = () => Map.groupBy(allRows(), code);

  // become makes the row show what a fresh one does; what it shows already stays, with the focus.
  function become(row, fresh) {
    if (row.className !== fresh.className) row.className = fresh.className;
    if (fresh.dataset.slug === undefined) delete row.dataset.slug;
    else row.dataset.slug = fresh.dataset.slug;
    [...fresh.cells].forEach((cell, i) => {
      const old = row.cells[i];
      if (old.innerHTML === cell.innerHTML && old.dataset.on === cell.dataset.on && old.dataset.due === cell.dataset.due) return;
      const focused = [...old.querySelectorAll('a, button, input')].indexOf(document.activeElement);
      old.replaceWith(cell.cloneNode(true));
      row.cells[i].querySelectorAll('a, button, input')[focused]?.focus({ preventScroll: true });
    });
  }

  // place notes that the row comes after another, '' is the top.
  function place(it, after) {
    const from = order.indexOf(it);
    if (from < 0 || (after && !order.includes(after))) return;
    order.splice(from, 1);
    order.splice(order.indexOf(after) + 1, 0, it);
  }

  // arrange moves the rows that are not at their place, and removes those that have none.
  let late;
  function arrange() {
    if (serverFiltered) return;
    clearTimeout(late);
    if (busy()) {
      late = setTimeout(arrange, 1000);
      return;
    }
    const focused = body.contains(document.activeElement) && document.activeElement;
    const rows = rowsByCode();
    const wanted = new Set(order);
    for (const [it, [row]] of rows) if (!wanted.has(it)) row.remove();
    let at = body.rows[0];
    for (const row of order.map((it) => rows.get(it)?.[0])) {
      if (!row) continue;
      if (at && at !== row && at.nextElementSibling === row) { // it is the one before that has to go
        const gone = at;
        at = row;
        gone.remove();
      }
      if (row === at) at = at.nextElementSibling;
      else body.insertBefore(row, at || null);
    }
    if (focused && focused !== document.activeElement) focused.focus({ preventScroll: true });
  }

  function replace(element, html) {
    const holder = element.cloneNode(false);
    holder.innerHTML = html;
    if (holder.textContent !== element.textContent) element.replaceChildren(...holder.childNodes);
  }

  // For how long runs have been going on.
  function tick() {
    for (const span of table.querySelectorAll('[data-since]')) span.textContent = `for ${length(secondsSince(span.dataset.since * 1000))}`;
  }
  setInterval(tick, 1000);

  function length(s) {
    if (s >= 600) s -= s % 60; // as the server writes it
    const units = [[86400, 'd', 'day', 'days'], [3600, 'hr', 'hour', 'hours'], [60, 'min', 'min', 'min'], [1, 'sec', 'sec', 'sec']];
    for (const [i, [size, short, one, several]] of units.entries()) {
      const n = Math.floor(s / size);
      if (n < 1 && i < 3) continue;
      const rest = units[i + 1] ? Math.floor((s % size) / units[i + 1][0]) : 0;
      return rest ? `${n} ${short} ${rest} ${units[i + 1][1]}` : `${Math.max(n, 0)} ${n === 1 ? one : several}`;
    }
    return '';
  }

  // What rows do. app.js copies what data-copy holds; it is set just before.
  const pingURL = (row) => {
    const shown = row.querySelector('.nm code').textContent;
    return shown.startsWith(table.dataset.ping) ? shown : table.dataset.ping + code(row);
  };

  document.addEventListener('click', (e) => {
    const url = e.target.closest('#checks .nm code');
    if (url) url.dataset.copy = pingURL(url.closest('tr'));
  }, true);

  table.addEventListener('click', (e) => {
    const dots = e.target.closest('.ac button');
    if (dots) openMenu(dots);
    const cell = e.target.closest('td[data-on]');
    if (cell && 'write' in table.dataset) toggle(cell, channelAt(cell, e));
    if (phone.matches) return void open(e);
    const asks = e.target.closest('.hi, .lp, [data-write] .sc');
    if (asks && asks.textContent !== 'never') {
      const what = asks.matches('.hi') ? 'runs' : asks.matches('.lp') ? 'last_ping' : 'timeout';
      const link = menu.querySelector(`[data-go^="${what}"]`);
      link.href = `${table.dataset.checks}${code(asks.parentNode)}/${link.dataset.go}`;
      link.click();
    }
  });
  // On a phone a row is one target but for its controls.
  const phone = matchMedia('(max-width: 760px)');
  function open(e) {
    const row = e.target.closest('tbody tr:not(.group)');
    if (row && !e.target.closest('a, button, input, .st:has(input)')) row.querySelector('.nm a').click();
  }

  // The bar under the pointer says which run it is; the page with all of them, which a click opens, knows. It is asked for
  // when somebody rests on the bars, once while they show the same.
  const runs = new WeakMap();
  let resting;
  table.addEventListener('pointerover', (e) => {
    const bars = e.target.closest('.hist');
    clearTimeout(resting);
    if (bars && !runs.has(bars)) resting = setTimeout(() => askForRuns(bars), 120);
    const moment = e.target.closest('[data-ago], [data-due]');
    if (moment) moment.title = exact(moment.dataset.ago || moment.dataset.due);
  });
  function exact(seconds) { // 2026-03-01 13:13:01 +02:00
    const digits = '2-digit';
    const parts = { year: 'numeric', month: digits, day: digits, hour: digits, minute: digits, second: digits };
    const format = new Intl.DateTimeFormat('sv-SE', { ...parts, timeZone: table.dataset.zone, timeZoneName: 'longOffset' });
    return format.format(seconds * 1000).replace(/GMT$/, '+00:00').replace('GMT', '');
  }
  async function askForRuns(bars) {
    runs.set(bars, []);
    const response = await fetch(`${table.dataset.checks}${code(bars.closest('tr'))}/runs/`).catch(() => null);
    if (!response?.ok || response.redirected) return void runs.delete(bars);
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    runs.set(bars, [...page.querySelectorAll('[data-run]')].map((run) => run.textContent.trim().replace(/\s+/g, ' ')).reverse());
  }
  table.addEventListener('mousemove', (e) => {
    const bars = e.target.closest('.hist');
    if (!bars) return;
    const r = bars.getBoundingClientRect();
    bars.parentNode.title = runs.get(bars)?.[Math.floor((e.clientX - r.left) / r.width * 30)] || '';
  });

  table.addEventListener('mousemove', (e) => {
    const cell = e.target.closest('td[data-on]');
    const i = cell && channelAt(cell, e);
    const icon = cell && icons()[i];
    if (!icon) return;
    const on = cell.dataset.on.includes(letterOf(i));
    const write = 'write' in table.dataset;
    cell.title = icon.dataset.tip + (write ? (on ? ' Click to turn off.' : ' It is off here: click to turn on.') : on ? '' : ' It is off here.');
  });

  // The channels are one picture in each row, 23 pixels apart; for keyboards they are in the menu too.
  const iconMenu = menu.querySelector('#icon-menu');
  const channels = () => [...menu.querySelectorAll('[data-channel]')];
  const icons = () => document.querySelectorAll('#channels > g');
  const letterOf = (i) => String.fromCharCode(97 + i);
  const channelAt = (cell, e) => Math.floor((e.clientX - cell.firstElementChild.getBoundingClientRect().left) / 23);

  // nameIcons names the picture by the channels that are on and those that are not.
  function nameIcons(cell) {
    const ids = (which) => [...icons()].map((icon) => icon.id).filter((id) => cell.dataset.on.includes(id.slice(3)) === which);
    const names = [['ch-on', ...ids(true)], ['ch-off', ...ids(false)]].filter((list) => list.length > 1);
    cell.firstElementChild.setAttribute('role', 'img');
    cell.firstElementChild.setAttribute('aria-labelledby', names.flat().join(' '));
  }

  async function toggle(cell, i) {
    const channel = channels()[i];
    if (!channel) return;
    const letter = letterOf(i);
    const on = !cell.dataset.on.includes(letter);
    const show = (yes) => {
      cell.dataset.on = cell.dataset.on.replace(letter, '') + (yes ? letter : '');
      nameIcons(cell);
    };
    show(on);
    const response = await fetch(`${table.dataset.checks}${code(cell.parentNode)}/channels/${channel.dataset.channel}/enabled`, {
      method: 'POST', headers: { Accept: 'application/json' }, body: new URLSearchParams({ state: on ? 'on' : 'off' }),
    }).catch(() => null);
    if (!response?.ok) show(!on);
  }

  // Pausing and resuming: the page that comes is this one, so that nothing jumps.
  const one = menu.querySelector('[data-one]');
  one?.addEventListener('submit', async (e) => {
    e.preventDefault();
    await fetch(one.getAttribute('action'), { method: 'POST', body: new URLSearchParams(new FormData(one, e.submitter)), headers: { 'X-Dialog': '1' } }).catch(() => null);
    location.reload();
  });

  function openMenu(dots) {
    const row = dots.closest('tr');
    const base = `${table.dataset.checks}${code(row)}/`;
    menu.querySelector('.menu-head').textContent = row.querySelector('.nm a').textContent;
    for (const item of menu.querySelectorAll('[data-go]')) {
      item[item.tagName === 'FORM' ? 'action' : 'href'] = base + item.dataset.go;
    }
    const paused = row.className === 's-paused';
    if (one) {
      one.elements.check.value = code(row);
      one.elements.back.value = location.search;
      [one.children[2].hidden, one.children[3].hidden] = [paused, !paused];
    }
    const copyButton = menu.querySelector('[data-do=copy]');
    copyButton.dataset.copy = pingURL(row);
    copyButton.onclick = () => menu.hidePopover();
    const cell = row.querySelector('td[data-on]');
    channels().forEach((channel, i) => {
      const mark = () => channel.setAttribute('aria-checked', cell.dataset.on.includes(letterOf(i)));
      channel.onclick = () => {
        toggle(cell, i);
        mark();
      };
      mark();
    });
    menu.style.positionArea = 'none';
    menu.style.inset = 'auto';
    menu.style.margin = '0';
    menu.showPopover();
    const r = dots.getBoundingClientRect();
    const below = r.bottom + 6 + menu.offsetHeight <= innerHeight;
    menu.style.top = `${Math.max(8, below ? r.bottom + 6 : r.top - menu.offsetHeight - 6)}px`;
    menu.style.left = `${Math.max(8, r.right - menu.offsetWidth)}px`;
  }
  const toTop = document.querySelector('#to-top');
  addEventListener('scroll', () => {
    if (menu.matches(':popover-open')) menu.hidePopover();
    if (toTop) toTop.hidden = scrollY < 2 * innerHeight;
  }, { passive: true });

  settle(table);
  drawInSight();
  tick();
  if (version) apply();
  restart = stayCurrent(table.dataset.status, () => `v=${version}&since=${since}&${serverFiltered ? location.search.slice(1) : new URLSearchParams(shownAs())}`, update); // no version: the page came filtered, the other rows are needed
}
