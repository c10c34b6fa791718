// What anybody can see of a message of IKE: its header, and which payloads stand in clear. RFC 7296 §3.1, §3.2.

import { ExchangeType } from '../wire/ike/iana.ts';

const HEADER_BYTES = 28;
const NEXT_PAYLOAD_AT = 16;
const EXCHANGE_TYPE_AT = 18;
const FLAGS_AT = 19;
const MESSAGE_ID_AT = 20;
const RESPONSE_FLAG = 0x20;
const MOST_PAYLOADS = 16;

const EXCHANGES: ReadonlyMap<number, string> = new Map(
  Object.entries(ExchangeType).map(([name, number]) => [number, name]),
);
/** As RFC 7296 §3.2 abbreviates them. */
const PAYLOADS: ReadonlyMap<number, string> = new Map([
  [33, 'SA'],
  [34, 'KE'],
  [38, 'CERTREQ'],
  [40, 'Nonce'],
  [41, 'N'],
  [43, 'V'],
  [46, 'SK{…}'],
  [53, 'SKF{…}'],
]);

export interface MessageOutline {
  readonly exchange: string;
  readonly isResponse: boolean;
  readonly messageId: number;
  readonly payloads: string;
}

/** @returns undefined where it is no message */
export function outlineOf(bytes: Uint8Array): MessageOutline | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const exchange = view.getUint8(EXCHANGE_TYPE_AT);
  return {
    exchange: EXCHANGES.get(exchange) ?? String(exchange),
    isResponse: (view.getUint8(FLAGS_AT) & RESPONSE_FLAG) !== 0,
    messageId: view.getUint32(MESSAGE_ID_AT),
    payloads: clearPayloads(view),
  };
}

function clearPayloads(view: DataView): string {
  const names: string[] = [];
  let type = view.getUint8(NEXT_PAYLOAD_AT);
  let at = HEADER_BYTES;
  while (type !== 0 && names.length < MOST_PAYLOADS && at + 4 <= view.byteLength) {
    const name = PAYLOADS.get(type) ?? `(${type})`;
    names.push(name);
    // What is encrypted is the last; its next payload is the first inside.
    if (name.startsWith('SK')) break;
    type = view.getUint8(at);
    at += Math.max(4, view.getUint16(at + 2));
  }
  return names.join(', ');
}
