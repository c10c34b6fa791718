// Message IDs, the window of one request each way, retransmission, and the cached response: RFC 7296 §2.1, §2.2, §2.3.

import type { Retransmission } from './connection.ts';

export interface MessageWindow {
  /** Of this side's next request. */
  readonly nextRequestId: number;
  readonly outstanding: Outstanding | undefined;
  /** Of the peer's next request. */
  readonly expectedRequestId: number;
  /** Sent again where the peer's last request comes again. */
  readonly lastResponse: readonly Uint8Array[] | undefined;
}

/** A request that has no response yet. */
export interface Outstanding {
  readonly messageId: number;
  readonly datagrams: readonly Uint8Array[];
  /** How often it was sent again. */
  readonly retransmissions: number;
  readonly againAtMs: number;
}

/** @param responses how many requests of the peer were answered: the initiator's IKE_SA_INIT has the ID 0 */
export function freshWindow(requests: number, responses: number): MessageWindow {
  return {
    nextRequestId: requests,
    outstanding: undefined,
    expectedRequestId: responses,
    lastResponse: undefined,
  };
}

/** @param messageId left out: the next one */
export function withRequest(
  window: MessageWindow,
  datagrams: readonly Uint8Array[],
  { firstMs }: Retransmission,
  nowMs: number,
  messageId: number = window.nextRequestId,
): MessageWindow {
  return {
    ...window,
    nextRequestId: messageId + 1,
    outstanding: { messageId, datagrams, retransmissions: 0, againAtMs: nowMs + firstMs },
  };
}

/** The response came. */
export function withoutRequest(window: MessageWindow): MessageWindow {
  return { ...window, outstanding: undefined };
}

export function withResponse(window: MessageWindow, datagrams: readonly Uint8Array[]): MessageWindow {
  return { ...window, expectedRequestId: window.expectedRequestId + 1, lastResponse: datagrams };
}

/** RFC 7296 §2.4: the same bytes again, ever more seldom. @returns undefined where it was tried often enough */
export function afterRetransmission(
  window: MessageWindow,
  outstanding: Outstanding,
  { firstMs, factor, tries }: Retransmission,
  nowMs: number,
): MessageWindow | undefined {
  const retransmissions = outstanding.retransmissions + 1;
  if (retransmissions > tries) return undefined;
  const againAtMs = nowMs + firstMs * factor ** retransmissions;
  return { ...window, outstanding: { ...outstanding, retransmissions, againAtMs } };
}
