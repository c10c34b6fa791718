// wireguard-go, the userspace WireGuard, in two ages: Debian 12's, which moves single packets, and that of the
// backports, which uses the offloads of TUN and UDP. Both are called wireguard-go in Debian, so they are
// unpacked side by side into the cache directory instead of being installed.

import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOrThrow } from '../../topology/command.ts';
import type { Topology } from '../../topology/topology.ts';
import { cacheDirectory, VERSION_FILE } from '../cache-directory.ts';
import { Daemon } from '../daemon.ts';
import { findProgram } from '../find-program.ts';
import { farGateway, type Gateway, GATEWAYS, SITES } from '../sites.ts';
import { runDaemons } from './daemons.ts';
import { missing, type Peer } from './peer.ts';

const LISTEN_PORT = '51820';
/** wg-quick's choice on links of 1500 bytes. */
const TUNNEL_MTU = '1420';
/** Where wireguard-go puts the socket that `wg` configures it by; a tmpfs of the sandbox's own. */
const CONTROL_SOCKETS = '/run/wireguard';

/** The names differ because both gateways share the directory of the control sockets. */
const INTERFACES: Readonly<Record<Gateway, string>> = { gwA: 'wgA', gwB: 'wgB' };

export const wireguardGoDebian12: Peer = wireguardGo('wireguard-go-debian12');
export const wireguardGoBackports: Peer = wireguardGo('wireguard-go-backports');

function wireguardGo(name: string): Peer {
  const folder = join(cacheDirectory(), name);
  const program = join(folder, 'usr/bin/wireguard-go');
  return {
    name,
    probe: async () => {
      if (findProgram('wg') === undefined) return missing('wg (package wireguard-tools)');
      if (!existsSync(join(folder, VERSION_FILE))) return missing(program);
      return { kind: 'available', version: (await readFile(join(folder, VERSION_FILE), 'utf8')).trim() };
    },
    start: async (topology, directory) => {
      const keys = { gwA: await makeKeyPair(directory, 'gwA'), gwB: await makeKeyPair(directory, 'gwB') };
      return runDaemons(async (started) => {
        for (const gateway of GATEWAYS) {
          const daemon = new Daemon(topology, gateway, [program, '-f', INTERFACES[gateway]]);
          started.push(daemon);
          const socket = join(CONTROL_SOCKETS, `${INTERFACES[gateway]}.sock`);
          await daemon.waitUntil(() => existsSync(socket), 'control socket');
          await configure(topology, gateway, keys);
        }
      });
    },
  };
}

interface KeyPair {
  readonly privateKeyFile: string;
  readonly publicKey: string;
}

async function makeKeyPair(directory: string, gateway: Gateway): Promise<KeyPair> {
  const privateKey = await runOrThrow(['wg', 'genkey']);
  const privateKeyFile = join(directory, `${gateway}.key`);
  await writeFile(privateKeyFile, privateKey, { mode: 0o600 });
  const publicKey = await runOrThrow(['wg', 'pubkey'], { input: privateKey });
  return { privateKeyFile, publicKey: publicKey.trim() };
}

async function configure(
  topology: Topology,
  gateway: Gateway,
  keys: Readonly<Record<Gateway, KeyPair>>,
): Promise<void> {
  const device = INTERFACES[gateway];
  const far = SITES[farGateway(gateway)];
  await topology.runOrThrow(gateway, [
    ...['wg', 'set', device, 'listen-port', LISTEN_PORT, 'private-key', keys[gateway].privateKeyFile],
    ...['peer', keys[farGateway(gateway)].publicKey, 'allowed-ips', far.innerPrefix],
    ...['endpoint', `${far.outerAddress}:${LISTEN_PORT}`],
  ]);
  await topology.runOrThrow(gateway, ['ip', 'link', 'set', device, 'mtu', TUNNEL_MTU, 'up']);
  await topology.runOrThrow(gateway, ['ip', 'route', 'add', far.innerPrefix, 'dev', device]);
}
