// What a command of vici is: it reads the request, may stream events to the client that asked, and answers.

import { section, type ViciSection } from './message.ts';
import type { ViciGateway } from './vici-gateway.ts';

/** The client that asked, while its command runs. */
export interface Asking {
  /** Sends an event where the client has registered for it. Resolves when there is room for the next. */
  emit(event: string, message: ViciSection): Promise<void>;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

/** @throws ViciRequestError which the client is told */
export type Command = (
  gateway: ViciGateway,
  request: ViciSection,
  asking: Asking,
) => ViciSection | Promise<ViciSection>;

export const SUCCESS: ViciSection = section({ success: 'yes' });

export function failure(message: string, more: Readonly<Record<string, number>> = {}): ViciSection {
  return section({ success: 'no', ...more, errmsg: message });
}
