// Forms of checks: sliders beside numbers, what an expression means while it is typed, a slug that follows the name.

// Where the sliders' thousandths stand for which number of seconds.
const scale = [[0, 60], [300, 3600], [600, 86400], [750, 7 * 86400], [900, 30 * 86400], [1000, 365 * 86400]];
const steps = [[3600, 60], [86400, 3600], [30 * 86400, 86400], [Infinity, 5 * 86400]]; // up to …, in steps of …

function secondsAt(position) {
  const i = Math.max(1, scale.findIndex(([p]) => position <= p));
  const [[p0, s0], [p1, s1]] = [scale[i - 1], scale[i]];
  const exact = s0 + ((position - p0) / (p1 - p0)) * (s1 - s0);
  const step = steps.find(([most]) => exact <= most)[1];
  return Math.round(exact / step) * step;
}

function positionOf(seconds) {
  const s = Math.min(Math.max(seconds, scale[0][1]), scale.at(-1)[1]);
  const i = Math.max(1, scale.findIndex(([, most]) => s <= most));
  const [[p0, s0], [p1, s1]] = [scale[i - 1], scale[i]];
  return Math.round(p0 + ((s - s0) / (s1 - s0)) * (p1 - p0));
}

function setUpLength(field) {
  const slider = field.querySelector('input[type=range]');
  const number = field.querySelector('input[type=number]');
  const unit = field.querySelector('select');
  const show = () => {
    const seconds = number.value * unit.value;
    if (seconds > 0) slider.value = positionOf(seconds);
    slider.setAttribute('aria-valuetext', `${number.value} ${unit.selectedOptions[0].text}`);
  };
  slider.hidden = false;
  slider.addEventListener('input', () => {
    const seconds = secondsAt(Number(slider.value));
    unit.value = [86400, 3600, 60].find((size) => seconds % size === 0);
    number.value = seconds / unit.value;
    slider.setAttribute('aria-valuetext', `${number.value} ${unit.selectedOptions[0].text}`);
  });
  number.addEventListener('input', show);
  unit.addEventListener('change', show);
  show();
}

function setUpSchedule(root) {
  for (const field of root.querySelectorAll('[data-length]')) setUpLength(field);
  const text = root.querySelector('textarea[name=schedule]');
  const tz = root.querySelector('select[name=tz]');
  const box = root.querySelector('[data-preview]');
  const kinds = [...root.querySelectorAll('input[name=kind]')];
  const typed = { cron: '', oncalendar: '' };
  const examples = { cron: '0 3 * * *', oncalendar: 'Mon..Fri 03:00' };
  let kind = '';
  let turn = 0;
  let timer;

  const values = () => {
    const all = new URLSearchParams(new FormData(text.form));
    for (const name of [...all.keys()]) if (!/^(kind|schedule|tz|timeout_.*|grace_.*)$/.test(name)) all.delete(name);
    return all;
  };
  let shown = box.childElementCount ? String(values()) : '';
  const preview = async () => {
    const mine = turn;
    const asked = values();
    if (String(asked) !== shown) {
      const answer = kind === 'simple' || text.value.trim() ? await explain(asked) : '';
      if (mine !== turn) return; // the values have changed meanwhile
      shown = answer === null ? '' : String(asked);
      const said = root.querySelector('.field .error'); // by the server, of the same values
      box.innerHTML = said ? '' : answer ?? '';
      if (kind !== 'simple' && !said && answer) {
        if (box.querySelector('.error')) text.setAttribute('aria-invalid', 'true');
        else text.removeAttribute('aria-invalid');
      }
    }
    box.removeAttribute('aria-busy');
  };
  // What the server says of the values, null when it says nothing.
  const explain = async (asked) => {
    try {
      const response = await fetch(root.dataset.schedule, { method: 'POST', body: asked });
      return response.ok && !response.redirected ? await response.text() : null;
    } catch {
      return null;
    }
  };
  const soon = (e) => {
    if (e.target.matches('[type=search]')) return;
    e.target.closest('.field')?.querySelector('.error')?.remove(); // what the server said of the value before
    e.target.removeAttribute('aria-invalid');
    box.setAttribute('aria-busy', 'true'); // it is about the values before
    turn++;
    clearTimeout(timer);
    timer = setTimeout(preview, 150);
  };
  const choose = () => {
    const before = kind;
    kind = kinds.find((k) => k.checked)?.value;
    if (kind === 'simple') return;
    if (before && before !== kind) {
      if (before in typed) typed[before] = text.value;
      if (before in typed || !text.value) text.value = typed[kind];
    }
    text.placeholder = examples[kind];
    text.rows = kind === 'cron' ? 1 : 3;
  };

  // What a hint offers instead of an expression that is refused.
  root.addEventListener('click', (e) => {
    const use = e.target.closest('button[name=use]');
    if (!use) return;
    e.preventDefault();
    text.value = use.value;
    if (use.dataset.tz) tz.value = use.dataset.tz;
    use.closest('.help').remove();
    text.dispatchEvent(new Event('input', { bubbles: true }));
    text.focus();
  });

  for (const k of kinds) k.addEventListener('change', choose);
  root.addEventListener('input', soon);
  root.addEventListener('change', soon);
  text.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' && kind === 'cron') {
      e.preventDefault();
      text.form.requestSubmit();
    }
  });
  setUpZones(tz);
  choose();
  preview();
}

