// strongSwan with kernel-libipsec: IKEv2, and ESP in UDP in userspace. AES-256-GCM from the aesni plugin, which
// is faster there than OpenSSL. One charon per gateway, each with a configuration and sockets of its own.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../topology/command.ts';
import type { Topology } from '../../topology/topology.ts';
import { Daemon } from '../daemon.ts';
import { findProgram } from '../find-program.ts';
import { farGateway, type Gateway, GATEWAYS, SITES } from '../sites.ts';
import { runDaemons } from './daemons.ts';
import { missing, type Peer } from './peer.ts';

const CHARON = '/usr/sbin/charon-systemd';
const PLUGINS = '/usr/lib/ipsec/plugins';
const NEEDED_PLUGINS = ['aesni', 'openssl', 'kernel-libipsec', 'curve25519', 'kdf', 'vici'];

export const strongswanAesni: Peer = {
  name: 'strongswan-aesni',
  probe: async () => {
    const files = [CHARON, ...NEEDED_PLUGINS.map((plugin) => `${PLUGINS}/libstrongswan-${plugin}.so`)];
    const absent = files.find((path) => !existsSync(path));
    if (absent !== undefined) return missing(absent);
    if (findProgram('swanctl') === undefined) return missing('swanctl (package strongswan-swanctl)');
    // charon-systemd knows no option and would start; the help of swanctl begins with the version.
    const help = await runCommand(['swanctl', '--help']);
    const version = /strongSwan (\d\S*)/.exec(help.stdout + help.stderr)?.[1];
    return { kind: 'available', version: version ?? 'unknown' };
  },
  start: (topology, directory) =>
    runDaemons(async (started) => {
      const secret = randomBytes(32).toString('hex');
      for (const gateway of GATEWAYS) {
        const own = join(directory, gateway);
        await writeConfiguration(gateway, own, secret);
        const daemon = new Daemon(topology, gateway, [CHARON], charonEnvironment(own));
        started.push(daemon);
        await daemon.waitUntil(() => existsSync(viciSocket(own)), 'vici socket');
        await swanctl(topology, gateway, own, ['--load-all']);
      }
      const initiation = ['--initiate', '--child', 'net', '--timeout', '10'];
      await swanctl(topology, 'gwA', join(directory, 'gwA'), initiation);
    }),
};

/** Leads charon and swanctl to these files and to no others. */
function charonEnvironment(own: string): Record<string, string> {
  return { STRONGSWAN_CONF: join(own, 'strongswan.conf'), SWANCTL_DIR: join(own, 'swanctl') };
}

function viciSocket(own: string): string {
  return join(own, 'charon.vici');
}

async function swanctl(
  topology: Topology,
  gateway: Gateway,
  own: string,
  args: readonly string[],
): Promise<void> {
  const environment = Object.entries(charonEnvironment(own)).map(([name, value]) => `${name}=${value}`);
  const command = ['env', ...environment, 'swanctl', ...args, '--uri', `unix://${viciSocket(own)}`];
  await topology.runOrThrow(gateway, command, { timeoutMs: 20_000 });
}

async function writeConfiguration(gateway: Gateway, own: string, secret: string): Promise<void> {
  await mkdir(join(own, 'swanctl'), { recursive: true });
  await writeFile(join(own, 'strongswan.conf'), strongswanConf(own));
  await writeFile(join(own, 'swanctl', 'swanctl.conf'), swanctlConf(gateway, secret), { mode: 0o600 });
}

// kernel-libipsec comes before kernel-netlink: the first that offers ESP is taken.
function strongswanConf(own: string): string {
  return `charon-systemd {
  load = aesni random nonce openssl pem pkcs1 x509 pubkey constraints hmac kdf curve25519 kernel-libipsec kernel-netlink socket-default vici
  threads = 16
  install_virtual_ip = no
  journal { default = -1 }
  plugins {
    vici { socket = unix://${viciSocket(own)} }
  }
  filelog {
    log { path = ${join(own, 'charon.log')}
          default = 1
          flush_line = yes }
  }
}
`;
}

function swanctlConf(gateway: Gateway, secret: string): string {
  const near = SITES[gateway];
  const far = SITES[farGateway(gateway)];
  return `connections {
  peer {
    version = 2
    local_addrs = ${near.outerAddress}
    remote_addrs = ${far.outerAddress}
    proposals = aes256gcm16-prfsha256-x25519
    mobike = no
    encap = yes
    rekey_time = 4h
    local { auth = psk
            id = ${near.outerAddress} }
    remote { auth = psk
             id = ${far.outerAddress} }
    children {
      net {
        mode = tunnel
        local_ts = ${near.innerPrefix}
        remote_ts = ${far.innerPrefix}
        esp_proposals = aes256gcm16
        start_action = none
        rekey_time = 1h
      }
    }
  }
}
secrets {
  ike-peer {
    id-1 = ${near.outerAddress}
    id-2 = ${far.outerAddress}
    secret = "${secret}"
  }
}
`;
}
