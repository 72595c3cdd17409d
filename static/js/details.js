// The page of a check stays current; switches act in place. The log shows at once what is ticked.

const events = document.querySelector('#events');
const state = document.querySelector('#state');

for (const form of document.querySelectorAll('form[data-auto]')) {
  form.querySelector('button').hidden = true;
  form.addEventListener('change', () => form.requestSubmit());
}

if (events) {
  let version = events.dataset.version;
  let lastSeen = Date.now();
  let timer;
  for (const kind of ['pointermove', 'keydown', 'scroll']) addEventListener(kind, () => { lastSeen = Date.now(); }, { passive: true });
  const pause = () => (!document.hidden && Date.now() - lastSeen < 60_000 ? 3000 : 60_000);

  const poll = async () => {
    clearTimeout(timer);
    try {
      const response = await fetch(`${events.dataset.status}?v=${version}`, { headers: { Accept: 'application/json' } });
      if (response.redirected || response.status === 404) return void location.reload(); // logged out, or the check is gone
      if (response.ok) update(await response.json());
    } catch { /* no network: the next round may have one */ }
    timer = setTimeout(poll, pause());
  };

  const update = (news) => {
    version = news.version;
    document.body.dataset.down = news.down;
    const holder = document.createElement('div');
    holder.innerHTML = news.state;
    const look = (root) => root.querySelector('.state').className + root.textContent;
    if (look(holder) !== look(state)) state.replaceChildren(...holder.childNodes);
    if (!news.events) return;
    events.innerHTML = news.events;
    document.querySelector('#facts').innerHTML = news.facts;
  };

  document.addEventListener('visibilitychange', () => document.hidden || poll());
  timer = setTimeout(poll, pause());

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
    if (response?.ok) input.value = on ? 'off' : 'on';
    else button.setAttribute('aria-checked', !on);
  });
}
