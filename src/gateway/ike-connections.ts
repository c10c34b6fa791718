// From the configuration to what the state machines of IKE run on: reads the secrets, and keeps of the connections that
// are in use those in which nothing has changed, so that their IKE SAs stay. RFC 4301 §4.4.3.

import { isDeepStrictEqual } from 'node:util';

import { wallClockMs } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { ChildPolicy, Connection } from '../ike/connection.ts';
import { narrow, trafficSelectorsOf } from '../ike/traffic-selectors.ts';
import { CertificateFiles } from '../management/config/certificate-files.ts';
import type { GatewayConfig, IkePeerConfig, PeerConfig } from '../management/config/gateway-config.ts';
import { readCredentials, type CredentialContext } from '../management/config/read-credentials.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';

/** Of every protocol and port. */
const ANYTHING = { protocol: 0, startPort: 0, endPort: 65_535 } as const;
/** RFC 7296 §2.23. */
const NAT_TRAVERSAL_PORT = 4500;

/**
 * One connection for each peer that has `ike`, in the order of the file (RFC 4301 §4.4.3.1).
 * @param running connections of the configuration before; the same objects come back where nothing has changed
 * @throws ConfigError where a secret or certificate is missing or does not fit; then nothing was kept or zeroed
 */
export function readConnections(
  config: GatewayConfig,
  log: Pick<Logger, 'info' | 'warn'>,
  running: readonly Connection[] = [],
): readonly Connection[] {
  const read: Connection[] = [];
  const files = new CertificateFiles(config.file, log, wallClockMs());
  try {
    for (const peer of config.peers)
      if (peer.ike !== undefined)
        read.push(connectionOf(peer, peer.ike, config, { file: config.file, log, files }));
  } catch (error) {
    zeroSecrets(read);
    throw error;
  }
  return read.map((connection) => {
    const same = running.find((one) => isDeepStrictEqual(one, connection));
    if (same !== undefined) zeroSecrets([connection]);
    return same ?? connection;
  });
}

/** For connections that no IKE SA has any more. */
export function zeroSecrets(connections: readonly Connection[]): void {
  for (const { pad } of connections)
    for (const { authentication } of [pad.local, pad.remote]) {
      if (authentication.method === 'psk') authentication.secret.fill(0);
      if (authentication.method === 'signature') authentication.privateKey.fill(0);
    }
}

function connectionOf(
  peer: PeerConfig,
  ike: IkePeerConfig,
  config: GatewayConfig,
  context: CredentialContext,
): Connection {
  return {
    name: peer.name,
    pad: readCredentials(peer.name, ike, context),
    remoteAddress: peer.address,
    otherRemoteAddresses: peer.otherAddresses,
    remoteName: peer.dnsName,
    remotePort: peer.port ?? NAT_TRAVERSAL_PORT,
    proposals: ike.proposals,
    children: childrenOf(peer.name, ike, config),
    ...ike.lifetime,
    livenessMs: ike.livenessMs,
    unique: ike.unique,
    mobike: ike.mobike,
    childless: ike.childless,
    mostChildSas: ike.mostChildSas,
    retransmission: ike.retransmission,
  };
}

/** In the order in which packets meet the policies, as the peer's traffic selectors will (RFC 4301 §4.4.1). */
function childrenOf(
  peer: string,
  { mayNegotiate }: IkePeerConfig,
  { policies }: GatewayConfig,
): readonly ChildPolicy[] {
  // RFC 4301 §4.4.3.4: neither side negotiates more with this peer, whatever its policies say.
  const ranges = mayNegotiate.remoteAddress?.map((range): TrafficSelector => ({ ...ANYTHING, ...range }));
  return policies
    .toSorted((a, b) => a.priority - b.priority)
    .flatMap(({ name, selectors, sa, ike }) => {
      if (ike === undefined || sa?.peer !== peer || mayNegotiate.policies?.includes(name) === false)
        return [];
      const remote = trafficSelectorsOf(selectors, 'remote');
      const allowed = ranges === undefined ? remote : narrow(remote, ranges);
      if (allowed.length === 0) return [];
      return [
        {
          policy: name,
          proposals: ike.proposals,
          local: trafficSelectorsOf(selectors, 'local'),
          remote: allowed,
          remoteNames: ike.remoteNames,
          isOwnAddressOnly: selectors.remoteAddress === undefined && ranges === undefined,
          populateFromPacket: sa.populateFromPacket,
          isAskedFor: ike.start !== 'never',
          onClose: ike.onClose,
        },
      ];
    });
}
