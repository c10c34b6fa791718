// Gateways with two workers: the two directions of a tunnel are two threads' work, each SA is one's, and nobody notices but
// the processors. Their peer has one worker and a window of 64.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import {
  exampleKeys,
  ikeExampleKeys,
  ikeTwoSites,
  program,
  twoSites,
  type Setting,
} from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { STORIES } from '../../src/ike/stories.ts';
import { readEspInUdp, readFrames } from './captured-frames.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { hostA, hostB } = siteAddresses;
const TUNNEL = 'site-a-to-site-b';
const HOOK = join(import.meta.dirname, 'host-programs/failing-worker.mjs');
const FAILED = 'the worker of the data plane has failed: another one takes its place, with its SAs';
/** What a packet that left twice, late, or by the wrong worker would be counted as. */
const NEVER = [
  'inbound-replay',
  'inbound-too-old',
  'inbound-icv-mismatch',
  'outbound-sequence-guard',
  'outbound-sequence-exhausted',
  'inbound-hand-over-full',
];
const PINGS = 20;

let sites: TwoSites | undefined;

afterEach(async () => {
  await sites?.close();
  sites = undefined;
});

const IKE = { sites: ikeTwoSites, keys: ikeExampleKeys };
const MANUAL = { sites: twoSites, keys: exampleKeys };

async function build(keying: typeof IKE | typeof MANUAL = IKE): Promise<TwoSites> {
  sites = await TwoSites.build('native', planTopology('router'), keying);
  await sites.configure('gwA', [[['gateway', 'workers'], 2]]);
  await sites.configure('gwB', [[['policies', 0, 'sa', 'replay_window'], 64]]);
  return sites;
}

