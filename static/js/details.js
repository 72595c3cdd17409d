// The page of a check stays current; switches act in place. The log shows at once what is ticked.

const events = document.querySelector('#events');
const state = document.querySelector('#state');

for (const form of document.querySelectorAll('form[data-auto]')) {
  form.querySelector('button').hidden = true;
  form.addEventListener('change', () => form.requestSubmit());
}

if (events) {
  let version = events.dataset.version;

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
    if (response?.ok) input.value = on ? 'off' : 'on';
    else button.setAttribute('aria-checked', !on);
  });
}
