// Who answers the handshakes of the benchmark in gwB: strongSwan with kernel-libipsec, or the whole gateway with its
// worker. Both know one secret for every peer, and delete an SA when they are told to.

import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changed, ikeTwoSites, writeSiteFiles } from '../../lab/site-files.ts';
import { gatewayReady, startGateway, stopGateway } from '../../lab/gateway-process.ts';
import { siteAddresses } from '../../topology/plan.ts';
import type { Topology } from '../../topology/topology.ts';
import { Daemon } from '../daemon.ts';
import { HUB_IDENTITY, SECRET } from './many-connections.ts';

const CHARON = '/usr/sbin/charon-systemd';
const PLUGINS =
  'aesni random nonce openssl hmac kdf curve25519 gcm kernel-libipsec kernel-netlink socket-default vici';
const { gwB } = siteAddresses;
/** Of /proc/PID/stat (proc(5)), which Linux counts in hundredths of a second. */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;
const TICKS_PER_SECOND = 100;

export interface Responder {
  readonly processId: number;
  stop(): Promise<void>;
}

export type ResponderName = 'isthmus' | 'strongswan';
export const RESPONDERS: readonly ResponderName[] = ['isthmus', 'strongswan'];

export function isInstalled(name: ResponderName): boolean {
  return name === 'isthmus' || existsSync(CHARON);
}

/** @param directory for its files; not there yet */
export function startResponder(
  name: ResponderName,
  topology: Topology,
  directory: string,
  group: string,
): Promise<Responder> {
  return name === 'isthmus'
    ? startIsthmus(topology, directory, group)
    : startStrongswan(topology, directory, group);
}

/** @returns seconds of all its threads */
export function cpuSecondsOf({ processId }: Responder): number {
  const stat = readFileSync(`/proc/${processId}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS])) / TICKS_PER_SECOND;
}

async function startIsthmus(topology: Topology, directory: string, group: string): Promise<Responder> {
  await mkdir(directory, { recursive: true });
  const sites = ikeTwoSites.filter(({ place }) => place === 'gwB');
  const files = await writeSiteFiles(directory, undefined, sites, []);
  await writeFile(join(directory, 'keys', 'load.psk'), `${SECRET}\n`, { mode: 0o600 });
  const path = files.configuration('gwB');
  const settings = [
    [['peers', 0, 'address'], 'any'],
    [['peers', 0, 'ike', 'local'], { identity: HUB_IDENTITY, psk: { file: 'keys/load.psk' } }],
    [['peers', 0, 'ike', 'remote'], { identity: '*.load.example' }],
    [['peers', 0, 'ike', 'proposals'], [`aes256gcm16-prfsha256-${group}`]],
    [['policies', 0, 'selectors', 'remote_address'], ['10.0.3.0/24']],
    [['policies', 0, 'sa', 'proposals'], ['aes256gcm16']],
  ] as const;
  await writeFile(path, changed(await readFile(path, 'utf8'), settings), { mode: 0o600 });
  const gateway = startGateway(topology, files, 'gwB', false);
  await gatewayReady(gateway, new AbortController().signal);
  return {
    processId: gateway.identity.pid,
    stop: async () => {
      await stopGateway(gateway);
    },
  };
}

async function startStrongswan(topology: Topology, directory: string, group: string): Promise<Responder> {
  await mkdir(join(directory, 'swanctl'), { recursive: true });
  const environment = {
    STRONGSWAN_CONF: join(directory, 'strongswan.conf'),
    SWANCTL_DIR: join(directory, 'swanctl'),
  };
  const socket = join(directory, 'charon.vici');
  await writeFile(environment.STRONGSWAN_CONF, strongswanConf(directory, socket));
  await writeFile(join(directory, 'swanctl', 'swanctl.conf'), swanctlConf(group), { mode: 0o600 });
  const daemon = new Daemon(topology, 'gwB', [CHARON], environment);
  await daemon.waitUntil(() => existsSync(socket), 'vici socket');
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const load = ['env', ...variables, 'swanctl', '--load-all', '--uri', `unix://${socket}`];
  await topology.runOrThrow('gwB', load, { timeoutMs: 20_000 });
  return { processId: daemon.processId, stop: () => daemon.stop() };
}

// All peers have one address here, so its limits for one address are lifted. Both log as they do by default.
function strongswanConf(directory: string, socket: string): string {
  return `charon-systemd {
  load = ${PLUGINS}
  threads = 16
  install_virtual_ip = no
  cookie_threshold = 0
  block_threshold = 0
  init_limit_half_open = 0
  journal { default = -1 }
  filelog { log { path = ${directory}/charon.log
                  default = 1 } }
  plugins { vici { socket = unix://${socket} } }
}
`;
}

function swanctlConf(group: string): string {
  return `connections {
  peer {
    version = 2
    local_addrs = ${gwB.outside.ipv4}
    remote_addrs = %any
    proposals = aes256gcm16-prfsha256-${group}
    mobike = no
    unique = replace
    local { auth = psk
            id = ${HUB_IDENTITY} }
    remote { auth = psk
             id = *.load.example }
    children {
      net {
        mode = tunnel
        local_ts = 10.0.2.0/24
        remote_ts = 10.0.3.0/24
        esp_proposals = aes256gcm16
        start_action = none
      }
    }
  }
}
secrets {
  ike-load { secret = "${SECRET}" }
}
`;
}
