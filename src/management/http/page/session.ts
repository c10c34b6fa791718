// Signing in: the token goes to the gateway once and is kept nowhere; what stays is a cookie that no program can read.

import { byId, byIdAs } from './dom.ts';
import { post } from './gateway-client.ts';

export class Session {
  readonly #onTried: () => void;

  constructor(onTried: () => void) {
    this.#onTried = onTried;
    byIdAs('session-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      const field = byIdAs('token', HTMLInputElement);
      const token = field.value;
      field.value = '';
      void this.open(token);
    });
    byId('leave').addEventListener('click', () => {
      void post('/api/leave', {}).then(() => {
        location.reload();
      });
    });
  }

  /** The gateway wants the token. */
  ask(): void {
    if (!byId('session').hidden) return;
    byId('session').hidden = false;
    byId('content').hidden = true;
    byId('token').focus();
  }

  /** Shows the token to the gateway. */
  async open(token: string): Promise<void> {
    const asked = await post('/api/session', { token });
    const problem = byId('session-problem');
    if (asked.type === 'answer') {
      problem.textContent = '';
      byId('session').hidden = true;
    } else {
      this.ask();
      problem.textContent = asked.type === 'refused' ? asked.line : 'The gateway does not answer.';
      byId('token').focus();
    }
    this.#onTried();
  }
}

const TOKEN = /^#token=(.+)$/;

/** Of the address that `isthmus page` prints. It stays neither there nor in the history. */
export function takeToken(): string | undefined {
  const [, token] = TOKEN.exec(location.hash) ?? [];
  if (token !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return token;
}
