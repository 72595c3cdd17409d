// The page of a check stays current; switches act in place. The log shows at once what is ticked.

const events = document.querySelector('#events');
const state = document.querySelector('#state');

if (events) {
  let version = events.dataset.version;

  const update = (news) => {
    version = news.version;
    document.body.dataset.down = news.down;
    serverClock(news.now);
    replace(state, news.state);
    if (!news.events) return;
    replace(document.querySelector('#output'), news.output || '');
    events.innerHTML = news.events;
    document.querySelector('#facts').innerHTML = news.facts;
    keepOpen(document.querySelector('#history'), news.history);
    const runs = document.querySelector('#runs');
    keepOpen(runs.querySelector('#runs-data'), news.runs);
    runs.hidden = !news.runs;
    runs.dispatchEvent(new Event('runs'));
  };

  stayCurrent(events.dataset.status, () => `v=${version}`, update);

  document.addEventListener('submit', async (e) => {
    const button = e.target.querySelector('button[role=switch]');
    if (!button) return;
    e.preventDefault();
    const input = e.target.elements.state;
    const on = input.value === 'on';
    button.setAttribute('aria-checked', on);
    const response = await fetch(e.target.action, {
      method: 'POST', headers: { Accept: 'application/json' }, body: new URLSearchParams({ state: input.value }),
    }).catch(() => null);
    if (!response?.ok) return void button.setAttribute('aria-checked', !on);
    input.value = on ? 'off' : 'on';
    const page = await fetch(location.href).catch(() => null); // whether anybody is told now
    const reach = page?.ok && new DOMParser().parseFromString(await page.text(), 'text/html').querySelector('#reach');
    if (reach) document.querySelector('#reach').replaceWith(reach);
  });
}

// replace puts new HTML into a part, unless it is the same but for how far its times have counted.
function replace(part, html) {
  const holder = document.createElement('div');
  holder.innerHTML = html;
  const look = (root) => {
    const copy = root.cloneNode(true);
    for (const time of copy.querySelectorAll('[data-since]')) time.textContent = '';
    return copy.innerHTML;
  };
  if (look(holder) !== look(part)) part.replaceChildren(...holder.childNodes);
}

// Times carry their zone where it is not that of the browser. The server knows that of the account only.
function compareZones(root) {
  const zoneOf = (options) => Intl.DateTimeFormat('en', options).resolvedOptions().timeZone;
  for (const mark of root.querySelectorAll('[data-zone]')) {
    try {
      mark.classList.toggle('foreign', zoneOf({ timeZone: mark.dataset.zone }) !== zoneOf());
    } catch { /* the browser does not know the zone */ }
  }
}
compareZones(document);
document.addEventListener('content', (e) => compareZones(e.target));

// keepOpen puts new HTML into a part; what was unfolded there stays so.
function keepOpen(part, html) {
  const open = part.querySelector('details')?.open;
  part.innerHTML = html || '';
  const details = part.querySelector('details');
  if (open && details) details.open = true;
}

// The log: its form asks for it again (data-part); two sliders set its dates; new events come in where they belong to what is shown.
const filter = document.querySelector('#logfilter');
if (filter) {
  const log = () => document.querySelector('#log');
  filter.querySelector('button').hidden = true;
  filter.addEventListener('formdata', (e) => { // all kinds are no choice
    if (e.formData.getAll('kind').length === filter.querySelectorAll('[name=kind]').length) e.formData.delete('kind');
  });

  const slider = filter.querySelector('.slider');
  if (slider) {
    const { min, max, tz } = slider.dataset;
    const [from, until] = slider.querySelectorAll('input');
    const written = (seconds) => new Date(seconds * 1000).toLocaleString('sv', { timeZone: tz, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' }).replace(' ', 'T');
    const show = () => {
      for (const s of [from, until]) s.setAttribute('aria-valuetext', written(s.value).replace('T', ' '));
      slider.style.setProperty('--from', (from.value - min) / (max - min));
      slider.style.setProperty('--until', (until.value - min) / (max - min));
    };
    slider.hidden = false;
    slider.addEventListener('input', (e) => {
      if (Number(from.value) > Number(until.value)) (e.target === from ? until : from).value = e.target.value;
      filter.elements.from.value = from.value === min ? '' : written(from.value);
      filter.elements.until.value = until.value === max ? '' : written(until.value);
      show();
    });
    show();
  }

  let version = log().dataset.version;
  stayCurrent(log().dataset.status, () => `v=${version}`, (news) => {
    document.body.dataset.down = news.down;
    if (news.version === version) return;
    version = news.version;
    if ('live' in log().dataset) filter.requestSubmit();
  });
}
