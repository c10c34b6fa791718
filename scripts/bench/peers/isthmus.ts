// Isthmus itself, with either engine: `isthmus run` at both gateways, manually keyed with fresh keys.

import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findAddon } from '../../../src/dataplane/native/load-addon.ts';
import { runOrThrow } from '../../topology/command.ts';
import { Daemon } from '../daemon.ts';
import { farGateway, type Gateway, GATEWAYS, SITES } from '../sites.ts';
import { runDaemons } from './daemons.ts';
import type { Peer } from './peer.ts';

type EngineName = 'native' | 'portable';

const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = join(PACKAGE, 'dist', 'main.js');
/** The SPI and the key file of the SA that each gateway sends with. */
const OUTBOUND: Readonly<Record<Gateway, { readonly spi: number; readonly keyFile: string }>> = {
  gwA: { spi: 0x0a0b0001, keyFile: 'a-to-b.key' },
  gwB: { spi: 0x0b0a0001, keyFile: 'b-to-a.key' },
};

/** As a service manager starts it (etc/isthmus.service), but for the user: with nothing that it would have to give away first. */
const CAPABILITIES = '-all,+dac_override,+net_admin';
const AS_SERVICE = [
  'setpriv',
  `--inh-caps=${CAPABILITIES}`,
  `--ambient-caps=${CAPABILITIES}`,
  `--bounding-set=${CAPABILITIES}`,
  '--no-new-privs',
] as const;

/** @param nodePath the Node that runs the gateways @param workers of the data plane of each; more than 1 stand in the name */
export function isthmus(engine: EngineName, nodePath: string, workers = 1): Peer {
  return {
    name: workers === 1 ? `isthmus-${engine}` : `isthmus-${engine}-${workers}-workers`,
    probe: async () => {
      if (!existsSync(MAIN)) return { kind: 'missing', reason: `${MAIN} is missing`, mend: 'npm run build' };
      if ('missing' in findAddon() && (engine === 'native' || !hasPortableTun())) {
        return { kind: 'missing', reason: 'the native addon does not load', mend: 'npm rebuild' };
      }
      const manifest = readFileSync(join(PACKAGE, 'package.json'), 'utf8');
      const { version } = JSON.parse(manifest) as { readonly version: string };
      const node = (await runOrThrow([nodePath, '--version'])).trim();
      return { kind: 'available', version: `${version} (Node ${node})` };
    },
    start: async (topology, directory) => {
      for (const gateway of GATEWAYS) {
        await runOrThrow([nodePath, MAIN, 'keygen', '--out', join(directory, OUTBOUND[gateway].keyFile)]);
      }
      const stateOf = (gateway: Gateway): string => join(directory, `${gateway}-state`);
      const fileOf = (gateway: Gateway): string => join(directory, `${gateway}.yaml`);
      const launchOne = (gateway: Gateway): Daemon => {
        const command = [...AS_SERVICE, nodePath, MAIN, 'run', '-c', fileOf(gateway)];
        const state = stateOf(gateway);
        return new Daemon(topology, gateway, command, { STATE_DIRECTORY: state, RUNTIME_DIRECTORY: state });
      };
      return runDaemons(async (started) => {
        for (const gateway of GATEWAYS) {
          await mkdir(stateOf(gateway));
          await writeFile(fileOf(gateway), configuration(gateway, engine, workers));
          started.push(launchOne(gateway));
        }
        for (const daemon of started) await daemon.waitUntil(() => saysReady(daemon.output), 'ready line');
      }, launchOne);
    },
  };
}

/** The package that gives the portable engine a TUN device where there is no addon. */
function hasPortableTun(): boolean {
  return existsSync(join(PACKAGE, 'node_modules', 'tuntap2'));
}

/** The log is JSON lines on standard error. */
function saysReady(output: string): boolean {
  return output.split('\n').some((line) => line.startsWith('{') && line.includes('"msg":"ready"'));
}

function configuration(gateway: Gateway, engine: EngineName, workers: number): string {
  const far = farGateway(gateway);
  const key = (sender: Gateway): string =>
    `{ spi: ${OUTBOUND[sender].spi}, key: { file: ${OUTBOUND[sender].keyFile} } }`;
  return `gateway:
  name: ${gateway}
  engine: ${engine}
  workers: ${workers}
  state_directory: auto
tun:
  name: isthmus0
  mtu: auto
udp:
  listen: ['${SITES[gateway].outerAddress}:4500']
guard: none
peers:
  - name: ${far}
    address: ${SITES[far].outerAddress}
    port: 4500
policies:
  - name: ${gateway}-to-${far}
    priority: 100
    selectors:
      local_address: [${SITES[gateway].innerPrefix}]
      remote_address: [${SITES[far].innerPrefix}]
      protocol: any
    action: PROTECT
    sa:
      peer: ${far}
      mode: tunnel
      proposal: aes256gcm16
      replay_window: 1024
      manual:
        outbound: ${key(gateway)}
        inbound: ${key(far)}
`;
}
