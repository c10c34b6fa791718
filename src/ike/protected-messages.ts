// Messages under the keys of an IKE SA: sealing requests and responses, opening what comes, collecting fragments.
// RFC 7296 §2.3, §3.14; RFC 5282 §4; RFC 7383.

import { MalformedMessageError } from '../base/errors.ts';
import type { IkeCipherKeys } from '../crypto/ike-crypto.ts';
import { ExchangeType } from '../wire/ike/iana.ts';
import {
  decryptFragment,
  decryptMessage,
  encodeEncrypted,
  type BodyCipher,
  type DecryptedMessage,
} from '../wire/ike/encrypted.ts';
import { checkMessage, type MessageFault } from '../wire/ike/check-message.ts';
import { decodePayloads, type IkeMessage } from '../wire/ike/message.ts';
import type { Payload } from '../wire/ike/payload.ts';
import type { Connection, Retransmission } from './connection.ts';
import type { IkeSaState, IkeSecurity, OwnExchange } from './ike-sa-state.ts';
import { withRequest, withResponse } from './message-window.ts';
import type { Turn } from './turn.ts';

/** A message of this length passes every path of IPv6 in one piece, with the headers around it (RFC 7383 §2.5.1). */
const FRAGMENT_LIMIT_BYTES = 1200;
/** A message of a peer that sends more pieces than this is dropped. */
const MOST_FRAGMENTS = 64;
/** What is kept of a message whose pieces are not all there; less of a peer that has not proved who it is. */
const MOST_COLLECTED_BYTES = 65_536;
const MOST_OF_STRANGER_BYTES = 32_768;
/** Of a peer that is not known yet. */
const USUAL_RETRANSMISSION: Retransmission = { firstMs: 4000, factor: 1.8, tries: 5 };

export function retransmissionOf(connection: Connection | undefined): Retransmission {
  return connection?.retransmission ?? USUAL_RETRANSMISSION;
}

/** Sends a request under the keys of the IKE SA, and remembers what it is about. */
export function request(
  turn: Turn,
  exchangeType: number,
  payloads: readonly Payload[],
  exchange: OwnExchange,
): void {
  const { nextRequestId } = turn.state.window;
  const datagrams = seal(turn, { exchangeType, messageId: nextRequestId, isResponse: false }, payloads);
  const { connection, window, path } = turn.state;
  turn.set({
    exchange,
    window: withRequest(window, datagrams, retransmissionOf(connection), turn.context.nowMs),
  });
  turn.add({ type: 'send', path, datagrams });
}

/** Answers the peer's request whose turn it is. Its answer is kept, in case it has to be sent again. */
export function respond(turn: Turn, exchangeType: number, payloads: readonly Payload[]): void {
  const { expectedRequestId } = turn.state.window;
  const datagrams = seal(turn, { exchangeType, messageId: expectedRequestId, isResponse: true }, payloads);
  turn.set({ window: withResponse(turn.state.window, datagrams) });
  // RFC 7296 §2.11: to where the request came from.
  turn.add({ type: 'send', path: turn.source ?? turn.state.path, datagrams });
}

interface Sealing {
  readonly exchangeType: number;
  readonly messageId: number;
  readonly isResponse: boolean;
}

function seal(turn: Turn, sealing: Sealing, payloads: readonly Payload[]): readonly Uint8Array[] {
  const { state } = turn;
  const security = securityOf(state);
  let { nextIv } = security;
  const isInitiator = state.role === 'initiator';
  const cipher: BodyCipher = {
    overheadFor: (innerBytes) => security.cipher.bodyBytes(innerBytes),
    encrypt: (header, inner) =>
      security.cipher.encrypt(keysFrom(security, isInitiator), ivOf(turn, security, nextIv++), header, inner),
    decrypt: () => undefined,
  };
  const datagrams = encodeEncrypted(
    {
      initiatorSpi: isInitiator ? state.localSpi : state.remoteSpi,
      responderSpi: isInitiator ? state.remoteSpi : state.localSpi,
      majorVersion: 2,
      minorVersion: 0,
      isFromInitiator: isInitiator,
      hasHigherVersion: false,
      ...sealing,
    },
    payloads,
    cipher,
    state.peerFragments && sealing.exchangeType !== ExchangeType.IKE_SA_INIT
      ? FRAGMENT_LIMIT_BYTES
      : undefined,
  );
  turn.set({ security: { ...security, nextIv } });
  return datagrams;
}

