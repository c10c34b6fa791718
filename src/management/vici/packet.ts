// The packets of vici: a type, for some a name, for some a message; each behind its length of 32 bits.

import { InvariantError, MalformedMessageError } from '../../base/errors.ts';
import { decodeMessage } from './decode-message.ts';
import { encodeMessage, encodeName } from './encode-message.ts';
import { EMPTY, MOST_PACKET_BYTES, type ViciSection } from './message.ts';

export const PacketType = {
  CMD_REQUEST: 0,
  CMD_RESPONSE: 1,
  CMD_UNKNOWN: 2,
  EVENT_REGISTER: 3,
  EVENT_UNREGISTER: 4,
  EVENT_CONFIRM: 5,
  EVENT_UNKNOWN: 6,
  EVENT: 7,
} as const;

export const LENGTH_BYTES = 4;

/** What a client may send. */
export interface ClientPacket {
  readonly type: 0 | 3 | 4;
  readonly name: string;
  /** Empty but for a request. */
  readonly message: ViciSection;
}

/** @param bytes without the length @throws MalformedMessageError */
export function decodeClientPacket(bytes: Uint8Array): ClientPacket {
  const [type, nameBytes] = bytes;
  if (
    type !== PacketType.CMD_REQUEST &&
    type !== PacketType.EVENT_REGISTER &&
    type !== PacketType.EVENT_UNREGISTER
  )
    throw new MalformedMessageError('byte 0', `the packet type ${type ?? 'nothing'}`);
  if (nameBytes === undefined || nameBytes === 0 || 2 + nameBytes > bytes.length)
    throw new MalformedMessageError('byte 1', 'a name that is empty or cut off');
  const name = Buffer.from(bytes.subarray(2, 2 + nameBytes)).toString('utf8');
  const rest = bytes.subarray(2 + nameBytes);
  if (type === PacketType.CMD_REQUEST) return { type, name, message: decodeMessage(rest) };
  if (rest.length > 0) throw new MalformedMessageError(`byte ${2 + nameBytes}`, 'bytes behind an event name');
  return { type, name, message: EMPTY };
}

/** What a server may send. */
export interface ServerPacket {
  readonly type: 1 | 2 | 5 | 6 | 7;
  /** Of an event; otherwise empty. */
  readonly name: string;
  /** Empty but for a response or an event. */
  readonly message: ViciSection;
}

/** @param bytes without the length @throws MalformedMessageError */
export function decodeServerPacket(bytes: Uint8Array): ServerPacket {
  const [type, nameBytes] = bytes;
  switch (type) {
    case PacketType.CMD_RESPONSE:
      return { type, name: '', message: decodeMessage(bytes.subarray(1)) };
    case PacketType.EVENT: {
      if (nameBytes === undefined || nameBytes === 0 || 2 + nameBytes > bytes.length)
        throw new MalformedMessageError('byte 1', 'a name that is empty or cut off');
      const name = Buffer.from(bytes.subarray(2, 2 + nameBytes)).toString('utf8');
      return { type, name, message: decodeMessage(bytes.subarray(2 + nameBytes)) };
    }
    case PacketType.CMD_UNKNOWN:
    case PacketType.EVENT_CONFIRM:
    case PacketType.EVENT_UNKNOWN:
      if (bytes.length > 1) throw new MalformedMessageError('byte 1', 'bytes behind the end');
      return { type, name: '', message: EMPTY };
    default:
      throw new MalformedMessageError('byte 0', `the packet type ${type ?? 'nothing'}`);
  }
}

/** A packet with its length in front. @throws InvariantError where it is longer than a client takes */
export function encodePacket(
  type: (typeof PacketType)[keyof typeof PacketType],
  message: ViciSection = EMPTY,
  name?: string,
): Buffer {
  const parts = [
    Uint8Array.of(type),
    name === undefined ? new Uint8Array() : encodeName(name),
    encodeMessage(message),
  ];
  const packet = Buffer.concat([new Uint8Array(LENGTH_BYTES), ...parts]);
  const length = packet.length - LENGTH_BYTES;
  if (length > MOST_PACKET_BYTES) throw new InvariantError(`a vici packet of ${length} bytes`);
  packet.writeUInt32BE(length);
  return packet;
}
