// What one value of the configuration file means for another: references, uniqueness, and which selectors may
// stand together. Every check takes a value that was wrong by itself for "not known" and says nothing more of it.

import type { AddressFamily, AddressRange } from '../../base/address.ts';
import type { Algorithm } from '../../pad/accepted-proposal.ts';
import { OPAQUE } from '../../spd/policy.ts';
import { EsnId } from '../../wire/ike/iana.ts';
import type {
  ConfigFile,
  ManualSaEntry,
  PeerEntry,
  PolicyEntry,
  SaEntry,
  SelectorsEntry,
} from './config-file.ts';
import type { Report } from './expectation.ts';
import { checkHttp } from './http-checks.ts';
import { checkKeySource } from './key-source.ts';
import { addressesOf, checkIke, checkKeying, checkName, describePadEntry } from './keying-checks.ts';
import { checkNegotiable, checkRemoteName } from './name-checks.ts';
import { MOBILITY_HEADER, PROTOCOLS_WITH_PORTS } from './protocol-names.ts';
import { icmpTypesOf, icmpRange, OPAQUE_WORD } from './selector-values.ts';
import { list, type Path, type Unproven } from './unproven.ts';

/** RFC 8200 §5: the smallest MTU of a link that carries IPv6. */
const IPV6_MINIMUM_MTU = 1280;

export function crossCheck(file: Unproven<ConfigFile>, report: Report): void {
  const peers = list(file?.peers);
  const policies = list(file?.policies);

  checkDistinct(
    peers.map((peer, index) => ({ value: peer?.name, path: ['peers', index, 'name'] })),
    'a name of its own for each peer',
    report,
  );
  checkDistinct(
    policies.map((policy, index) => ({ value: policy?.name, path: ['policies', index, 'name'] })),
    'a name of its own for each policy',
    report,
  );
  checkDistinct(
    peers.map((peer, index) => ({
      value: describePadEntry(peer),
      path: ['peers', index, 'ike', 'remote', 'identity'],
    })),
    'an identity of its own for each peer whose address is any',
    report,
  );
  checkFamilies(file, report);
  checkHost(file, report);
  checkHttp(file, report);
  policies.forEach((policy, index) => {
    const path = ['policies', index];
    checkSelectors(policy?.selectors, [...path, 'selectors'], report);
    checkAction(policy, path, report);
    checkSa(policy?.sa, file, [...path, 'sa'], report);
    checkRemoteName(policy, peers, path, report);
  });
  checkManualSas(policies, report);
}

function checkDistinct(
  entries: readonly { readonly value: unknown; readonly path: Path }[],
  expected: string,
  report: Report,
  found?: string,
): void {
  const first = new Map<unknown, Path>();
  for (const { value, path } of entries) {
    if (value === undefined) continue;
    const other = first.get(value);
    if (other === undefined) first.set(value, path);
    else report(path, expected, { other, ...(found !== undefined && { found }) });
  }
}

function checkFamilies(file: Unproven<ConfigFile>, report: Report): void {
  const addresses = list(file?.udp?.listen).map((endpoint) => endpoint?.address);
  const families = addresses.map((address) => address?.family);
  families.forEach((family, index) => {
    if (families.indexOf(family) === index) return;
    report(['udp', 'listen', index], 'at most one address of each family');
  });
  list(file?.peers).forEach((peer, index) => {
    const place = peer?.address;
    checkPlace(peer, ['peers', index], report);
    checkIke(peer, addresses, ['peers', index, 'ike'], report);
    checkName(peer, ['peers', index], report);
    checkNegotiable(peer, list(file?.policies), ['peers', index, 'ike', 'may_negotiate'], report);
    if (families.length === 0) return;
    const strange = addressesOf(place).find(({ family }) => !families.includes(family))?.family;
    if (strange === undefined) return;
    report(
      ['peers', index, 'address'],
      `an IPv${String(10 - strange)} address, or an IPv${String(strange)} address in udp.listen`,
    );
  });
  const mtu = file?.tun?.mtu;
  const anyIpv6 = list(file?.policies).some((policy) => selectsIpv6(policy?.selectors));
  // RFC 8200 §5: IPv6 needs links of at least 1280 bytes.
  if (typeof mtu === 'number' && mtu < IPV6_MINIMUM_MTU && anyIpv6) {
    report(['tun', 'mtu'], 'auto or at least 1280, because a policy selects IPv6');
  }
}

