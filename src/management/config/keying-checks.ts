// Where the keys of a PROTECT policy come from: by hand or by IKE, and what belongs to which. RFC 4301 §4.4.3, §4.5.

import type { Address, AddressFamily } from '../../base/address.ts';
import type { IkeEntry, PeerAddress, PeerEntry, SaEntry } from './config-file.ts';
import type { Report } from './expectation.ts';
import { checkCredentials } from './credential-checks.ts';
import type { Path, Unproven } from './unproven.ts';

/** What only IKE can do. */
const FOR_IKE = ['proposals', 'start', 'on_close', 'populate_from_packet'] as const;

/** @param peer that the SA is with; undefined where its name is not known */
export function checkKeying(
  sa: NonNullable<Unproven<SaEntry>>,
  peer: Unproven<PeerEntry>,
  path: Path,
  report: Report,
): void {
  if (typeof peer !== 'object' || peer === null) return;
  const byHand = 'manual' in sa;
  const name = JSON.stringify(peer.name);
  if (!('ike' in peer)) {
    if (byHand) checkManual(sa, path, report);
    else
      report(
        [...path, 'manual'],
        `manual: {outbound, inbound}, or ike: {local: {psk}} at the peer ${name}: nothing says where the keys come from`,
      );
    return;
  }
  if (byHand)
    report([...path, 'manual'], `no manual, because the peer ${name} has ike; or a peer without it`);
  else if ('proposal' in sa)
    report([...path, 'proposal'], 'proposals: [aes256gcm16-x25519, …] in its place, because IKE negotiates');
  if (sa.start === 'immediately' && peer.address === 'any')
    report(
      [...path, 'start'],
      `on-traffic or never, because the address of the peer ${name} is any: it begins`,
    );
  if (sa.on_close === 'restart' && peer.address === 'any')
    report([...path, 'on_close'], `trap or close, because the address of the peer ${name} is any: it begins`);
}

function checkManual(sa: NonNullable<Unproven<SaEntry>>, path: Path, report: Report): void {
  for (const key of FOR_IKE) {
    if (!(key in sa)) continue;
    const mend = key === 'proposals' ? ': one proposal is written proposal: aes256gcm16' : '';
    report([...path, key], `no ${key}, because the SAs are keyed by hand${mend}`);
  }
  if (!('proposal' in sa) && !('proposals' in sa))
    report([...path, 'proposal'], 'one proposal (aes256gcm16), because the SAs are keyed by hand');
}

/** @param listen the gateway's own addresses */
export function checkIke(
  peer: Unproven<PeerEntry>,
  listen: readonly (Address | undefined)[],
  path: Path,
  report: Report,
): void {
  const ike: Unproven<IkeEntry> = peer?.ike;
  if (typeof ike !== 'object' || ike === null) return;
  checkCredentials(ike, path, report);
  const isAsked = isMapping(ike.remote) && 'authorities' in ike.remote;
  const isSeveral = isMapping(peer?.address) && 'addresses' in peer.address;
  const isOpen = peer?.address === 'any' || isSeveral;
  if (isOpen && isMapping(ike.remote) && !('identity' in ike.remote) && !isAsked)
    report(
      [...path, 'remote', 'identity'],
      `the identity of the peer (or a pattern as "*.example.org"), because its address is ${isSeveral ? 'one of several' : 'any'}`,
    );
  if (peer?.address === undefined || !isMapping(ike.local) || 'identity' in ike.local) return;
  // Its subject is the identity.
  if ('certificate' in ike.local) return;
  if (listen.includes(undefined)) return;
  const own = ownAddress(listen, peer.address);
  if (own?.bytes.every((byte) => byte === 0))
    report(
      [...path, 'local', 'identity'],
      'the identity of this gateway, because udp.listen names no address of its own',
    );
}

function isMapping(part: unknown): part is object {
  return typeof part === 'object' && part !== null;
}

/** Undefined where any family may come of it. */
function familyOf(peer: Unproven<PeerAddress>): AddressFamily | undefined {
  const families = new Set(addressesOf(peer).map(({ family }) => family));
  const [family] = families;
  return families.size === 1 ? family : undefined;
}

/** None where it is not known, or a name. */
export function addressesOf(place: Unproven<PeerAddress>): readonly Address[] {
  if (typeof place !== 'object' || place === null) return [];
  if ('addresses' in place) return place.addresses as readonly Address[];
  return 'family' in place ? [place] : [];
}

/** Only IKE asks for the address of a name, or tries one address after another. */
export function checkName(peer: Unproven<PeerEntry>, path: Path, report: Report): void {
  if (typeof peer !== 'object' || peer === null || 'ike' in peer) return;
  const { address } = peer;
  if (typeof address !== 'object' || address === null || 'family' in address) return;
  const why = 'dnsName' in address ? 'a DNS name is resolved' : 'several are tried';
  report(
    [...path, 'address'],
    `an address, or any, because the SAs of this peer are keyed by hand; only with ike ${why}`,
  );
}

/** The address that stands for this gateway towards a peer. */
export function ownAddress(
  listen: readonly (Address | undefined)[],
  peer: Unproven<PeerAddress>,
): Address | undefined {
  const family = familyOf(peer);
  return listen.find((address) => family === undefined || address?.family === family);
}

/** What tells PAD entries apart: RFC 4301 §4.4.3.1 lets the first that matches decide, so a second would be lost. */
export function describePadEntry(peer: Unproven<PeerEntry>): string | undefined {
  const remote = peer?.ike?.remote?.identity;
  const local = peer?.ike?.local?.identity;
  if (peer?.address !== 'any' || remote === undefined) return undefined;
  const own = local && [local.idType, ...local.data];
  return JSON.stringify([remote.idType, remote.text, own ?? 'address']);
}
