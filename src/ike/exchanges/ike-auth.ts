// The IKE_AUTH exchange, RFC 7296 §1.2, §2.15: identities, their proof, and the first Child SA.
//
//   HDR, SK {IDi, [CERT,] [CERTREQ,] [IDr,] AUTH, SAi2, TSi, TSr, [N(INITIAL_CONTACT)]}  ──►
//                                             ◄──  HDR, SK {IDr, [CERT,] AUTH, SAr2, TSi, TSr}

import { formatIdentity, type Identity } from '../../pad/identity.ts';
import { ExchangeType, nameOfNotify, NotifyType } from '../../wire/ike/iana.ts';
import type { Payload } from '../../wire/ike/payload.ts';
import { doubtOf, proveOwnIdentity } from '../authentication.ts';
import { asksForPublicKey, certificateRequests } from '../certificate-payloads.ts';
import { describeChild, type ChildSecrets } from '../child-installation.ts';
import {
  answerChild,
  chooseChild,
  disown,
  offerChild,
  offerPayloads,
  refusalPayload,
  takeChildAnswer,
  tellRefusal,
} from '../child-negotiation.ts';
import type { Connection } from '../connection.ts';
import type { ChildOffer, ChildTask } from '../ike-sa-state.ts';
import { find, findError, findNotify, notify } from '../payloads.ts';
import { isAccepted } from '../proposals.ts';
import { request, respond } from '../protected-messages.ts';
import type { StoryName } from '../stories.ts';
import type { Turn } from '../turn.ts';
import { answerAsker } from './asked-for.ts';
import { closeAtOnce, establish } from './lifecycle.ts';
import { beginAtProvedPath, isMobike, mobikeOffer } from './mobike.ts';

/** The initiator's second message. */
export function requestAuth(turn: Turn, child: ChildTask | undefined): void {
  const { connection } = turn.state;
  if (connection === undefined) return;
  const { local, remote } = connection.pad;
  const asksForKey = turn.state.initiation?.peerAsksForPublicKey ?? false;
  const proof = proveOwnIdentity(turn.state, connection, turn.context, asksForKey);
  if (proof === undefined) {
    turn.tell('no-signature-scheme', { peer: connection.name });
    return closeAtOnce(turn);
  }
  // The nonces are those of IKE_SA_INIT (RFC 7296 §2.17).
  const nonce = turn.state.initiation?.nonces.initiator ?? new Uint8Array(0);
  const isChildless = connection.childless && (turn.state.initiation?.peerIsChildless ?? false);
  // RFC 6023 §3: it is asked for when the IKE SA stands.
  if (isChildless && child !== undefined) turn.set({ tasks: [child, ...turn.state.tasks] });
  const first = isChildless ? undefined : child;
  const offer = first && offerChild(turn, first, { nonce, share: undefined, group: 0 });
  // RFC 7296 §2.5: in the order of the figure.
  const payloads: Payload[] = [
    { type: 'IDi', ...local.identity },
    ...proof.certificates,
    ...certificateRequests([remote.authentication]),
    ...expectedIdentity(connection),
    proof.auth,
    ...(offer === undefined ? [] : offerPayloads(offer, true)),
    ...mobikeOffer(connection),
    // RFC 7296 §2.4: this side knows of no other IKE SA with that peer.
    ...(connection.unique !== 'never' && turn.context.isFirstContact(connection)
      ? [notify(NotifyType.INITIAL_CONTACT)]
      : []),
  ];
  request(turn, ExchangeType.IKE_AUTH, payloads, { kind: 'ike-auth', offer });
}

/** IDr, where the configuration names one identity: a peer with several knows which is meant. */
function expectedIdentity({ pad }: Connection): readonly Payload[] {
  const { exact } = pad.remote;
  return exact === undefined ? [] : [{ type: 'IDr', ...exact }];
}

function identityOf(payloads: readonly Payload[], type: 'IDi' | 'IDr'): Identity | undefined {
  const payload = find(payloads, type);
  return payload && { idType: payload.idType, data: payload.data };
}

/** The responder's side. */
export function answerAuth(turn: Turn, payloads: readonly Payload[]): void {
  const identity = identityOf(payloads, 'IDi');
  if (identity === undefined) return refuse(turn, 'malformed', { reason: 'IDi is missing' });
  const local = identityOf(payloads, 'IDr');
  const connection = turn.context.findConnection(identity, local, turn.state.path);
  const who = { identity: formatIdentity(identity) };
  if (connection === undefined) return refuseIdentity(turn, identity, local);
  // IKE_SA_INIT was answered for every peer that could be there; this one may allow less.
  if (turn.state.security !== undefined && !isAccepted(turn.state.security.chosen, connection.proposals))
    return refuse(turn, 'proposal-of-another', { ...who, peer: connection.name });
  const doubt = doubtOf(turn.state, connection, identity, payloads, turn.context);
  if (doubt !== undefined)
    return refuse(turn, doubt.story, { ...who, peer: connection.name, ...doubt.details });
  const proof = proveOwnIdentity(turn.state, connection, turn.context, asksForPublicKey(payloads));
  if (proof === undefined) return refuse(turn, 'no-signature-scheme', { peer: connection.name });
  turn.set({ connection, remoteIdentity: identity, isMobike: isMobike(connection, payloads) });
  beginAtProvedPath(turn);
  if (turn.context.isUnwanted(turn.state)) {
    const isAlone = findNotify(payloads, NotifyType.INITIAL_CONTACT) !== undefined;
    if (!isAlone) return refuse(turn, 'not-unique', { ...who, peer: connection.name });
  }
  const answer: Payload[] = [
    { type: 'IDr', ...connection.pad.local.identity },
    ...proof.certificates,
    proof.auth,
    ...answerFirstChild(turn, payloads),
    ...(isMobike(connection, payloads) ? mobikeOffer(connection) : []),
  ];
  const isInitialContact = findNotify(payloads, NotifyType.INITIAL_CONTACT) !== undefined;
  respond(turn, ExchangeType.IKE_AUTH, answer);
  establish(turn, isInitialContact);
}