function checkHost(file: Unproven<ConfigFile>, report: Report): void {
  if (file?.tun?.traffic === 'all' && file.udp?.mark === 0)
    report(['udp', 'mark'], 'a mark, because tun.traffic is all: it keeps the own datagrams off the tunnel');
  const guard = file?.guard;
  const interfaces = typeof guard === 'object' ? list(guard?.interfaces) : [];
  interfaces.forEach((name, index) => {
    if (name === undefined || name !== file?.tun?.name) return;
    report(['guard', 'interfaces', index], 'an interface of the unprotected side, not the TUN');
  });
  checkDistinct(
    interfaces.map((name, index) => ({ value: name, path: ['guard', 'interfaces', index] })),
    'each interface once',
    report,
  );
}

/** What is not known beforehand can only be learned, and a path of IPv6 is never narrower than 1280 bytes. */
function checkPlace(peer: Unproven<PeerEntry>, path: Path, report: Report): void {
  const place = peer?.address;
  const isAddress = typeof place !== 'object' || place === null || !('dnsName' in place);
  const isOpen = place === 'any' || !isAddress || peer?.port === 'any';
  if (isOpen && peer?.follow_address === false)
    report([...path, 'follow_address'], 'true, because the address or the port of the peer may change');
  const isIpv6 = addressesOf(place).some(({ family }) => family === 6);
  if (isIpv6 && typeof peer?.path_mtu === 'number' && peer.path_mtu < IPV6_MINIMUM_MTU)
    report([...path, 'path_mtu'], 'learn or at least 1280, because the address of the peer is IPv6');
}

function selectsIpv6(selectors: Unproven<SelectorsEntry>): boolean {
  return [selectors?.local_address, selectors?.remote_address].some((ranges) => familiesOf(ranges).has(6));
}

function familiesOf(ranges: Unproven<readonly AddressRange[] | 'any'>): ReadonlySet<AddressFamily> {
  return new Set(list(ranges).flatMap((range) => (range === undefined ? [] : [range.first.family])));
}

function checkSelectors(selectors: Unproven<SelectorsEntry>, path: Path, report: Report): void {
  const local = familiesOf(selectors?.local_address);
  const remote = familiesOf(selectors?.remote_address);
  if (local.size > 0 && remote.size > 0 && ![...local].some((family) => remote.has(family))) {
    report([...path, 'remote_address'], 'an address of the same family as in local_address');
  }
  const protocol = selectors?.protocol;
  if (protocol === undefined) return;
  for (const key of ['local_port', 'remote_port'] as const) {
    const ports = selectors?.[key];
    if (ports === undefined || ports === 'any') continue;
    if (protocol !== 'any' && PROTOCOLS_WITH_PORTS.has(protocol)) continue;
    report([...path, key], 'no ports, or protocol tcp, udp, sctp, dccp or udplite beside them');
  }
  checkOpaque(selectors, path, report);
  const mobility = selectors?.mobility_header;
  if (mobility !== undefined && mobility !== 'any' && protocol !== MOBILITY_HEADER)
    report([...path, 'mobility_header'], 'no Mobility Header types, or protocol mobility-header beside them');
  const icmp = selectors?.icmp;
  if (icmp === undefined || icmp === 'any') return;
  const types = icmpTypesOf(protocol);
  if (types === undefined) {
    report([...path, 'icmp'], 'no ICMP types, or protocol icmp or icmpv6 beside them');
    return;
  }
  list(icmp).forEach((message, index) => {
    if (message === undefined || icmpRange(message, types) !== undefined) return;
    const found = JSON.stringify(message.type);
    report([...path, 'icmp', index], `a type that this protocol has: ${[...types.keys()].join(', ')}`, {
      found,
    });
  });
}

