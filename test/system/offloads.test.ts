// Each offload of the TUN and of UDP switched off: the host behind the tunnel receives the same bytes in the same packets,
// with good checksums, whoever cuts them, the kernel or the gateway (virtio-net §5.1.6, UDP_SEGMENT, UDP_GRO).

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { gatewayPlaces, type Setting } from '../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { TwoSites } from './two-sites.ts';

const { hostA, hostB } = siteAddresses;
const TRAINS = ['/usr/bin/python3', join(import.meta.dirname, 'host-programs/trains.py')];
const FRAME_BYTES = 2048;
const TUN = { checksum: true, tso: true, uso: true };
const UDP = { gso: true, gro: true };

interface Arrived {
  readonly stream: readonly [number, string];
  readonly datagrams: readonly (readonly [number, string])[];
}
type Trains = Readonly<Record<'ipv4' | 'ipv6', Arrived>>;

let sites: TwoSites;
let first: Trains | undefined;

beforeAll(async () => {
  sites = await TwoSites.build();
  // The far host sees each packet as a wire would carry it, and nobody has its checksum on trust.
  const asOnAWire = ['tx', 'tso', 'gso', 'tx-udp-segmentation'].flatMap((name) => [name, 'off']);
  await sites.topology.runOrThrow('gwB', ['ethtool', '-K', 'inside', ...asOnAWire]);
  await sites.topology.runOrThrow('hostB', ['ethtool', '-K', 'eth0', 'gro', 'off', 'rx', 'off']);
});

afterAll(() => sites.close());

/** Sends from host A. @returns what was sent and what host B received */
async function exchange(): Promise<{ readonly sent: Trains; readonly received: Trains }> {
  const receiver = sites.topology.spawn('hostB', [...TRAINS, 'receive'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: receiver.stdout! })[Symbol.asyncIterator]();
  const closed = once(receiver, 'close');
  expect((await lines.next()).value).toBe('ready');
  const sent = await sites.topology.runOrThrow('hostA', [...TRAINS, 'send', hostB.ipv4, hostB.ipv6], {
    timeoutMs: 60_000,
  });
  const received = await lines.next();
  await closed;
  return { sent: JSON.parse(sent) as Trains, received: JSON.parse(received.value as string) as Trains };
}

/** @returns a line for each state of a checksum and each length of a full packet */
async function shapes(file: string): Promise<{ readonly bad: number; readonly lengths: readonly string[] }> {
  const fields = [
    'ip.checksum.status',
    'tcp.checksum.status',
    'udp.checksum.status',
    'tcp.len',
    'udp.length',
  ];
  const { stdout } = await promisify(execFile)(
    'tshark',
    [
      ...['-r', file, '-Y', 'tcp || udp', '-T', 'fields', ...fields.flatMap((field) => ['-e', field])],
      ...['ip', 'tcp', 'udp'].flatMap((layer) => ['-o', `${layer}.check_checksum:TRUE`]),
    ],
    { maxBuffer: 1 << 26 },
  );
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  // 1: good (wireshark.org/docs/dfref). IPv6 has no checksum of its own.
  const isGood = ([ip, tcp, udp]: readonly string[]): boolean => ip !== '0' && (tcp === '1' || udp === '1');
  const lengths = new Set(
    rows.map(([, , , tcp = '', udp = '']) => (udp === '' ? `tcp ${tcp}` : `udp ${udp}`)),
  );
  return { bad: rows.filter((row) => !isGood(row)).length, lengths: [...lengths] };
}

test.each([
  ['all on', TUN, UDP],
  ['tun.offloads.uso off', { ...TUN, uso: false }, UDP],
  ['tun.offloads.tso off', { ...TUN, tso: false }, UDP],
  ['tun.offloads.checksum off', { checksum: false, tso: false, uso: false }, UDP],
  ['udp.gso off', TUN, { ...UDP, gso: false }],
  ['udp.gro off', TUN, { ...UDP, gro: false }],
  ['all off', { checksum: false, tso: false, uso: false }, { gso: false, gro: false }],
])('%s: the same packets arrive', async (_name, tun, udp) => {
  const settings: readonly Setting[] = [
    [['tun', 'offloads'], tun],
    [['udp', 'gso'], udp.gso],
    [['udp', 'gro'], udp.gro],
  ];
  for (const place of gatewayPlaces) await sites.configure(place, settings);
  await sites.startBoth();
  onTestFinished(async () => {
    for (const place of gatewayPlaces) await sites.stop(place);
  });
  for (const place of gatewayPlaces) {
    expect(await sites.logLine(place, 'TUN open')).toMatchObject(tun);
    expect(await sites.logLine(place, 'UDP socket open')).toMatchObject(udp);
  }
  const from = `(tcp or udp) and (src host ${hostA.ipv4} or src host ${hostA.ipv6})`;
  const finish = await sites.captureLoad('hostB', 'eth0', from, FRAME_BYTES);
  const { sent, received } = await exchange();
  expect(received).toEqual(sent);
  expect(received).toEqual((first ??= received));
  const { bad, lengths } = await shapes(await finish());
  expect(bad).toBe(0);
  // Full segments: the MTU of the tunnel less IP, TCP and its timestamps; the datagrams, with their header of 8 bytes.
  expect(lengths).toEqual(expect.arrayContaining(['tcp 1386', 'tcp 1366', 'udp 1208', 'udp 708']));
  expect(Math.max(...lengths.map((line) => Number(line.split(' ')[1])))).toBe(1386);
});
