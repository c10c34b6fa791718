// Policies that select by name (RFC 4301 §4.4.1.1), and what the PAD lets a peer negotiate (§4.4.3.4).

import { compareAddresses, type AddressRange } from '../../base/address.ts';
import { exactIdentity, matchesIdentity, type IdentityPattern } from '../../pad/identity.ts';
import { patternOf } from './build-ike.ts';
import type { PeerEntry, PolicyEntry } from './config-file.ts';
import type { Report } from './expectation.ts';
import { list, type Path, type Unproven } from './unproven.ts';

/** A name is what IKE has proved, and what the responder looks for. */
export function checkRemoteName(
  policy: Unproven<PolicyEntry>,
  peers: readonly Unproven<PeerEntry>[],
  path: Path,
  report: Report,
): void {
  const written = policy?.selectors?.remote_name;
  if (written === undefined || written === 'any') return;
  const at = [...path, 'selectors', 'remote_name'];
  const action = policy?.action;
  if (action !== undefined && action !== 'PROTECT')
    return report(
      at,
      `no name, because the action is ${action}: only peers of PROTECT policies prove a name`,
    );
  const sa = policy?.sa;
  const peer = peers.find((one) => one?.name !== undefined && one.name === sa?.peer);
  if (sa === undefined || sa === null || peer === undefined || peer === null) return;
  if (!('ike' in peer))
    return report(
      at,
      `no name, or ike at the peer ${JSON.stringify(peer.name)}: it is IKE that proves names`,
    );
  const mend = 'because the policy selects by name: the peer begins';
  // Of a peer whose address is any the others are told already (keying-checks.ts).
  const isOpen = peer.address === 'any';
  if (sa.start === 'on-traffic' || (sa.start === 'immediately' && !isOpen))
    report([...path, 'sa', 'start'], `never, ${mend}`);
  if (sa.on_close === 'trap' || (sa.on_close === 'restart' && !isOpen))
    report([...path, 'sa', 'on_close'], `close, ${mend}`);
  if (sa.populate_from_packet !== undefined)
    report([...path, 'sa', 'populate_from_packet'], `no populate_from_packet, ${mend}`);
  const pattern = identityOf(peer);
  list(written).forEach((name, index) => {
    if (name === undefined || pattern === undefined || canMeet(name, pattern)) return;
    const expected = `a name that the peer ${JSON.stringify(peer.name)} can have: its identity is ${pattern.text}`;
    report(Array.isArray(written) && written.length > 1 ? [...at, index] : at, expected);
  });
}

/** As written, or who is at the address (build-ike.ts); undefined where something else is wrong. */
function identityOf(peer: NonNullable<Unproven<PeerEntry>>): IdentityPattern | undefined {
  const { address, ike } = peer;
  if (ike?.remote?.identity !== undefined) return ike.remote.identity;
  if (typeof address !== 'object' || address === null) return undefined;
  if ('family' in address) return patternOf(address);
  if (!('dnsName' in address)) return undefined;
  return address.dnsName === undefined ? undefined : patternOf({ dnsName: address.dnsName });
}

/** True where somebody may be both. */
function canMeet(one: IdentityPattern, other: IdentityPattern): boolean {
  const [exactOne, exactOther] = [exactIdentity(one), exactIdentity(other)];
  if (exactOne !== undefined) return matchesIdentity(other, exactOne);
  if (exactOther !== undefined) return matchesIdentity(one, exactOther);
  return one.idType === other.idType;
}

/** @param path of the peer's `may_negotiate` */
export function checkNegotiable(
  peer: Unproven<PeerEntry>,
  policies: readonly Unproven<PolicyEntry>[],
  path: Path,
  report: Report,
): void {
  const own = policies.filter((policy) => policy?.sa?.peer !== undefined && policy.sa.peer === peer?.name);
  const names = own.map((policy) => policy?.name).filter((name) => name !== undefined);
  const named = list(peer?.ike?.may_negotiate?.policies);
  named.forEach((name, index) => {
    if (name === undefined || names.includes(name) || names.length < own.length) return;
    const expected = `the name of a policy with this peer (${names.join(', ') || 'there is none'})`;
    report([...path, 'policies', ...(named.length > 1 ? [index] : [])], expected, { words: names });
  });
  const ranges = known(peer?.ike?.may_negotiate?.remote_address);
  for (const policy of own) {
    const wanted = known(policy?.selectors?.remote_address);
    const isMeant = named.length === 0 || named.includes(policy?.name);
    if (!isMeant || ranges.length === 0 || wanted.length === 0) continue;
    if (ranges.some((range) => wanted.some((other) => overlap(range, other)))) continue;
    const expected = `addresses of the policy ${JSON.stringify(policy?.name)} with this peer, whose SAs could never be made`;
    report([...path, 'remote_address'], expected);
  }
}

function known(ranges: Unproven<readonly AddressRange[] | 'any'>): readonly AddressRange[] {
  return list(ranges).filter((range) => range !== undefined);
}

function overlap(one: AddressRange, other: AddressRange): boolean {
  return (
    one.first.family === other.first.family &&
    compareAddresses(one.first, other.last) <= 0 &&
    compareAddresses(other.first, one.last) <= 0
  );
}
