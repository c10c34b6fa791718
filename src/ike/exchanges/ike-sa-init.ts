// The IKE_SA_INIT exchange, RFC 7296 §1.2: algorithms, key exchange and nonces, in clear. What comes here is not
// authentic yet; the AUTH payloads will cover it.
//
//   HDR, SAi1, KEi, Ni, N(NAT_DETECTION_*)  ──►
//                                           ◄──  HDR, SAr1, KEr, Nr, N(NAT_DETECTION_*)

import { InvalidKeyExchangeError, type CryptoProvider, type KeyShare } from '../../crypto/ike-crypto.ts';
import { deriveIkeKeys, skeyseed, type Nonces } from '../../crypto/ike-key-material.ts';
import { ExchangeType, nameOfNotify, NotifyType, ProtocolId } from '../../wire/ike/iana.ts';
import { ikeSpiBytes, NO_IKE_SPI, type IkeSpi } from '../../wire/ike/ike-spi.ts';
import { encodeMessage, type IkeMessage } from '../../wire/ike/message.ts';
import type { Payload } from '../../wire/ike/payload.ts';
import { asksForPublicKey, certificateRequests } from '../certificate-payloads.ts';
import type { AcceptedProposal, ChosenProposal } from '../proposals.ts';
import {
  answerProposal,
  chooseProposal,
  formatOffer,
  formatProposals,
  offerProposals,
} from '../proposals.ts';
import type { Connection, Path } from '../connection.ts';
import type { ChildTask, IkeSaState, IkeSecurity } from '../ike-sa-state.ts';
import { freshWindow, withoutRequest, withRequest } from '../message-window.ts';
import { findNats, natDetection, ownEndpointHash } from '../nat-detection.ts';
import { find, findError, findNotify, groupData, notify } from '../payloads.ts';
import { retransmissionOf } from '../protected-messages.ts';
import { readSignatureHashes, signatureHashes } from '../signature-hashes.ts';
import type { IkeContext, Turn } from '../turn.ts';
import { requestAuth } from './ike-auth.ts';

/** RFC 7296 §2.10: at least half the key size of the PRF; this is enough for all. */
export const NONCE_BYTES = 32;
const MOST_NONCE_BYTES = 256;
const LEAST_NONCE_BYTES = 16;
/** Groups that a peer may ask for, one after another, before it is taken for broken. */
const MOST_REFUSALS = 4;
const IKE_PORT = 500;
const HALF_OPEN_MS = 30_000;

/** Sends the first message. */
export function initiate(turn: Turn, child: ChildTask | undefined): void {
  const { connection } = turn.state;
  const group = connection?.proposals[0]?.groups[0]?.id ?? 0;
  turn.tell('initiating');
  sendInit(turn, { group, child, nonce: turn.context.random(NONCE_BYTES), refusals: 0 });
}

interface InitRequest {
  readonly group: number;
  readonly nonce: Uint8Array;
  readonly refusals: number;
  readonly child: ChildTask | undefined;
  readonly share?: KeyShare;
  readonly cookie?: Uint8Array | undefined;
}

function sendInit(turn: Turn, { group, nonce, refusals, child, share, cookie }: InitRequest): void {
  const { state, context } = turn;
  const own = share ?? generate(context.crypto, group);
  const spis = { initiator: state.localSpi, responder: NO_IKE_SPI };
  const payloads: Payload[] = [
    // RFC 7296 §2.6: the cookie stands first.
    ...(cookie === undefined ? [] : [notify(NotifyType.COOKIE, cookie)]),
    {
      type: 'SA',
      proposals: offerProposals(ProtocolId.IKE, new Uint8Array(0), state.connection?.proposals ?? []),
    },
    { type: 'KE', group, publicValue: own.publicValue },
    { type: 'NONCE', nonce },
    ...natDetection(spis, state.path, (bytes) => context.random(bytes)),
    notify(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED),
    signatureHashes(),
  ];
  const request = encodeInit(spis.initiator, NO_IKE_SPI, false, payloads);
  turn.set({
    exchange: {
      kind: 'ike-sa-init',
      share: own,
      nonce,
      group,
      request,
      cookie,
      refusals,
      complaint: undefined,
      child,
    },
    window: withRequest(state.window, [request], retransmissionOf(state.connection), context.nowMs, 0),
  });
  turn.add({ type: 'send', path: state.path, datagrams: [request] });
}

