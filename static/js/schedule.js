// Forms of checks: sliders beside numbers, what an expression means while it is typed, a slug that follows the name.

// Where the sliders' thousandths stand for which number of seconds (features §4.5).
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

  const preview = async () => {
    const mine = ++turn;
    if (kind === 'simple' || !text.value.trim()) return void box.replaceChildren();
    const response = await fetch(root.getAttribute(`data-preview-${kind}`), { method: 'POST', body: new URLSearchParams({ schedule: text.value, tz: tz.value }) }).catch(() => null);
    if (mine !== turn || !response?.ok || response.redirected) return;
    const said = text.closest('.field').querySelector('.error'); // by the server, of the same text
    box.innerHTML = said ? '' : await response.text();
    if (said) return;
    if (box.querySelector('.error')) text.setAttribute('aria-invalid', 'true');
    else text.removeAttribute('aria-invalid');
  };
  const choose = () => {
    const before = kind;
    kind = kinds.find((k) => k.checked)?.value;
    if (kind === 'simple') return void preview();
    if (before && before !== kind) {
      if (before in typed) typed[before] = text.value;
      if (before in typed || !text.value) text.value = typed[kind];
    }
    text.placeholder = examples[kind];
    text.rows = kind === 'cron' ? 1 : 3;
    preview();
  };

  for (const k of kinds) k.addEventListener('change', choose);
  text.addEventListener('input', () => {
    text.closest('.field').querySelector('.error')?.remove(); // what the server said of the text before
    clearTimeout(timer);
    timer = setTimeout(preview, 150);
  });
  text.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' && kind === 'cron') {
      e.preventDefault();
      text.form.requestSubmit();
    }
  });
  tz.addEventListener('change', preview);
  choose();
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
