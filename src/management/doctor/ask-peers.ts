// Whom of the peers the doctor asks: those with `ike` and a known address that have no IKE SA. All at once, because each
// that is silent takes two seconds.

import { prefixRange, rangeContains, type Address } from '../../base/address.ts';
import type { PeerConfig } from '../config/gateway-config.ts';
import type { DoctorFacts, Setup } from './facts.ts';
import type { AskedPeer, AskPeer } from './peer-question.ts';

const IKE_PORT = 500;
const NAT_TRAVERSAL_PORT = 4500;
/** More would only say the same again. */
const MOST_ASKED = 64;

/** @param gateway whose peers with IKE SAs are where they should be */
export async function askPeers(
  setup: Setup | string,
  gateway: DoctorFacts['gateway'],
  ask: AskPeer,
): Promise<readonly AskedPeer[]> {
  if (typeof setup === 'string') return [];
  const states = typeof gateway === 'string' ? [] : gateway.peers;
  const isUp = ({ name }: PeerConfig): boolean =>
    states.some((state) => state.name === name && state.upSeconds !== undefined);
  const wanted = setup.config.peers
    .filter((peer) => !isUp(peer))
    .flatMap((peer) => addressesOf(peer, setup).map((address) => ({ peer, address })))
    .slice(0, MOST_ASKED);
  return Promise.all(
    wanted.map(async ({ peer, address }): Promise<AskedPeer> => {
      const port = peer.port ?? NAT_TRAVERSAL_PORT;
      const isGuarded = setup.hasGuard === true && setup.config.guardedInterfaces !== undefined;
      const asked = { name: peer.name, address, ports: [IKE_PORT, port], isGuarded };
      if (peer.ike === undefined || isLedAway(address, setup)) return { ...asked, answer: undefined };
      const { proposals } = peer.ike;
      return {
        ...asked,
        answer: await ask({ to: address, port, from: ownAddress(address, setup), proposals }),
      };
    }),
  );
}

/** As the gateway takes them: of a family that it listens at. */
function addressesOf(
  { ike, address, otherAddresses, dnsName }: PeerConfig,
  { names, config }: Setup,
): readonly Address[] {
  if (ike === undefined) return [];
  const found = dnsName === undefined ? undefined : names.get(dnsName);
  const written = address === undefined ? [] : [address, ...otherAddresses];
  const families = new Set(config.udp.listen.map((listen) => listen.address.family));
  return (typeof found === 'object' ? found : written).filter(({ family }) => families.has(family));
}

/** The gateway marks its own datagrams; others of this host go where the policies say. */
function isLedAway(address: Address, { network }: Setup): boolean {
  const routes = network?.plan.routes ?? [];
  return routes.some(({ destination }) =>
    rangeContains(prefixRange(destination.address, destination.bits), address),
  );
}

function ownAddress({ family }: Address, { config, network }: Setup): Address | undefined {
  const listen = config.udp.listen.find(({ address }) => address.family === family)?.address;
  const own = network?.facts.addresses ?? [];
  const isHere = own.some(({ address }) => listen && Buffer.compare(address.bytes, listen.bytes) === 0);
  return isHere ? listen : undefined;
}
