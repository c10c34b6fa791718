// What the configuration says, as management shows it: peers, policies, certificates. Secrets are named at most.

import { formatAddress } from '../base/address.ts';
import type { Connection } from '../ike/connection.ts';
import { trafficSelectorsOf } from '../ike/traffic-selectors.ts';
import type { GatewayConfig, PeerConfig, PolicyConfig } from '../management/config/gateway-config.ts';
import type {
  AuthenticationView,
  CertificateView,
  ChildConfigView,
  ConnectionView,
  PolicyView,
} from '../management/vici/vici-gateway.ts';
import type { LoadedThings } from '../management/loading/loaded-things.ts';
import { formatIdentity } from '../pad/identity.ts';
import type { OwnAuthentication, PeerAuthentication } from '../pad/pad-entry.ts';
import { parseCertificate, type Certificate } from '../pki/certificate.ts';
import { formatDistinguishedName } from '../pki/distinguished-name.ts';

export function viewPolicies({ policies }: GatewayConfig): readonly PolicyView[] {
  return policies.toSorted((one, other) => one.priority - other.priority).map(viewPolicy);
}

function viewPolicy({ name, action, sa, ike, priority, line, selectors }: PolicyConfig): PolicyView {
  return {
    name,
    action,
    peer: sa?.peer,
    priority,
    line,
    names: ike?.remoteNames?.map(({ text }) => text) ?? [],
    local: trafficSelectorsOf(selectors, 'local'),
    remote: trafficSelectorsOf(selectors, 'remote'),
  };
}

/** @param connections of the peers with IKE */
export function viewConnections(
  { peers, policies, udp }: GatewayConfig,
  connections: readonly Connection[],
): readonly ConnectionView[] {
  const localAddresses = udp.listen.map(({ address }) => formatAddress(address));
  const connectionOf = new Map(connections.map((connection) => [connection.name, connection]));
  const childrenOf = new Map<string | undefined, ChildConfigView[]>(peers.map(({ name }) => [name, []]));
  for (const policy of policies.toSorted((one, other) => one.priority - other.priority))
    childrenOf.get(policy.sa?.peer)?.push(viewChild(policy));
  return peers.map((peer) => {
    const connection = connectionOf.get(peer.name);
    return {
      name: peer.name,
      localAddresses,
      remoteAddresses: remoteAddresses(peer),
      remotePort: peer.port,
      ike: connection && {
        rekeySeconds: Math.round(connection.rekeyMs / 1000),
        livenessSeconds: Math.round(connection.livenessMs / 1000),
        unique: connection.unique,
        proposals: connection.proposals,
        local: viewOwn(connection),
        remote: viewPeer(connection),
      },
      children: childrenOf.get(peer.name) ?? [],
    };
  });
}

function remoteAddresses({ address, otherAddresses, dnsName }: PeerConfig): readonly string[] {
  return address === undefined ? [dnsName ?? '%any'] : [address, ...otherAddresses].map(formatAddress);
}

function viewChild(policy: PolicyConfig): ChildConfigView {
  const { sa, ike } = policy;
  return {
    ...viewPolicy(policy),
    proposals: ike?.proposals,
    lifetime: sa?.lifetime,
    start: ike?.start,
    onClose: ike?.onClose,
    notInitiated: whyNotInitiated(policy),
  };
}

function whyNotInitiated({ ike, sa }: PolicyConfig): string | undefined {
  if (ike === undefined) return 'its SAs are keyed by hand, and are always there';
  if (ike.remoteNames !== undefined) return 'it is for peers by name, which ask for it';
  return sa?.populateFromPacket === undefined
    ? undefined
    : 'each of its flows gets an SA of its own, by a packet';
}

function viewOwn({ pad: { local } }: Connection): AuthenticationView {
  const certificates = ownCertificates(local.authentication);
  return {
    class: local.authentication.method === 'psk' ? 'pre-shared key' : 'public key',
    identity: formatIdentity(local.identity),
    certificates: certificates.slice(0, 1).map(subjectOf),
    authorities: [],
  };
}

function viewPeer({ pad: { remote } }: Connection): AuthenticationView {
  const trusted = trustedCertificates(remote.authentication);
  return {
    class: remote.authentication.method === 'psk' ? 'pre-shared key' : 'public key',
    identity: remote.exact === undefined ? remote.identity.text : formatIdentity(remote.exact),
    certificates: trusted.filter(({ isAuthority }) => !isAuthority).map(subjectOf),
    authorities: trusted.filter(({ isAuthority }) => isAuthority).map(subjectOf),
  };
}

/** Each once, this side's own first. */
/** Those that connections use, then those that were loaded and that none uses. */
export function viewCertificates(
  connections: readonly Connection[],
  loaded: LoadedThings,
): readonly CertificateView[] {
  const views = new Map<string, CertificateView>();
  // Thousands of peers may have one certificate: it is read once.
  const add = (der: Uint8Array, view: () => Omit<CertificateView, 'der'>): void => {
    const key = Buffer.from(der).toString('base64');
    if (!views.has(key)) views.set(key, { ...view(), der });
  };
  for (const { local } of connections.map(({ pad }) => pad)) {
    const { authentication } = local;
    if (authentication.method !== 'signature') continue;
    for (const [index, der] of authentication.chain.entries())
      add(der, () => viewCertificate(parseCertificate(der), index === 0));
    if (authentication.chain.length === 0)
      add(authentication.publicKey, () => viewPublicKey(formatIdentity(local.identity), true));
  }
  for (const { remote } of connections.map(({ pad }) => pad)) {
    const { authentication } = remote;
    for (const certificate of trustedCertificates(authentication))
      add(certificate.der, () => viewCertificate(certificate, false));
    if (authentication.method === 'public-key')
      add(authentication.publicKey, () => viewPublicKey(remote.identity.text, false));
  }
  const keys = [...loaded.keys.values()].map(({ publicKey }) => publicKey);
  for (const { certificate } of [...loaded.certificates.values(), ...loaded.authorities.values()]) {
    const hasKey = keys.some((key) => Buffer.compare(key, certificate.publicKey) === 0);
    add(certificate.der, () => viewCertificate(certificate, hasKey));
  }
  return [...views.values()];
}

function viewPublicKey(subject: string, hasPrivateKey: boolean): Omit<CertificateView, 'der'> {
  return { type: 'PUBKEY', isAuthority: false, hasPrivateKey, subject };
}

function viewCertificate(certificate: Certificate, hasPrivateKey: boolean): Omit<CertificateView, 'der'> {
  const { isAuthority } = certificate;
  return { type: 'X509', isAuthority, hasPrivateKey, subject: subjectOf(certificate) };
}

function ownCertificates(authentication: OwnAuthentication): readonly Certificate[] {
  return authentication.method === 'signature'
    ? authentication.chain.map((der) => parseCertificate(der))
    : [];
}

function trustedCertificates(authentication: PeerAuthentication): readonly Certificate[] {
  return authentication.method === 'certificate' ? authentication.anchors : [];
}

function subjectOf({ subject }: Certificate): string {
  return formatDistinguishedName(subject);
}