function encodeInit(
  initiatorSpi: IkeSpi,
  responderSpi: IkeSpi,
  isResponse: boolean,
  payloads: readonly Payload[],
): Uint8Array {
  return encodeMessage(
    {
      initiatorSpi,
      responderSpi,
      majorVersion: 2,
      minorVersion: 0,
      exchangeType: ExchangeType.IKE_SA_INIT,
      isFromInitiator: !isResponse,
      hasHigherVersion: false,
      isResponse,
      messageId: 0,
    },
    payloads,
  );
}

export function generate(crypto: CryptoProvider, group: number): KeyShare {
  const method = crypto.keyExchange(group);
  if (method === undefined) throw new RangeError(`no key exchange for group ${group}`);
  return method.generate();
}

/** The initiator's side of the response. */
export function takeInitResponse(
  turn: Turn,
  bytes: Uint8Array,
  { header, payloads }: IkeMessage,
  path: Path,
): void {
  const { exchange } = turn.state;
  if (exchange?.kind !== 'ike-sa-init') return;
  const cookie = findNotify(payloads, NotifyType.COOKIE);
  if (cookie !== undefined) {
    // RFC 7296 §2.6: the same request again, with the cookie. Once per cookie, so nobody can make this side loop.
    if (exchange.cookie !== undefined && Buffer.compare(exchange.cookie, cookie.data) === 0) return;
    if (cookie.data.length < 1 || cookie.data.length > 64 || exchange.refusals >= MOST_REFUSALS) return;
    turn.tell('cookie-asked');
    return sendInit(turn, { ...exchange, cookie: cookie.data, refusals: exchange.refusals + 1 });
  }
  const refused = findNotify(payloads, NotifyType.INVALID_KE_PAYLOAD);
  if (refused !== undefined) return takeOtherGroup(turn, refused.data);
  const error = findError(payloads);
  if (error !== undefined) {
    const complaint = nameOfNotify(error.notifyType);
    // RFC 7296 §2.21.1: anybody can have sent this, so a better answer is still waited for.
    turn.set({ exchange: { ...exchange, complaint } });
    turn.tell('init-refused', { notify: complaint });
    return;
  }
  finishInit(turn, bytes, header.responderSpi, payloads, path);
}

/** RFC 7296 §1.2: the same proposals with a key of the group that the peer wants, if it was offered. */
function takeOtherGroup(turn: Turn, data: Uint8Array): void {
  const { exchange, connection } = turn.state;
  if (exchange?.kind !== 'ike-sa-init' || data.length !== 2) return;
  const group = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
  const isOffered =
    connection?.proposals.some(({ groups }) => groups.some(({ id }) => id === group)) ?? false;
  if (!isOffered || group === exchange.group || exchange.refusals >= MOST_REFUSALS) return;
  exchange.share.destroy();
  turn.tell('group-asked', { group });
  const { nonce, cookie, child, refusals } = exchange;
  sendInit(turn, { group, nonce, cookie, child, refusals: refusals + 1 });
}

