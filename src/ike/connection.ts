// What the administrator wants of one peer, as the state machines read it: the PAD entry, proposals, policies and
// times. RFC 4301 §4.4.3, RFC 7296 §2.4, §2.8.

import { formatAddress, type Address } from '../base/address.ts';
import { formatIdentity, type Identity, type IdentityPattern } from '../pad/identity.ts';
import type { PadEntry } from '../pad/pad-entry.ts';
import { peerWithIdentity } from '../spd/peer-name.ts';
import type { Selectors } from '../spd/policy.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import type { AcceptedProposal } from './proposals.ts';

export interface Connection {
  readonly name: string;
  readonly pad: PadEntry;
  /** Where the peer's ESP and IKE share a port, usually 4500 (RFC 7296 §2.23). */
  readonly remotePort: number;
  /** undefined: whoever comes with the right identity; this side begins only where it has the peer's name. */
  readonly remoteAddress: Address | undefined;
  /** Where the peer may be as well. */
  readonly otherRemoteAddresses?: readonly Address[];
  /** DNS name, resolved at each beginning. */
  readonly remoteName?: string | undefined;
  /** In order of preference. */
  readonly proposals: readonly AcceptedProposal[];
  readonly children: readonly ChildPolicy[];
  /** The IKE SA is replaced after so long, less a random part of `jitterMs`. */
  readonly rekeyMs: number;
  readonly jitterMs: number;
  /** It is closed where it could not be replaced so long after it was made. */
  readonly expireMs: number;
  /** A peer that was silent for so long is asked whether it lives (RFC 7296 §2.4); 0 = never. */
  readonly livenessMs: number;
  readonly retransmission: Retransmission;
  readonly unique: Uniqueness;
  /** The first Child SA, too, has an exchange of its own, where the peer knows RFC 6023. */
  readonly childless: boolean;
  /** The peer may have so many in one IKE SA. */
  readonly mostChildSas: number;
  /** RFC 4555, where the peer knows it too. */
  readonly mobike: boolean;
}

/**
 * replace: a new IKE SA takes the place of the one before.
 * keep: the one that stands stays, a new one of the peer is refused.
 * never: nothing is enforced, and INITIAL_CONTACT of the peer ends nothing. Where nobody knows its address, each IKE SA is
 * with a device of its own.
 */
export type Uniqueness = 'replace' | 'keep' | 'never';

/** RFC 7296 §2.4: the waits grow. */
export interface Retransmission {
  readonly firstMs: number;
  readonly factor: number;
  /** Retransmissions before the exchange has failed. */
  readonly tries: number;
}

/** A PROTECT entry of the SPD that Child SAs are made for. */
export interface ChildPolicy {
  /** Name of the SPD entry. */
  readonly policy: string;
  readonly proposals: readonly AcceptedProposal[];
  readonly local: readonly TrafficSelector[];
  readonly remote: readonly TrafficSelector[];
  /** Only for peers that have proved one of these (RFC 4301 §4.4.1.1, "Name"). Only the peer asks for such SAs. */
  readonly remoteNames?: readonly IdentityPattern[] | undefined;
  /** With names: nothing says which addresses the peer may have, so `remote` is every address. */
  readonly isOwnAddressOnly?: boolean;
  /** Each packet that asks gets an SA of its own value of these fields (RFC 4301 §4.4.1.2). */
  readonly populateFromPacket?: readonly (keyof Selectors)[] | undefined;
  /** This side asks for its SAs; otherwise only the peer does. */
  readonly isAskedFor: boolean;
  readonly onClose: OnClose;
}

/**
 * What follows where the peer has deleted the SAs of a policy, or is silent, or they came to a hard limit.
 * restart: this side makes them again at once, and tries until it succeeds.
 * trap: the next packet asks for them.
 * close: they stay away until the peer makes them, or the configuration is read again.
 */
export type OnClose = 'restart' | 'trap' | 'close';

/** Nobody knows where the peer is before it comes, so this side cannot begin. */
export function isOpen({ remoteAddress, remoteName }: Connection): boolean {
  return remoteAddress === undefined && remoteName === undefined;
}

/** Several devices may have one identity, each at a place of its own. */
export function hasManyDevices(connection: Connection): boolean {
  return isOpen(connection) && connection.unique === 'never';
}

/** The peer of the SAs in the SAD (spd/peer-name.ts). */
export function peerOf({
  connection,
  remoteIdentity,
  origin,
}: {
  readonly connection: Connection | undefined;
  readonly remoteIdentity: Identity | undefined;
  /** Of the first IKE SA of a line. */
  readonly origin: { readonly localSpi: string };
}): string {
  if (connection === undefined) return '';
  const { name, pad } = connection;
  const isOne = pad.remote.exact !== undefined && !hasManyDevices(connection);
  if (!isOpen(connection) || isOne || remoteIdentity === undefined) return name;
  // Names have no upper and lower case (RFC 4301 §4.4.3.1), nor have distinguished names (RFC 5280 §7.1).
  const identity = formatIdentity(remoteIdentity).toLowerCase();
  return peerWithIdentity(name, hasManyDevices(connection) ? `${identity} ${origin.localSpi}` : identity);
}

/** Both ends of the UDP flow that carries an IKE SA. */
export interface Path {
  readonly localAddress: Address;
  readonly localPort: number;
  readonly remoteAddress: Address;
  readonly remotePort: number;
}

export function describePath({ remoteAddress, remotePort }: Path): { readonly from: string } {
  return { from: `${formatAddress(remoteAddress)} ${remotePort}` };
}