/** RFC 4301 §4.4.1.1: OPAQUE stands instead of a list, not in it. */
function checkOpaque(selectors: Unproven<SelectorsEntry>, path: Path, report: Report): void {
  for (const key of ['local_port', 'remote_port', 'mobility_header', 'icmp'] as const) {
    const values = list<unknown>(selectors?.[key]);
    const index = values.findIndex(isOpaqueValue);
    if (index >= 0 && values.length > 1) report([...path, key, index], 'opaque by itself, not in a list');
  }
}

function isOpaqueValue(found: unknown): boolean {
  if (typeof found !== 'object' || found === null) return false;
  if ('type' in found) return found.type === OPAQUE_WORD;
  return found === OPAQUE;
}

function checkAction(policy: Unproven<PolicyEntry>, path: Path, report: Report): void {
  if (policy?.action === undefined) return;
  if (policy.action === 'PROTECT' && policy.sa === undefined) {
    report([...path, 'sa'], 'sa: {peer}, because the action is PROTECT');
  }
  if (policy.action !== 'PROTECT' && policy.sa !== undefined) {
    report([...path, 'sa'], `no sa, because the action is ${policy.action}; it belongs to PROTECT`);
  }
}

function checkSa(sa: Unproven<SaEntry>, file: Unproven<ConfigFile>, path: Path, report: Report): void {
  if (typeof sa !== 'object' || sa === null) return;
  // Where the list itself is wrong, nobody knows the names.
  const peers = list(file?.peers);
  const peerNames = Array.isArray(file?.peers) ? peers.map((peer) => peer?.name) : [undefined];
  const known = peerNames.filter((name) => name !== undefined);
  // A peer whose own name is wrong may be the one that is meant.
  if (sa.peer !== undefined && !known.includes(sa.peer) && known.length === peerNames.length) {
    report([...path, 'peer'], `the name of a peer (${known.join(', ') || 'there is none'})`, {
      words: known,
    });
  }
  // RFC 4303 §3.4.3: without a window the receiver cannot know the high half of the number.
  const proposals = list(sa.proposals).filter((proposal) => proposal !== undefined);
  const esn = sa.proposal?.esn ?? proposals.some(({ accepted }) => accepted.esn.some(isExtended));
  if (esn && sa.replay_window === 0)
    report([...path, 'replay_window'], 'a window, because the proposal has extended sequence numbers');
  const peer = peers.find((one) => one?.name === sa.peer);
  checkKeying(sa, sa.peer === undefined ? undefined : peer, path, report);
}

function isExtended({ id }: Algorithm): boolean {
  return id === EsnId.ESN;
}

function checkManualSas(policies: readonly Unproven<PolicyEntry>[], report: Report): void {
  const inbound: { value: unknown; path: Path }[] = [];
  const outbound: { value: unknown; path: Path }[] = [];
  const keys: { value: unknown; path: Path }[] = [];
  policies.forEach((policy, index) => {
    for (const direction of ['outbound', 'inbound'] as const) {
      const manual: Unproven<ManualSaEntry> = policy?.sa?.manual?.[direction];
      const path = ['policies', index, 'sa', 'manual', direction];
      const spi = typeof manual?.spi === 'number' ? manual.spi : undefined;
      if (direction === 'inbound') inbound.push({ value: spi, path: [...path, 'spi'] });
      // A peer finds its inbound SA by the SPI alone (RFC 4301 §4.1), so ours to it must differ.
      else if (spi !== undefined)
        outbound.push({ value: `${String(policy?.sa?.peer)} ${String(spi)}`, path: [...path, 'spi'] });
      keys.push({ value: checkKeySource(manual?.key, [...path, 'key'], report), path: [...path, 'key'] });
    }
  });
  checkDistinct(inbound, 'an SPI of its own for each inbound SA', report);
  checkDistinct(outbound, 'an SPI of its own for each outbound SA to one peer', report);
  // A counter-mode key under two SAs would meet the same IV twice (RFC 4106 §2).
  checkDistinct(keys, 'a key of its own for each SA', report, 'the same key');
}
