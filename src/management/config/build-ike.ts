// From a peer's `ike` and the `sa` of a policy that IKE keys to what the gateway runs on: defaults, identities that follow
// from addresses, and the kinds of SA that the proposals allow.

import { formatAddress } from '../../base/address.ts';
import { InvariantError } from '../../base/errors.ts';
import { parseIdentity, parseIdentityPattern, type IdentityPattern } from '../../pad/identity.ts';
import type { SaSpecification, Selectors } from '../../spd/policy.ts';
import type {
  ConfigFile,
  IkeEntry,
  PeerAddress,
  PeerEntry,
  PopulatedSelector,
  SaEntry,
} from './config-file.ts';
import { buildCredentials, type Place } from './build-credentials.ts';
import type { ChildStart, IkePeerConfig, IkePolicyConfig, OnClose } from './gateway-config.ts';
import { ownAddress } from './keying-checks.ts';
import { defaultProposals, espChoices } from './negotiated-proposal.ts';
import type { Path } from './unproven.ts';

/** Keys that a protocol made need not last; the soft limit leaves time to replace them. */
const DEFAULT_CHILD_LIFETIME_MS = 8 * 3_600_000;
const DEFAULT_SOFT_PART = 0.9;

/** Whoever wants the SAs before a packet does, wants them back. */
const DEFAULT_ON_CLOSE: Readonly<Record<ChildStart, OnClose>> = {
  immediately: 'restart',
  'on-traffic': 'trap',
  never: 'close',
};

const SELECTOR_NAMES: Readonly<Record<PopulatedSelector, keyof Selectors>> = {
  local_address: 'localAddress',
  remote_address: 'remoteAddress',
  protocol: 'protocol',
  local_port: 'localPort',
  remote_port: 'remotePort',
  icmp: 'icmp',
};

export function buildIkePeer(
  peer: PeerEntry,
  entry: IkeEntry,
  path: Path,
  file: ConfigFile,
  place: Place,
): IkePeerConfig {
  const { local, remote } = entry;
  const own = ownAddress(
    file.udp.listen.map(({ address }) => address),
    peer.address,
  );
  const isCertified = local.certificate !== undefined;
  const localIdentity =
    local.identity ?? (isCertified ? undefined : own && parseIdentity(formatAddress(own)));
  const remoteIdentity = remote.identity ?? patternOf(peer.address);
  if ((localIdentity === undefined && !isCertified) || remoteIdentity === undefined)
    throw new InvariantError(`peer ${peer.name} passed the checks without an identity`);
  const credentials = buildCredentials(entry, path, place);
  return {
    local: { identity: localIdentity, credentials: credentials.local },
    remote: { identity: remoteIdentity, credentials: credentials.remote },
    mayNegotiate: {
      remoteAddress: unlessAny(entry.may_negotiate.remote_address),
      policies: unlessAny(entry.may_negotiate.policies),
    },
    proposals: (entry.proposals ?? defaultProposals('IKE')).map(({ accepted }) => accepted),
    lifetime: entry.lifetime,
    livenessMs: entry.liveness,
    unique: entry.unique,
    mobike: entry.mobike,
    childless: entry.childless,
    mostChildSas: entry.most_child_sas,
    retransmission: {
      firstMs: entry.retransmit.first,
      factor: entry.retransmit.factor,
      tries: entry.retransmit.tries,
    },
  };
}

export function unlessAny<T>(value: T | 'any'): T | undefined {
  return value === 'any' ? undefined : value;
}

/** Who is at an address, where nothing else is said; nobody where it may be any of several. */
export function patternOf(address: PeerAddress): IdentityPattern | undefined {
  if (address === 'any' || 'addresses' in address) return undefined;
  return parseIdentityPattern('dnsName' in address ? `fqdn:${address.dnsName}` : formatAddress(address));
}

/** What the SPD entry of a policy that IKE keys has beside what every SA has, and what its Child SAs are made of. */
export function buildIkeSpecification(
  sa: SaEntry,
  remoteNames: readonly IdentityPattern[] | undefined,
): {
  readonly specification: Pick<
    SaSpecification,
    'keying' | 'transform' | 'esn' | 'choices' | 'populateFromPacket' | 'isNamed' | 'lifetime'
  >;
  readonly policy: IkePolicyConfig;
} {
  const proposals = sa.proposals ?? defaultProposals('ESP');
  const choices = proposals.flatMap(espChoices);
  // RFC 4301 §4.4.1.1: an entry with a name is the responder's.
  const start = sa.start ?? (remoteNames === undefined ? 'on-traffic' : 'never');
  const [first] = choices;
  if (first === undefined) throw new InvariantError('a proposal passed the checks without a transform');
  const { time, bytes, packets } = sa.lifetime ?? {};
  const hard = DEFAULT_CHILD_LIFETIME_MS;
  return {
    specification: {
      keying: 'ike',
      ...first,
      choices,
      populateFromPacket: sa.populate_from_packet?.map((name) => SELECTOR_NAMES[name]),
      isNamed: remoteNames !== undefined,
      lifetime: { timeMs: time ?? { soft: hard * DEFAULT_SOFT_PART, hard }, bytes, packets },
    },
    policy: {
      proposals: proposals.map(({ accepted }) => accepted),
      start,
      onClose: sa.on_close ?? DEFAULT_ON_CLOSE[start],
      remoteNames,
    },
  };
}