function finishInit(
  turn: Turn,
  bytes: Uint8Array,
  remoteSpi: IkeSpi,
  payloads: readonly Payload[],
  path: Path,
): void {
  const { state, context } = turn;
  const { exchange, connection } = state;
  if (exchange?.kind !== 'ike-sa-init' || connection === undefined) return;
  const sa = find(payloads, 'SA');
  const ke = find(payloads, 'KE');
  const nonce = find(payloads, 'NONCE')?.nonce;
  if (sa === undefined || ke === undefined || nonce === undefined || remoteSpi === NO_IKE_SPI) return;
  if (!isNonce(nonce) || ke.group !== exchange.group) return;
  const chosen = chooseProposal(ProtocolId.IKE, 0, sa.proposals, connection.proposals);
  // Forged, or broken: the peer chose what was not offered (RFC 7296 §2.7).
  if ('mismatch' in chosen || sa.proposals.length !== 1 || chosen.group !== exchange.group) return;
  const nonces = { initiator: exchange.nonce, responder: nonce };
  const spis = { initiator: state.localSpi, responder: remoteSpi };
  const nats = findNats(spis, path, payloads);
  if (!nats.isSupported) {
    turn.tell('init-refused', { reason: 'the peer has no NAT traversal, and ESP goes in UDP here' });
    return;
  }
  const secret = agree(exchange.share, ke.publicValue);
  if (secret === undefined) return;
  exchange.share.destroy();
  const security = deriveSecurity(context.crypto, chosen, nonces, spis, secret);
  // RFC 7296 §2.23: from here on IKE goes where ESP in UDP goes.
  const floated: Path = {
    ...path,
    localPort: context.floatedPort(path),
    remotePort: path.remotePort === IKE_PORT ? connection.remotePort : path.remotePort,
  };
  turn.set({
    phase: 'authenticating',
    remoteSpi,
    security,
    initiation: {
      nonces,
      request: exchange.request,
      response: bytes,
      peerHashes: readSignatureHashes(payloads),
      peerIsChildless: findNotify(payloads, NotifyType.CHILDLESS_IKEV2_SUPPORTED) !== undefined,
      peerAsksForPublicKey: asksForPublicKey(payloads),
    },
    window: withoutRequest(state.window),
    path: floated,
    // The answer to IKE_AUTH will prove it.
    provedPath: floated,
    isBehindNat: nats.here,
    seenAs: nats.here ? undefined : ownEndpointHash(spis, floated),
    peerFragments: findNotify(payloads, NotifyType.IKEV2_FRAGMENTATION_SUPPORTED) !== undefined,
    lastHeardMs: context.nowMs,
  });
  turn.tell('init-done', { proposal: formatProposals([answerProposal(ProtocolId.IKE, chosen.spi, chosen)]) });
  requestAuth(turn, exchange.child);
}

function isNonce({ length }: Uint8Array): boolean {
  return length >= LEAST_NONCE_BYTES && length <= MOST_NONCE_BYTES;
}

/** @returns undefined where the peer's value is no good (RFC 6989) */
export function agree(share: KeyShare, publicValue: Uint8Array): Uint8Array | undefined {
  try {
    return share.agree(publicValue);
  } catch (error) {
    if (error instanceof InvalidKeyExchangeError) return undefined;
    throw error;
  }
}

/** Zeroes the secret. */
function deriveSecurity(
  crypto: CryptoProvider,
  chosen: ChosenProposal,
  nonces: Nonces,
  spis: { readonly initiator: IkeSpi; readonly responder: IkeSpi },
  secret: Uint8Array,
): IkeSecurity {
  const { prf, cipher } = algorithmsOf(crypto, chosen);
  const seed = skeyseed(prf, nonces, secret);
  const keys = deriveIkeKeys(prf, cipher, seed, nonces, {
    initiator: ikeSpiBytes(spis.initiator),
    responder: ikeSpiBytes(spis.responder),
  });
  secret.fill(0);
  seed.fill(0);
  return { chosen, prf, cipher, keys, nextIv: 0 };
}

export function algorithmsOf(
  crypto: CryptoProvider,
  { prfId, encryption, integrityId }: ChosenProposal,
): Pick<IkeSecurity, 'prf' | 'cipher'> {
  const prf = crypto.prf(prfId);
  const cipher = crypto.ikeCipher(encryption.id, encryption.keyBits, integrityId);
  // The configuration accepts only what the provider has.
  if (prf === undefined || cipher === undefined) throw new RangeError('the chosen algorithms are not there');
  return { prf, cipher };
}

/** What a responder makes of a first message: a new half-open IKE SA, or only an answer. */
export type InitAnswer =
  | { readonly state: IkeSaState; readonly response: Uint8Array; readonly proposal: string }
  /** `mismatch`: for the log. */
  | { readonly response: Uint8Array; readonly mismatch?: string }
  /** Not worth an answer. */
  | { readonly drop: string };

/** Whom a first message may be from. */
export interface Candidates {
  /** Every peer that could come from this address. */
  readonly connections: readonly Connection[];
  /** What any of them may propose, each once. */
  readonly accepted: readonly AcceptedProposal[];
}