/** It is the peer's that no entry has, or the one that it expects of this side. */
function refuseIdentity(turn: Turn, identity: Identity, asksFor: Identity | undefined): void {
  const who = { identity: formatIdentity(identity) };
  const isKnown = turn.context.findConnection(identity, undefined, turn.state.path) !== undefined;
  if (!isKnown || asksFor === undefined) return refuse(turn, 'unknown-identity', who);
  refuse(turn, 'other-identity-asked', { ...who, asksFor: formatIdentity(asksFor) });
}

/** RFC 7296 §2.21.2: the IKE SA stands even where its first Child SA does not. */
function answerFirstChild(turn: Turn, payloads: readonly Payload[]): readonly Payload[] {
  // RFC 6023: a peer may do without a first Child SA.
  if (find(payloads, 'SA') === undefined) return [];
  const choice = chooseChild(turn, { payloads, inAuth: true, replaces: undefined });
  if ('notifyType' in choice) {
    tellRefusal(turn, choice);
    return [refusalPayload(choice)];
  }
  const { child, sa, selectors } = answerChild(turn, choice, secretsOf(turn, false), undefined);
  turn.tell('child-established', describeChild(child));
  return [sa, ...selectors];
}

function secretsOf(turn: Turn, isInitiator: boolean): ChildSecrets {
  const { initiation } = turn.state;
  if (initiation === undefined) throw new RangeError('IKE_AUTH without IKE_SA_INIT');
  return { nonces: initiation.nonces, sharedSecret: undefined, isInitiator };
}

/** The same answer for every reason: who asks learns nothing (RFC 7296 §2.21.2). */
function refuse(turn: Turn, story: StoryName, details: Readonly<Record<string, unknown>>): void {
  turn.tell(story, details);
  respond(turn, ExchangeType.IKE_AUTH, [notify(NotifyType.AUTHENTICATION_FAILED)]);
  closeAtOnce(turn);
}

/** The initiator's side of the answer. */
export function takeAuthResponse(turn: Turn, payloads: readonly Payload[]): void {
  const { exchange, connection } = turn.state;
  if (exchange?.kind !== 'ike-auth' || connection === undefined) return;
  turn.set({ exchange: undefined });
  const identity = identityOf(payloads, 'IDr');
  if (identity === undefined || find(payloads, 'AUTH') === undefined) {
    const error = findError(payloads);
    const isSigned = connection.pad.local.authentication.method === 'signature';
    turn.tell(isSigned ? 'signature-refused' : 'auth-refused', {
      notify: error === undefined ? 'none' : nameOfNotify(error.notifyType),
    });
    if (exchange.offer !== undefined) refuseOffer(turn, exchange.offer);
    return closeAtOnce(turn);
  }
  const doubt = doubtOf(turn.state, connection, identity, payloads, turn.context);
  if (doubt !== undefined) {
    turn.tell(doubt.story, {
      identity: formatIdentity(identity),
      peer: connection.name,
      ...doubt.details,
    });
    if (exchange.offer !== undefined) refuseOffer(turn, exchange.offer);
    // RFC 7296 §2.21.2: the peer believes that the SA stands; it is told that it does not.
    turn.set({ phase: 'deleting' });
    request(turn, ExchangeType.INFORMATIONAL, [notify(NotifyType.AUTHENTICATION_FAILED)], {
      kind: 'delete-ike',
    });
    return;
  }
  turn.set({ remoteIdentity: identity, isMobike: isMobike(connection, payloads) });
  // RFC 4555 §3.8: what came back proves where it was asked for, whatever its source.
  if (turn.state.isMobike) turn.set({ path: turn.state.provedPath });
  if (exchange.offer !== undefined) takeFirstChild(turn, exchange.offer, payloads);
  establish(turn, false);
}

function refuseOffer(turn: Turn, offer: ChildOffer): void {
  turn.add({ type: 'release-spi', spi: offer.inboundSpi });
  turn.childDone(offer, undefined);
}

function takeFirstChild(turn: Turn, offer: ChildOffer, payloads: readonly Payload[]): void {
  const child = takeChildAnswer(turn, offer, payloads, secretsOf(turn, true), {
    inAuth: true,
    deleted: [],
  });
  const { policy } = offer.policy;
  if ('notifyType' in child) {
    turn.tell('child-refused', { policy, reason: child.reason });
    if (!child.byPeer) disown(turn, offer.inboundSpi);
    return turn.childDone(offer, undefined);
  }
  turn.tell('child-established', describeChild(child));
  answerAsker(turn, offer, child);
}