/** Several TCP flows in both directions at once. @returns bytes that arrived at host B, and at host A */
async function load(two: TwoSites, seconds: number): Promise<readonly [number, number]> {
  const server = two.topology.spawn('hostB', ['iperf3', '-s', '-1', '--forceflush'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(server.stdout!, 'data');
  const command = ['iperf3', '-c', hostB.ipv4, '-P', '4', '--bidir', '-t', String(seconds), '-J'];
  const report = JSON.parse(await two.topology.runOrThrow('hostA', command, { timeoutMs: 60_000 })) as {
    readonly end: Readonly<Record<'sum_received' | 'sum_received_bidir_reverse', { readonly bytes: number }>>;
  };
  return [report.end.sum_received.bytes, report.end.sum_received_bidir_reverse.bytes];
}

function rekey(two: TwoSites): void {
  const ISTHMUS_SOCKET = join(two.files.runtimeDirectory('gwA'), 'isthmus.vici');
  const { status, stderr } = spawnSync(process.execPath, [program, 'rekey', TUNNEL], {
    ...{ env: { ...process.env, ISTHMUS_SOCKET }, encoding: 'utf8' },
  });
  expect(status, stderr).toBe(0);
}

function expectNoneOf(drops: Readonly<Record<string, number>>): void {
  for (const name of NEVER) expect(drops).not.toHaveProperty(name);
}

test('RFC 4301 §4.4.2.1: SAs of both workers end at their limits, and those that a reload adds take their places', async () => {
  const two = await build(MANUAL);
  const limit = (hard: number): Setting => [
    ['policies', 0, 'sa', 'lifetime'],
    { packets: { soft: hard - 5, hard } },
  ];
  await two.configure('gwA', [limit(20)]);
  await two.startBoth();
  expect(await two.ping('hostA', hostB.ipv4, 20)).toBe(20);
  expect(await two.ping('hostA', hostB.ipv4, 1, BRIEFLY)).toBe(0);
  await two.logged('gwA', 'the SA has reached a hard limit of its lifetime and has ended');
  expect(await two.ping('hostB', hostA.ipv4, 1, BRIEFLY)).toBe(0);
  await two.logged('gwA', 'the SA has reached a hard limit of its lifetime and has ended', 2);
  for (const key of exampleKeys) await two.renewKey(key, 'aes256gcm16');
  await two.configure('gwA', [limit(1000)]);
  await two.reload('gwA');
  await two.reload('gwB');
  expect(await two.ping('hostA', hostB.ipv4, 5)).toBe(5);
  expect(await two.ping('hostB', hostA.ipv4, 5)).toBe(5);
  const drops = await two.stop('gwA');
  expectNoneOf(drops);
  expect(drops).toHaveProperty('outbound-lifetime');
  expect(drops).toHaveProperty('inbound-lifetime');
});

test('the first packet makes a tunnel, and none is lost; each worker has a queue and a socket', async () => {
  const two = await build();
  await two.startBoth();
  expect(await two.ping('hostA', hostB.ipv4, 10)).toBe(10);
  expect(await two.ping('hostB', hostA.ipv6, 10)).toBe(10);
  expect(await two.logLine('gwA', 'TUN open')).toMatchObject({ queues: 2 });
  const sockets = await two.topology.runOrThrow('gwA', ['ss', '-Hlun', 'sport = :4500 or sport = :500']);
  const ports = sockets.trim().split('\n');
  expect(ports.filter((line) => line.includes(':4500'))).toHaveLength(2);
  expect(ports.filter((line) => line.includes(':500 '))).toHaveLength(1);
  const counted = two.logLine('gwA', 'counters');
  expectNoneOf(await two.stop('gwA'));
  expect(await counted).toMatchObject({ outboundPackets: 20, inboundPackets: 20 });
});

test('flows in both directions, and new keys under load: the peer refuses nothing', async () => {
  const two = await build();
  await two.startBoth();
  expect(await two.ping('hostA', hostB.ipv4, 1)).toBe(1);
  const rekeys = 6;
  const loading = load(two, 6);
  // New SPIs, and so other workers, half of the time.
  for (let i = 0; i < rekeys; i++) {
    rekey(two);
    expect(await two.ping('hostA', hostB.ipv4, 5)).toBe(5);
  }
  const [toB, toA] = await loading;
  expect(toB).toBeGreaterThan(1e7);
  expect(toA).toBeGreaterThan(1e7);
  expect(two.said('gwA', STORIES['child-rekeyed'].sentence).length).toBe(rekeys);
  expectNoneOf(await two.stop('gwA'));
  expectNoneOf(await two.stop('gwB'));
});

test.each([0, 1])('worker %i fails: the other one goes on, and so do its SAs', async (worker) => {
  const two = await build();
  const order = join(two.directory, 'fail');
  await two.start('gwA', { NODE_OPTIONS: `--import=${pathToFileURL(HOOK).href}`, FAIL_WORKER: order });
  await two.start('gwB');
  expect(await two.ping('hostA', hostB.ipv4, 3)).toBe(3);
  const end = await two.capture();
  const pings = [two.ping('hostA', hostB.ipv4, PINGS), two.ping('hostB', hostA.ipv6, PINGS)];
  await writeFile(`${order}.new`, String(worker));
  await rename(`${order}.new`, order);
  expect(await two.logLine('gwA', FAILED)).toMatchObject({ worker, pauseMs: 0 });
  expect(await Promise.all(pings)).toEqual([PINGS, PINGS]);
  // A command of both workers.
  await two.reload('gwA');
  rekey(two);
  expect(await two.ping('hostB', hostA.ipv4, 5)).toBe(5);
  const seen = (await readFrames(await end(4 * PINGS + 10))).flatMap((frame) => readEspInUdp(frame) ?? []);
  // IKE has the SPI 0.
  const numbers = seen.filter(({ spi }) => spi !== 0).map(({ spi, sequence }) => `${spi} ${sequence}`);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(two.said('gwA', STORIES['init-done'].sentence)).toHaveLength(1);
  expectNoneOf(await two.stop('gwA'));
  expectNoneOf(await two.stop('gwB'));
});
