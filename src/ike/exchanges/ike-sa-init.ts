// The initiator's side of IKE_SA_INIT, RFC 7296 §1.2: algorithms, key exchange and nonces, in clear. What comes here is
// not authentic yet; the AUTH payloads will cover it. The other side is in answer-ike-sa-init.ts.
//
//   HDR, SAi1, KEi, Ni, N(NAT_DETECTION_*)  ──►
//                                           ◄──  HDR, SAr1, KEr, Nr, N(NAT_DETECTION_*)

import type { KeyShare } from '../../crypto/ike-crypto.ts';
import { nameOfNotify, NotifyType, ProtocolId } from '../../wire/ike/iana.ts';
import { NO_IKE_SPI, type IkeSpi } from '../../wire/ike/ike-spi.ts';
import type { IkeMessage } from '../../wire/ike/message.ts';
import type { Payload } from '../../wire/ike/payload.ts';
import { asksForPublicKey } from '../certificate-payloads.ts';
import { answerProposal, chooseProposal, formatProposals, offerProposals } from '../proposals.ts';
import type { Path } from '../connection.ts';
import type { ChildTask } from '../ike-sa-state.ts';
import { agree, deriveSecurity, generate, isNonce, NONCE_BYTES } from '../key-agreement.ts';
import { withoutRequest, withRequest } from '../message-window.ts';
import { findNats, natDetection, ownEndpointHash } from '../nat-detection.ts';
import { find, findError, findNotify, notify } from '../payloads.ts';
import { retransmissionOf } from '../protected-messages.ts';
import { readSignatureHashes, signatureHashes } from '../signature-hashes.ts';
import type { Turn } from '../turn.ts';
import { requestAuth } from './ike-auth.ts';
import { encodeInit } from './init-message.ts';

/** Groups that a peer may ask for, one after another, before it is taken for broken. */
const MOST_REFUSALS = 4;
const IKE_PORT = 500;

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