/** The responder's side. It has no state before this, and none after it where the answer is an error. */
export function answerInit(
  bytes: Uint8Array,
  { header, payloads }: IkeMessage,
  path: Path,
  { connections, accepted }: Candidates,
  context: IkeContext,
): InitAnswer {
  const sa = find(payloads, 'SA');
  const ke = find(payloads, 'KE');
  const nonce = find(payloads, 'NONCE')?.nonce;
  const { initiatorSpi } = header;
  const refuse = (notifyType: number, data?: Uint8Array, mismatch?: string): InitAnswer => ({
    response: encodeInit(initiatorSpi, NO_IKE_SPI, true, [notify(notifyType, data)]),
    ...(mismatch === undefined ? {} : { mismatch }),
  });
  if (sa === undefined || ke === undefined || nonce === undefined || !isNonce(nonce))
    return { drop: 'SA, KE or nonce is missing' };
  const chosen = chooseProposal(ProtocolId.IKE, 0, sa.proposals, accepted);
  if ('mismatch' in chosen)
    return refuse(
      NotifyType.NO_PROPOSAL_CHOSEN,
      undefined,
      `${chosen.mismatch} (the peer offers ${formatOffer(sa.proposals)})`,
    );
  // RFC 7296 §1.2: the group of the chosen proposal, where the peer guessed another.
  if (ke.group !== chosen.group) return refuse(NotifyType.INVALID_KE_PAYLOAD, groupData(chosen.group));
  const localSpi = context.newIkeSpi();
  const spis = { initiator: initiatorSpi, responder: localSpi };
  const nats = findNats({ ...spis, responder: NO_IKE_SPI }, path, payloads);
  if (!nats.isSupported)
    return refuse(NotifyType.NO_PROPOSAL_CHOSEN, undefined, 'the peer has no NAT traversal');
  const share = generate(context.crypto, chosen.group);
  const secret = agree(share, ke.publicValue);
  if (secret === undefined) return refuse(NotifyType.INVALID_SYNTAX);
  const nonces = { initiator: nonce, responder: context.random(NONCE_BYTES) };
  const answer: Payload[] = [
    { type: 'SA', proposals: [answerProposal(ProtocolId.IKE, new Uint8Array(0), chosen)] },
    { type: 'KE', group: chosen.group, publicValue: share.publicValue },
    { type: 'NONCE', nonce: nonces.responder },
    ...natDetection(spis, path, (count) => context.random(count)),
    notify(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED),
    signatureHashes(),
    // RFC 6023 §3.
    notify(NotifyType.CHILDLESS_IKEV2_SUPPORTED),
    ...certificateRequests(connections.map(({ pad }) => pad.remote.authentication)),
  ];
  const response = encodeInit(initiatorSpi, localSpi, true, answer);
  share.destroy();
  const state: IkeSaState = {
    role: 'responder',
    phase: 'half-open',
    localSpi,
    remoteSpi: initiatorSpi,
    connection: undefined,
    remoteIdentity: undefined,
    origin: { isOurs: false, initiatorSpi, localSpi },
    isSuperseded: false,
    path,
    // IKE_AUTH will prove that this answer arrived.
    provedPath: path,
    replacedBy: undefined,
    isBehindNat: nats.here,
    seenAs: undefined,
    security: deriveSecurity(context.crypto, chosen, nonces, spis, secret),
    initiation: {
      nonces,
      request: bytes,
      response,
      peerHashes: readSignatureHashes(payloads),
      peerIsChildless: false,
      peerAsksForPublicKey: false,
    },
    window: freshWindow(0, 1),
    exchange: undefined,
    tasks: [],
    children: [],
    waitingKeys: new Map(),
    lingering: [],
    isMobike: false,
    peerFragments: findNotify(payloads, NotifyType.IKEV2_FRAGMENTATION_SUPPORTED) !== undefined,
    requestFragments: undefined,
    responseFragments: undefined,
    undecidedWith: undefined,
    lastHeardMs: context.nowMs,
    rekeyAtMs: Infinity,
    expireAtMs: Infinity,
    giveUpAtMs: context.nowMs + HALF_OPEN_MS,
  };
  const proposal = formatProposals([answerProposal(ProtocolId.IKE, new Uint8Array(0), chosen)]);
  return { state, response, proposal };
}

/** Asks for a cookie, without remembering anything (RFC 7296 §2.6). */
export function askForCookie(initiatorSpi: IkeSpi, cookie: Uint8Array): Uint8Array {
  return encodeInit(initiatorSpi, NO_IKE_SPI, true, [notify(NotifyType.COOKIE, cookie)]);
}
