// MOBIKE, RFC 4555: the side that began the IKE SA says at which addresses both are, without a new handshake. The other
// side has the new address proved before packets go there (§3.7). Additional addresses of the peer are not used.
//
//   HDR, SK {N(UPDATE_SA_ADDRESSES), N(NAT_DETECTION_*)}  ──►
//                                                         ◄──  HDR, SK {N(NAT_DETECTION_*)}
//                                                         ◄──  HDR, SK {N(COOKIE2)}
//   HDR, SK {N(COOKIE2)}                                  ──►

import { ExchangeType, nameOfNotify, NotifyType } from '../../wire/ike/iana.ts';
import type { Payload } from '../../wire/ike/payload.ts';
import { espPath } from '../child-installation.ts';
import { describePath, peerOf, type Connection, type Path } from '../connection.ts';
import type { IkeSaState, OwnExchange } from '../ike-sa-state.ts';
import { natDetection, ownEndpointHash, spisOf } from '../nat-detection.ts';
import { findError, findNotify, notify } from '../payloads.ts';
import { request } from '../protected-messages.ts';
import type { Turn } from '../turn.ts';
import { WITHOUT_CHILDREN } from './lifecycle.ts';

/** RFC 4555 §4.2.5: 8 to 64. */
const COOKIE_BYTES = 16;

/** Of IKE_AUTH (RFC 4555 §3.1). */
export function mobikeOffer({ mobike }: Connection): readonly Payload[] {
  return mobike ? [notify(NotifyType.MOBIKE_SUPPORTED)] : [];
}

export function isMobike({ mobike }: Connection, payloads: readonly Payload[]): boolean {
  return mobike && findNotify(payloads, NotifyType.MOBIKE_SUPPORTED) !== undefined;
}

/** This side's address is gone. @param path from where there is a way to the peer now */
export function leaveAddress(turn: Turn, { localAddress }: Path): void {
  const { phase, isMobike: isOn, origin, window, path } = turn.state;
  // RFC 4555 §2: whoever began the IKE SA decides.
  if (phase !== 'established' || !isOn || !origin.isOurs) return;
  const moved: Path = { ...path, localAddress };
  turn.set({ path: moved });
  turn.tell('address-gone', { peer: turn.state.connection?.name });
  // RFC 4555 §3.5: what is outstanding goes from the new address, at once.
  if (window.outstanding !== undefined)
    turn.add({ type: 'send', path: moved, datagrams: window.outstanding.datagrams });
  askFirst(turn, 'update-addresses');
}

export function requestAddressUpdate(turn: Turn): void {
  const payloads = [notify(NotifyType.UPDATE_SA_ADDRESSES), ...detection(turn, turn.state.path)];
  request(turn, ExchangeType.INFORMATIONAL, payloads, { kind: 'update-addresses' });
}

function detection({ state, context }: Turn, path: Path): readonly Payload[] {
  return natDetection(spisOf(state), path, (bytes) => context.random(bytes));
}

export function takeAddressResponse(turn: Turn, payloads: readonly Payload[]): void {
  turn.set({ exchange: undefined, seenAs: destinationOf(payloads) ?? turn.state.seenAs });
  const error = findError(payloads);
  const peer = turn.state.connection?.name;
  // RFC 4555 §3.5: the SAs stay where they were; liveness checks end what does not work.
  if (error !== undefined)
    return turn.tell('address-refused', { peer, notify: nameOfNotify(error.notifyType) });
  turn.tell('address-updated', { peer });
}

/** RFC 4555 §3.8: a liveness check asks, too, how the peer sees this side. */
export function addressQuestion(turn: Turn): readonly Payload[] {
  const { isMobike: isOn, origin, path } = turn.state;
  return isOn && origin.isOurs ? detection(turn, path) : [];
}

/** The answer to {@link addressQuestion}: a NAT on the way may have changed its mapping. */
export function noteMapping(turn: Turn, payloads: readonly Payload[]): void {
  const { isMobike: isOn, origin, seenAs, connection } = turn.state;
  const seen = destinationOf(payloads);
  if (!isOn || !origin.isOurs || seen === undefined) return;
  turn.set({ seenAs: seen });
  if (seenAs !== undefined && Buffer.compare(seenAs, seen) === 0) return;
  // Behind a NAT nobody knows what the peer saw before: the mapping may have changed since.
  turn.tell(seenAs === undefined ? 'mapping-found' : 'mapping-changed', { peer: connection?.name });
  askFirst(turn, 'update-addresses');
}

/** How the peer sees a successor, whose SPIs are others: as far as that is known, no NAT is on the way. */
export function seenAsSuccessor(
  before: IkeSaState,
  successor: Pick<IkeSaState, 'role' | 'localSpi' | 'remoteSpi'>,
): Uint8Array | undefined {
  const { seenAs, path } = before;
  if (seenAs === undefined || Buffer.compare(seenAs, ownEndpointHash(spisOf(before), path)) !== 0)
    return undefined;
  return ownEndpointHash(spisOf(successor), path);
}

function destinationOf(payloads: readonly Payload[]): Uint8Array | undefined {
  return findNotify(payloads, NotifyType.NAT_DETECTION_DESTINATION_IP)?.data;
}