/** Combined modes: a counter, never twice under a key (RFC 5282 §4). CBC: bytes that nobody can predict (RFC 7296 §3.14). */
function ivOf(turn: Turn, { cipher }: IkeSecurity, number: number): Uint8Array {
  if (cipher.integrityKeyBytes > 0) return turn.context.random(cipher.ivBytes);
  const iv = new Uint8Array(cipher.ivBytes);
  new DataView(iv.buffer).setUint32(iv.length - 4, number);
  return iv;
}

/** RFC 7296 §2.14: the original initiator's messages have keys of their own. */
function keysFrom({ keys }: IkeSecurity, initiator: boolean): IkeCipherKeys {
  return initiator
    ? { encryption: keys.skEi, integrity: keys.skAi }
    : { encryption: keys.skEr, integrity: keys.skAr };
}

function securityOf(state: IkeSaState): IkeSecurity {
  if (state.security === undefined) throw new RangeError(`IKE SA ${state.localSpi} has no keys yet`);
  return state.security;
}

/** What an authentic message held; `incomplete`: more fragments are to come. */
export type Opened =
  | { readonly payloads: readonly Payload[] }
  | { readonly fault: MessageFault }
  | 'incomplete'
  | 'not-authentic';

/** Opens a message of the peer. Changes nothing but the fragments that were collected, and only by authentic ones. */
export function open(turn: Turn, bytes: Uint8Array, message: IkeMessage): Opened {
  const security = turn.state.security;
  if (security === undefined) return 'not-authentic';
  const cipher: BodyCipher = {
    overheadFor: (innerBytes) => security.cipher.bodyBytes(innerBytes),
    encrypt: () => new Uint8Array(0),
    decrypt: (header, body) =>
      security.cipher.decrypt(keysFrom(security, turn.state.role === 'responder'), header, body),
  };
  try {
    if (message.payloads.at(-1)?.type === 'SKF') return collect(turn, bytes, message, cipher);
    const opened = decryptMessage(bytes, message, cipher);
    return opened === undefined ? 'not-authentic' : check(message, opened);
  } catch (error) {
    if (error instanceof MalformedMessageError)
      return { fault: { notify: 'INVALID_SYNTAX', text: error.message } };
    throw error;
  }
}

/** The rules of the message (RFC 7296 §1, §2.5). */
function check({ header }: IkeMessage, payloads: DecryptedMessage): Opened {
  const fault = checkMessage(header, payloads);
  return fault === undefined ? { payloads: payloads.encrypted } : { fault };
}

/** RFC 7383 §2.6. */
function collect(turn: Turn, bytes: Uint8Array, message: IkeMessage, cipher: BodyCipher): Opened {
  const last = message.payloads.at(-1);
  if (last?.type !== 'SKF' || last.totalFragments > MOST_FRAGMENTS) return 'not-authentic';
  const { messageId, isResponse } = message.header;
  const { totalFragments, fragmentNumber } = last;
  const field = isResponse ? 'responseFragments' : 'requestFragments';
  const before = turn.state[field];
  const isSame = before?.messageId === messageId;
  // A sender that cuts anew makes smaller pieces, and more of them (RFC 7383 §2.5.2).
  const continues = isSame && before.pieces.length === totalFragments;
  const heldBytes = continues ? before.bytes : 0;
  const isKept = continues && before.pieces[fragmentNumber - 1] !== undefined;
  const { remoteIdentity } = turn.state;
  const mostBytes = remoteIdentity === undefined ? MOST_OF_STRANGER_BYTES : MOST_COLLECTED_BYTES;
  if (!isKept && heldBytes + bytes.length > mostBytes) {
    // Before it is opened: it can be a forged one, and takes nothing away then.
    turn.add({ type: 'too-long' });
    return 'not-authentic';
  }
  const fragment = decryptFragment(bytes, message, cipher);
  if (fragment === undefined) return 'not-authentic';
  if (isKept || (isSame && before.pieces.length > totalFragments)) return 'incomplete';
  const pieces = continues ? [...before.pieces] : Array.from({ length: totalFragments }, () => undefined);
  pieces[fragmentNumber - 1] = fragment;
  const whole = pieces.filter((piece) => piece !== undefined);
  if (whole.length < totalFragments) {
    turn.set({ [field]: { messageId, pieces, bytes: heldBytes + bytes.length } });
    return 'incomplete';
  }
  turn.set({ [field]: undefined });
  const inner = Buffer.concat(whole.map((piece) => piece.inner));
  const encrypted = decodePayloads(whole[0]?.firstPayload ?? 0, new Uint8Array(inner));
  return check(message, { clear: whole[0]?.clear ?? [], encrypted });
}
