// Finding and making payloads of messages: what the exchanges have in common.

import { ProtocolId } from '../wire/ike/iana.ts';
import type { NotifyPayload, Payload } from '../wire/ike/payload.ts';

type PayloadOf<Type extends Payload['type'], Kind extends Payload = Payload> = Kind extends Payload
  ? Type extends Kind['type']
    ? Kind
    : never
  : never;

/** The first payload of a type. */
export function find<Type extends Payload['type']>(
  payloads: readonly Payload[],
  type: Type,
): PayloadOf<Type> | undefined {
  return payloads.find((payload): payload is PayloadOf<Type> => payload.type === type);
}

export function notifiesOf(payloads: readonly Payload[]): readonly NotifyPayload[] {
  return payloads.filter((payload) => payload.type === 'N');
}

export function findNotify(payloads: readonly Payload[], notifyType: number): NotifyPayload | undefined {
  return notifiesOf(payloads).find((payload) => payload.notifyType === notifyType);
}

/** RFC 7296 §3.10.1: types below 16384 report errors. */
export function findError(payloads: readonly Payload[]): NotifyPayload | undefined {
  return notifiesOf(payloads).find(({ notifyType }) => notifyType < 16_384);
}

const NOTHING = new Uint8Array(0);

export function notify(notifyType: number, data: Uint8Array = NOTHING): NotifyPayload {
  return { type: 'N', protocolId: 0, spi: NOTHING, notifyType, data };
}

/** A notify that names an ESP SA (RFC 7296 §3.10). */
export function notifyOf(notifyType: number, spi: Uint8Array): NotifyPayload {
  return { type: 'N', protocolId: ProtocolId.ESP, spi, notifyType, data: NOTHING };
}

export function groupData(group: number): Uint8Array {
  return Uint8Array.of(group >> 8, group & 0xff);
}