/**
 * The responder's side of an INFORMATIONAL request.
 * @returns what the answer holds of it
 */
export function answerAddresses(turn: Turn, payloads: readonly Payload[]): readonly Payload[] {
  const { isMobike: isOn, origin, path } = turn.state;
  const source = turn.source ?? path;
  const cookie = findNotify(payloads, NotifyType.COOKIE2);
  // RFC 4555 §3.7: copied as it is.
  const echo = cookie === undefined ? [] : [notify(NotifyType.COOKIE2, cookie.data)];
  // RFC 4555 §3.8.
  const answer = destinationOf(payloads) === undefined ? echo : [...detection(turn, source), ...echo];
  const isUpdate = findNotify(payloads, NotifyType.UPDATE_SA_ADDRESSES) !== undefined;
  if (!isUpdate || !isOn || origin.isOurs) return answer;
  const noNats = findNotify(payloads, NotifyType.NO_NATS_ALLOWED);
  if (noNats !== undefined && Buffer.compare(noNats.data, addressesOf(source)) !== 0) {
    // RFC 4555 §3.9: the addresses stay what they were.
    turn.tell('nat-not-allowed', describePath(source));
    return [notify(NotifyType.UNEXPECTED_NAT_DETECTED), ...echo];
  }
  turn.tell('peer-moved', { peer: turn.state.connection?.name, ...describePath(source) });
  takeUpdate(turn, source);
  return answer;
}

function takeUpdate(turn: Turn, path: Path): void {
  const { replacedBy } = turn.state;
  turn.set({ path });
  if (replacedBy === undefined) return askFirst(turn, 'check-address');
  // The Child SAs are its successor's, which has to ask.
  const tasks = [{ kind: 'check-address', notBeforeMs: 0 }] as const;
  turn.add({ type: 'give-children', to: replacedBy, from: { ...turn.state, ...WITHOUT_CHILDREN, tasks } });
}

/** RFC 4555 §4.2.6: as the sender saw them: source, destination, and their ports. */
function addressesOf({ localAddress, localPort, remoteAddress, remotePort }: Path): Uint8Array {
  const ports = [remotePort >> 8, remotePort & 0xff, localPort >> 8, localPort & 0xff];
  return Uint8Array.from([...remoteAddress.bytes, ...localAddress.bytes, ...ports]);
}

/** RFC 4555 §3.7: nobody is sent packets who does not want them. */
export function requestAddressCheck(turn: Turn): void {
  const cookie = turn.context.random(COOKIE_BYTES);
  const { path } = turn.state;
  const payloads = [notify(NotifyType.COOKIE2, cookie)];
  request(turn, ExchangeType.INFORMATIONAL, payloads, { kind: 'check-address', cookie, path });
}

export function takeAddressCheck(
  turn: Turn,
  { cookie, path }: Extract<OwnExchange, { readonly kind: 'check-address' }>,
  payloads: readonly Payload[],
): void {
  turn.set({ exchange: undefined });
  const echo = findNotify(payloads, NotifyType.COOKIE2)?.data;
  if (echo === undefined || Buffer.compare(echo, cookie) !== 0) {
    // RFC 4555 §3.7: the answer is not by one that saw the question.
    turn.tell('address-unproved', describePath(path));
    return askFirst(turn, 'delete-ike');
  }
  // It has moved on meanwhile: the question may have reached it there, or where it was. The next one is for that.
  const isAsked = turn.state.tasks.some(({ kind }) => kind === 'check-address');
  if (isAsked || !isSameRemote(path, turn.state.path)) return;
  turn.set({ provedPath: path });
  moveChildren(turn);
}

/** The responder has just authenticated the peer, who has thereby shown that IKE_SA_INIT was answered to where it is. */
export function beginAtProvedPath(turn: Turn): void {
  const { path, provedPath, isMobike: isOn } = turn.state;
  const { localPort, remotePort } = path;
  // RFC 7296 §2.23: from here on at the port of IKE_AUTH.
  const floated: Path = { ...provedPath, localPort, remotePort };
  turn.set({ provedPath: floated });
  // It is elsewhere by now, or somebody on the way says so.
  if (isOn && !isSameRemote(floated, path)) askFirst(turn, 'check-address');
}

/** Packets to the peer go where it is. */
export function moveChildren(turn: Turn): void {
  const { connection, children }: IkeSaState = turn.state;
  const path = espPath(turn.state);
  if (connection === undefined || children.length === 0) return;
  turn.add({
    type: 'move',
    peer: peerOf(turn.state),
    path,
    outboundSpis: children.map((one) => one.outboundSpi),
  });
}

export function isSameRemote(one: Path, other: Path): boolean {
  return (
    one.remotePort === other.remotePort &&
    Buffer.compare(one.remoteAddress.bytes, other.remoteAddress.bytes) === 0
  );
}

/** Before everything else that waits: without the right address nothing of it arrives. */
function askFirst(turn: Turn, kind: 'update-addresses' | 'check-address' | 'delete-ike'): void {
  const others = turn.state.tasks.filter((task) => task.kind !== kind);
  turn.set({ tasks: [{ kind, notBeforeMs: 0 }, ...others] });
}
