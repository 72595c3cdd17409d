// A form that a security key or passkey fills in: data-webauthn says "create" or "get", data-options what the server
// asks of the key. The answer travels in the field "credential".

const form = document.querySelector('form[data-webauthn]');
const button = form.querySelector('button');
const problem = form.querySelector('[data-problem]');

function say(text) {
  problem.querySelector('p').textContent = text;
  problem.hidden = !text;
}

function wordsFor(error) {
  switch (error.name) {
    case 'NotAllowedError':
    case 'AbortError':
      return 'No key has answered in time, or it was called off. Try again.';
    case 'InvalidStateError':
      return 'This key is registered already. Take another one.';
    case 'SecurityError':
      return `Keys of this site do not work under the address ${location.origin}. Open it as https://… or as it is set up.`;
    default:
      return `The browser could not use the key: ${error.message}`;
  }
}

async function ask() {
  const options = JSON.parse(form.dataset.options);
  if (form.dataset.webauthn === 'create') {
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

form.addEventListener('submit', async (e) => {
  e.preventDefault();
  say('');
  button.setAttribute('aria-busy', 'true');
  try {
    form.elements.credential.value = JSON.stringify((await ask()).toJSON());
    form.submit();
  } catch (error) {
    say(wordsFor(error));
    button.removeAttribute('aria-busy');
  }
});

if (!window.isSecureContext) {
  say('Browsers use security keys with https only. Open this site by its https address.');
} else if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  say('This browser is too old for security keys, or does not know them. Use another one, or an authenticator app.');
} else {
  button.disabled = false;
  if (form.dataset.webauthn === 'get') button.focus();
}
