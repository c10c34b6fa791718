// Two sites with an IKE tunnel, of which gateway B will be flooded: it also takes any peer that has the secret of the
// benchmark, from anywhere. RFC 7296 §2.6.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gatewayReady, startGateway, stopGateway, type GatewayProcess } from '../../lab/gateway-process.ts';
import {
  changed,
  ikeExampleKeys,
  ikeTwoSites,
  writeSiteFiles,
  type SiteFiles,
} from '../../lab/site-files.ts';
import { siteAddresses } from '../../topology/plan.ts';
import type { Topology } from '../../topology/topology.ts';
import { HUB_IDENTITY, SECRET } from '../ike/many-connections.ts';
import { FORGED_PREFIX } from './packets.ts';

/** Of the peers from anywhere, a name of GROUPS. */
export const STRANGERS_GROUP = 'x25519';
/** Of the tunnel, in the configuration of gateway B. */
export const TUNNEL = { policy: 'site-b-to-site-a', peer: 'site-a' } as const;
/** The same, in that of gateway A. */
export const PEERS_TUNNEL = { policy: 'site-a-to-site-b', peer: 'site-b' } as const;
export const STRANGER_ADDRESS = '203.0.113.99';
/** A peer that is silent for so long is asked whether it lives. */
const LIVENESS = '2s';
/** Sources that are few have addresses of their own. */
const FEW_PREFIX = '198.19.0.0/16';

const ANY_PEER = {
  name: 'anybody',
  address: 'any',
  ike: {
    local: { identity: HUB_IDENTITY, psk: { file: 'keys/load.psk' } },
    remote: { identity: '*.load.example' },
    proposals: [`aes256gcm16-prfsha256-${STRANGERS_GROUP}`],
  },
};
const ANY_POLICY = {
  name: 'to-anybody',
  priority: 200,
  selectors: { local_address: '10.0.2.0/24', remote_address: '10.0.3.0/24' },
  action: 'PROTECT',
  sa: { peer: 'anybody', proposals: ['aes256gcm16'], start: 'never' },
};

export interface FloodSite {
  readonly topology: Topology;
  readonly files: SiteFiles;
  /** Gateway B, which is flooded. */
  readonly target: GatewayProcess;
  /** Of gateway B. */
  readonly httpSocket: string;
  readonly viciSocket: string;
  /** Of gateway A. */
  readonly peerViciSocket: string;
  stop(): Promise<void>;
}

/** @param topology built with the plan `router` @param directory exists and is empty */
export async function startFloodSite(topology: Topology, directory: string): Promise<FloodSite> {
  const files = await writeSiteFiles(directory, undefined, ikeTwoSites, ikeExampleKeys);
  await writeFile(join(directory, 'keys', 'load.psk'), `${SECRET}\n`, { mode: 0o600 });
  const httpSocket = join(directory, 'http.socket');
  const liveness = [['peers', 0, 'ike', 'liveness'], LIVENESS] as const;
  const ofB = [
    liveness,
    [['peers', 1], ANY_PEER],
    [['policies', 1], ANY_POLICY],
    [['management', 'http'], { listen: httpSocket }],
  ] as const;
  await configure(files.configuration('gwA'), [liveness]);
  await configure(files.configuration('gwB'), ofB);
  // Answers to forged sources are lost on their way, as they would be out there.
  for (const prefix of [FORGED_PREFIX, FEW_PREFIX])
    await topology.runOrThrow('wan', ['ip', 'route', 'add', 'blackhole', prefix]);
  await topology.runOrThrow('wan', ['ip', 'address', 'add', `${STRANGER_ADDRESS}/32`, 'dev', 'toA']);
  const gateways = (['gwB', 'gwA'] as const).map((place) => startGateway(topology, files, place, false));
  const stop = async (): Promise<void> => {
    for (const gateway of gateways) await stopGateway(gateway);
  };
  const [target] = gateways;
  if (target === undefined) throw new Error('no gateway');
  try {
    for (const gateway of gateways) await gatewayReady(gateway, new AbortController().signal);
    // The first packet makes the tunnel.
    await topology.runOrThrow('hostA', ['ping', '-n', '-c', '3', '-i', '0.2', siteAddresses.hostB.ipv4]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    topology,
    files,
    target,
    httpSocket,
    viciSocket: join(files.runtimeDirectory('gwB'), 'isthmus.vici'),
    peerViciSocket: join(files.runtimeDirectory('gwA'), 'isthmus.vici'),
    stop,
  };
}

async function configure(path: string, settings: Parameters<typeof changed>[1]): Promise<void> {
  await writeFile(path, changed(await readFile(path, 'utf8'), settings), { mode: 0o600 });
}

/** The interface of gateway B that floods come by. */
export async function outsideMac(topology: Topology): Promise<string> {
  return (await topology.runOrThrow('gwB', ['cat', '/sys/class/net/outside/address'])).trim();
}
