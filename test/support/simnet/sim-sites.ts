// The configurations of the two simulated sites, as files that the gateway reads. Their policies are not the same on purpose: what
// one protects, the other may forbid.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GatewayConfig } from '../../../src/management/config/gateway-config.ts';
import { loadConfig } from '../../../src/management/config/load-config.ts';
import type { Random } from '../random.ts';
import { other, type SiteName } from '../ike-network.ts';

/** What differs between runs. Lifetimes in seconds. */
export interface SiteOptions {
  readonly engine: 'native' | 'portable';
  readonly hasNat: boolean;
  /** Site b does not know where site a is. */
  readonly isOpen: boolean;
  readonly esn: boolean;
  readonly hasForwardSecrecy: boolean;
  readonly start: 'immediately' | 'on-traffic';
  readonly onClose: 'restart' | 'trap';
  readonly unique: 'replace' | 'never';
  readonly replayWindow: number;
  /** Of the IKE SA. */
  readonly ikeLifetime: { readonly soft: number; readonly jitter: number };
  readonly childLifetime: { readonly soft: number; readonly packets: number; readonly bytes: number };
  readonly livenessSeconds: number;
}

export const PUBLIC: Readonly<Record<SiteName, string>> = { a: '203.0.113.1', b: '198.51.100.1' };
const BEHIND_NAT = '192.168.7.2';
export const DIGIT: Readonly<Record<SiteName, number>> = { a: 1, b: 2 };
/** The time after which an SA ends that was not replaced. */
const GRACE_SECONDS = 20;

export function ownAddress(site: SiteName, { hasNat }: SiteOptions): string {
  return site === 'a' && hasNat ? BEHIND_NAT : PUBLIC[site];
}

export function randomOptions(random: Random): SiteOptions {
  const hasNat = random.oneIn(3);
  const isOpen = hasNat && random.oneIn(2);
  return {
    engine: random.oneIn(4) ? 'portable' : 'native',
    hasNat,
    isOpen,
    esn: random.oneIn(3),
    hasForwardSecrecy: random.oneIn(2),
    start: random.pick(['immediately', 'on-traffic'] as const),
    onClose: random.pick(['restart', 'trap'] as const),
    unique: 'replace',
    replayWindow: random.pick([64, 256, 1024]),
    ikeLifetime: { soft: random.between(12, 60), jitter: random.between(0, 4) },
    childLifetime: {
      soft: random.between(4, 30),
      packets: random.between(60, 600),
      bytes: random.between(40_000, 400_000),
    },
    livenessSeconds: random.between(2, 5),
  };
}

function configText(site: SiteName, options: SiteOptions, directory: string): string {
  const far = other(site);
  const [here, there] = [DIGIT[site], DIGIT[far]];
  const { engine, ikeLifetime, childLifetime, livenessSeconds, replayWindow } = options;
  const farAddress = site === 'b' && options.isOpen ? 'any' : PUBLIC[far];
  const byHandAddress = site === 'b' && options.hasNat ? 'any' : PUBLIC[far];
  const proposal = `aes128gcm16${options.hasForwardSecrecy ? '-x25519' : ''}${options.esn ? '-esn' : ''}`;
  const { soft, packets, bytes } = childLifetime;
  const lifetime = `{ time: { soft: ${soft}s, hard: ${soft + GRACE_SECONDS}s }, packets: { soft: ${packets}, hard: ${4 * packets} }, bytes: { soft: ${bytes}, hard: ${4 * bytes} } }`;
  const onClose = farAddress === 'any' ? 'trap' : options.onClose;
  const byIke = `peer: far, proposals: [${proposal}], lifetime: ${lifetime}, on_close: ${onClose}, replay_window: ${replayWindow}`;
  const keys = (name: string): string => `{ file: ${join(directory, name)}.key }`;
  return `gateway: { name: ${site}, engine: ${engine}, state_directory: ${join(directory, `state-${site}`)} }
guard: none
udp: { listen: ${ownAddress(site, options)} }
tun: { name: isthmus0 }
peers:
  - name: far
    address: ${farAddress}
    ike:
      local: { identity: gw-${site}.example.org, psk: { file: ${join(directory, 'psk')} } }
      remote: { identity: gw-${far}.example.org }
      proposals: [aes128gcm16-prfsha256-x25519]
      lifetime: { soft: ${ikeLifetime.soft}s, hard: ${ikeLifetime.soft + GRACE_SECONDS}s, jitter: ${ikeLifetime.jitter}s }
      liveness: ${livenessSeconds}s
      unique: ${options.unique}
      retransmit: { first: 500ms, factor: 1.5, tries: 4 }
  - name: by-hand
    address: ${byHandAddress}
policies:
  - name: forbidden-host
    priority: 10
    selectors: { local_address: 10.0.${here}.66 }
    action: DISCARD
  - name: forbidden-service
    priority: 10
    selectors: { local_address: 10.0.${here}.0/24, protocol: udp, local_port: 9 }
    action: DISCARD
  - name: past
    priority: 20
    selectors: { local_address: 10.0.${here}.0/24, remote_address: 192.0.2.0/24 }
    action: BYPASS
  - name: net
    priority: 30
    selectors: { local_address: 10.0.${here}.0/24, remote_address: 10.0.${there}.0/24 }
    action: PROTECT
    sa: { ${byIke}, start: ${farAddress === 'any' ? 'on-traffic' : options.start} }
  - name: flows
    priority: 30
    selectors: { local_address: 10.1.${here}.0/24, remote_address: 10.1.${there}.0/24 }
    action: PROTECT
    sa: { ${byIke}, populate_from_packet: [local_address, remote_address] }
  - name: hand
    priority: 30
    selectors: { local_address: 10.2.${here}.0/24, remote_address: 10.2.${there}.0/24 }
    action: PROTECT
    sa:
      peer: by-hand
      proposal: aes256gcm16
      replay_window: ${replayWindow}
      manual:
        outbound: { spi: ${0x1000 + here}, key: ${keys(`${site}-to-${far}`)} }
        inbound: { spi: ${0x1000 + there}, key: ${keys(`${far}-to-${site}`)} }
`;
}

/** Writes both sites' files and keys into a directory. */
export async function writeSites(
  directory: string,
  options: SiteOptions,
  random: Random,
): Promise<Readonly<Record<SiteName, GatewayConfig>>> {
  const write = (name: string, text: string): Promise<void> =>
    writeFile(join(directory, name), text, { mode: 0o600 });
  await Promise.all([
    write('psk', random.bytes(32).toString('hex')),
    write('a-to-b.key', `${random.bytes(36).toString('hex')}\n`),
    write('b-to-a.key', `${random.bytes(36).toString('hex')}\n`),
    ...(['a', 'b'] as const).flatMap((site) => [
      write(`${site}.yaml`, configText(site, options, directory)),
      mkdir(join(directory, `state-${site}`), { recursive: true }),
    ]),
  ]);
  return { a: loadConfig(join(directory, 'a.yaml'), {}), b: loadConfig(join(directory, 'b.yaml'), {}) };
}
