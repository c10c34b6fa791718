// Signing in: the token goes to the gateway once and is kept nowhere; what stays is a cookie that no program can read.

import { byId, byIdAs } from './dom.ts';
import { post } from './gateway-client.ts';

export class Session {
  readonly #onOpen: () => void;

  constructor(onOpen: () => void) {
    this.#onOpen = onOpen;
    byIdAs('session-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#open();
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

  async #open(): Promise<void> {
    const field = byIdAs('token', HTMLInputElement);
    const asked = await post('/api/session', { token: field.value });
    field.value = '';
    const problem = byId('session-problem');
    if (asked.type === 'answer') {
      problem.textContent = '';
      byId('session').hidden = true;
      byId('leave').hidden = false;
      this.#onOpen();
      return;
    }
    problem.textContent = asked.type === 'refused' ? asked.line : 'The gateway does not answer.';
    field.focus();
  }
}