// A list of 600 time zones to choose from by a few letters of a name, with the time it is there now. The select stays
// what is sent.
const zonesShown = 60;

function setUpZones(select) {
  const box = document.createElement('div');
  box.className = 'zonelist';
  const input = document.createElement('input');
  Object.assign(input, { type: 'search', id: select.id, autocomplete: 'off', spellcheck: false, value: select.value });
  for (const [name, value] of Object.entries({ role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': `${select.id}-list` })) input.setAttribute(name, value);
  for (const name of ['aria-invalid', 'aria-describedby']) if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  const list = document.createElement('ul');
  Object.assign(list, { id: `${select.id}-list`, hidden: true });
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', 'Time zones');
  select.id += '-choice';
  select.hidden = true;
  select.before(box);
  box.append(input, list);
  const all = [...select.options].map((o) => [o.value, o.value.replaceAll(/[_/]/g, ' ').toLowerCase()]);
  let at = 0;

  const timeIn = (zone) => {
    try {
      return new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format();
    } catch { // the browser does not know it
      return '';
    }
  };
  const mark = () => {
    for (const [i, item] of [...list.children].entries()) item.setAttribute('aria-selected', String(i === at));
    const item = list.children[at];
    if (item) input.setAttribute('aria-activedescendant', item.id);
    else input.removeAttribute('aria-activedescendant');
    item?.scrollIntoView?.({ block: 'nearest' });
  };
  const close = () => {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
    input.value = select.value;
  };
  const open = (words) => {
    const found = all.filter(([, name]) => words.every((w) => name.includes(w))).slice(0, zonesShown);
    list.replaceChildren(...found.map(([zone], i) => {
      const item = document.createElement('li');
      item.id = `${list.id}-${i}`;
      item.setAttribute('role', 'option');
      item.dataset.zone = zone;
      const time = document.createElement('span');
      time.className = 'num';
      time.textContent = timeIn(zone);
      item.append(zone, ' ', time);
      return item;
    }));
    if (!found.length) {
      const none = document.createElement('li');
      none.className = 'none';
      none.textContent = 'No time zone has that name.';
      list.append(none);
    }
    at = Math.max(0, found.findIndex(([zone]) => !words.length && zone === select.value));
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
    mark();
  };
  const choose = (item) => {
    if (!item?.dataset.zone) return;
    select.value = item.dataset.zone;
    close();
    select.dispatchEvent(new Event('change', { bubbles: true }));
  };

  input.addEventListener('focus', () => input.select());
  input.addEventListener('click', () => list.hidden && open([]));
  input.addEventListener('input', () => open(input.value.toLowerCase().replaceAll(/[_/]/g, ' ').split(' ').filter(Boolean)));
  input.addEventListener('blur', close);
  input.addEventListener('keydown', (e) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[e.key];
    if (step) {
      e.preventDefault();
      if (list.hidden) return void open([]);
      at = Math.min(Math.max(at + step, 0), list.children.length - 1);
      mark();
    } else if (e.key === 'Enter') {
      e.preventDefault();
      if (list.hidden) input.form.requestSubmit();
      else choose(list.children[at]);
    } else if (e.key === 'Escape' && !list.hidden) {
      e.preventDefault(); // the dialog around stays
      e.stopPropagation();
      close();
    }
  });
  list.addEventListener('mousedown', (e) => e.preventDefault()); // the field keeps the focus
  list.addEventListener('click', (e) => choose(e.target.closest('li')));
}

const slugify = (s) => s.normalize('NFKD').replace(/[^\x00-\x7f]/g, '').toLowerCase().replace(/[^a-z0-9_\s-]/g, '').replace(/[-\s]+/g, '-').replace(/^[-_]+|[-_]+$/g, '').slice(0, 100);

// The slug follows the name until somebody writes one.
function setUpSlug(slug) {
  const name = slug.form.elements[slug.dataset.slugOf];
  let follows = slug.value === slugify(name.value) && !slug.closest('form').action.endsWith('/name/');
  slug.addEventListener('input', () => { follows = slug.value === ''; });
  name.addEventListener('input', () => { if (follows) slug.value = slugify(name.value); });
}

function ready(root) {
  for (const schedule of root.querySelectorAll('[data-schedule]')) setUpSchedule(schedule);
  for (const slug of root.querySelectorAll('[data-slug-of]')) setUpSlug(slug);
}

document.addEventListener('content', (e) => ready(e.target));
ready(document);
