// Policies change under full load, and each generation has a DSCP of its own (RFC 4301 §4.4.1): the wan sees no packet
// in clear, every packet dressed by one generation or the next and never by an earlier one again, and nothing is dropped
// that both allow. Real gateways, real TUN, SIGHUP; the same in memory is test/simnet/policy-edit-under-load.test.ts.

import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import type { Setting } from '../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../scripts/topology/plan.ts';
import { isLinkTalk, readEspInUdp, readFrames, type EspInUdp } from './captured-frames.ts';
import { TwoSites } from './two-sites.ts';

const { gwA, gwB, hostB } = siteAddresses;
/** The policy of the destination comes and goes. */
const SOMETIMES = '10.0.2.200';
const SENDER = join(import.meta.dirname, 'host-programs/send-numbers.ts');
/** A place in a sandbox has another working directory. */
const TSX = createRequire(import.meta.url).resolve('tsx');
const PORT = 9000;
/** Datagrams to the two destinations can be told apart by their length, on the wan too. */
const [ALWAYS_BYTES, SOMETIMES_BYTES] = [100, 300];
/** Rising, so that a packet of an earlier generation is seen. */
const GENERATIONS = [8, 12, 16, 20, 24, 28, 32] as const;
const DATAGRAMS_PER_GENERATION = 2000;

let sites: TwoSites;

afterEach(async () => {
  await sites.close();
});

/** The settings of the generation in this place: its DSCP, and in every second one two DISCARD policies. */
function generation(place: number): readonly Setting[] {
  const sometimes = {
    name: 'sometimes',
    priority: 1,
    action: 'DISCARD',
    selectors: { remote_address: `${SOMETIMES}/32` },
  };
  // Names a destination whose datagrams it does not mean: their route changes, and they must not notice.
  const beside = {
    name: 'beside',
    priority: 2,
    action: 'DISCARD',
    selectors: { remote_address: `${hostB.ipv4}/32`, protocol: 'tcp', remote_port: 9 },
  };
  return [
    [['policies', 0, 'sa', 'dscp'], GENERATIONS[place]],
    [['policies', 2], undefined],
    [['policies', 1], undefined],
    ...(discards(place)
      ? ([
          [['policies', 1], sometimes],
          [['policies', 2], beside],
        ] as const)
      : []),
  ];
}

function discards(place: number): boolean {
  return place % 2 === 1;
}

test('numbered datagrams: none in clear, none lost, each generation once and in order', async () => {
  sites = await TwoSites.build();
  const { topology } = sites;
  // One datagram is one packet everywhere, so that each can be counted.
  const single: readonly Setting[] = [
    [['udp', 'gso'], false],
    [['tun', 'offloads', 'uso'], false],
  ];
  await sites.configure('gwA', [...single, ...generation(0)]);
  await sites.configure('gwB', single);
  await sites.startBoth();
  // Room for what comes while the machine does something else.
  for (const place of ['gwA', 'gwB'] as const)
    await topology.runOrThrow(place, ['ip', 'link', 'set', 'isthmus0', 'txqueuelen', '20000']);
  await topology.runOrThrow('hostB', ['ip', 'address', 'add', `${SOMETIMES}/32`, 'dev', 'lo']);
  // Taken in without an answer.
  await topology.runOrThrow('hostB', [
    'nft',
    `table inet seen { counter always { }
      chain input { type filter hook input priority 0;
        ip daddr ${hostB.ipv4} udp dport ${PORT} counter name always
        udp dport ${PORT} drop; }; }`,
  ]);
  // Both ways are known before anybody counts.
  expect(await sites.ping('hostA', hostB.ipv4, 2)).toBe(2);
  expect(await sites.ping('hostA', SOMETIMES, 2)).toBe(2);
  const finishNear = await sites.captureLoad('wan', 'toA');
  const finishFar = await sites.captureLoad('wan', 'toB');
  const finishHost = await sites.captureLoad('hostB', 'eth0', `udp port ${PORT}`);

  const load = startNumbers(sites);
  for (const place of GENERATIONS.keys()) {
    if (place > 0) {
      await sites.configure('gwA', generation(place));
      await sites.reload('gwA');
    }
    await load.more(DATAGRAMS_PER_GENERATION);
  }
  const sent = await load.stop();
  // The last one is of those that always arrive, and nothing overtakes it.
  await expect.poll(() => countAlways(sites), { timeout: 20_000 }).toBe(sent / 2);
  const [near, far, host] = [await finishNear(), await finishFar(), await finishHost()];
  const drops = ofPackets(await sites.stop('gwA'));
  const farDrops = ofPackets(await sites.stop('gwB'));

  expect([...(await strangersOf(near)), ...(await strangersOf(far))]).toEqual([]);
  const packets = await espFromA(near);
  expectGenerationsInOrder(packets);
  // No number is missing on the wire: what was sealed was sent, and the SA went on.
  const first = packets[0]?.sequence ?? 0;
  expect(packets.findIndex(({ sequence }, place) => sequence !== first + place)).toBe(-1);
  expect(packets.length).toBe((await espFromA(far)).length);
  for (const [place, dscp] of GENERATIONS.entries()) {
    const ofGeneration = packets.filter((packet) => packet.dscp === dscp);
    expect(ofGeneration.length).toBeGreaterThan(DATAGRAMS_PER_GENERATION / 4);
    const sometimes = ofGeneration.filter(({ bytes }) => bytes > SOMETIMES_BYTES).length;
    if (discards(place)) expect(sometimes).toBe(0);
    else expect(sometimes).toBeGreaterThan(DATAGRAMS_PER_GENERATION / 8);
  }
  // What every generation allows has arrived, once and in order; what some discard was discarded by them alone.
  const numbers = await numbersAt(host);
  expect(numbers.always).toEqual(Array.from({ length: sent / 2 }, (_, i) => 2 * i + 1));
  expect(drops).toEqual({ 'outbound-discard': sent / 2 - numbers.sometimes.length });
  expect(drops['outbound-discard']).toBeGreaterThan(DATAGRAMS_PER_GENERATION);
  expect(farDrops).toEqual({});
  expect(packets.length).toBe(numbers.always.length + numbers.sometimes.length);
});

test('TCP as fast as the machine can: none in clear, generations in order, no policy drops anything', async () => {
  sites = await TwoSites.build();
  const { topology } = sites;
  await sites.configure('gwA', generation(0));
  await sites.startBoth();
  const server = topology.spawn('hostB', ['iperf3', '-s', '-1', '--forceflush'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { stdout } = server;
  if (stdout === null) throw new Error('iperf3 has no standard output');
  await once(stdout, 'data');
  // Only heads, and of super-packets one head for many packets.
  const finish = await sites.captureLoad('wan', 'toA');
  const client = topology.spawn('hostA', ['iperf3', '-c', hostB.ipv4, '-t', '60'], { stdio: 'ignore' });
  const sentPackets = async (): Promise<number> =>
    Number(await topology.runOrThrow('gwA', ['cat', '/sys/class/net/outside/statistics/tx_packets']));
  for (const place of GENERATIONS.keys()) {
    if (place > 0) {
      await sites.configure('gwA', generation(place));
      await sites.reload('gwA');
    }
    const before = await sentPackets();
    await expect.poll(sentPackets, { timeout: 20_000 }).toBeGreaterThan(before + DATAGRAMS_PER_GENERATION);
  }
  client.kill('SIGINT');
  await once(client, 'close');
  server.kill();
  const file = await finish();
  expect(await strangersOf(file)).toEqual([]);
  expectGenerationsInOrder(await espFromA(file));
  const drops = ofPackets(await sites.stop('gwA'));
  expect(
    Object.keys(drops).filter((reason) => /policy|discard|no-sa|selectors|address/.test(reason)),
  ).toEqual([]);
});

interface Load {
  /** Resolves when so many more were sent. */
  more(datagrams: number): Promise<void>;
  /** @returns how many were sent in all */
  stop(): Promise<number>;
}

/** Even numbers to where some generations discard, odd ones to where none does. */
function startNumbers({ topology }: TwoSites): Load {
  const ends = [SOMETIMES, String(SOMETIMES_BYTES), hostB.ipv4, String(ALWAYS_BYTES), String(PORT)];
  const child = topology.spawn('hostA', [process.execPath, '--import', TSX, SENDER, ...ends], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the sender has no pipes');
  let sent = 0;
  const failed = once(child, 'close').then(() => {
    throw new Error('the sender has ended');
  });
  failed.catch(() => undefined);
  const lines = createInterface(stdout).on('line', (line) => {
    sent = line === 'end' ? sent : Number(line);
  });
  return {
    more: async (datagrams) => {
      const enough = sent + datagrams;
      while (sent < enough) await Promise.race([once(lines, 'line'), failed]);
    },
    stop: async () => {
      stdin.end();
      await once(child, 'close');
      return sent;
    },
  };
}

async function countAlways({ topology }: TwoSites): Promise<number> {
  const listing = await topology.runOrThrow('hostB', ['nft', 'list', 'counters', 'table', 'inet', 'seen']);
  return Number(/packets (\d+)/.exec(listing)?.[1]);
}

/** Drops of the load; what the links say to themselves, on the TUN too, is multicast. */
function ofPackets(drops: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(drops).filter(([reason]) => !/^guard-|^outbound-multicast$/.test(reason)),
  );
}

/** What is neither ESP in UDP between the gateways nor the talk of a link, in hexadecimal. */
async function strangersOf(file: string): Promise<string[]> {
  const ends: readonly string[] = [gwA.outside.ipv4, gwB.outside.ipv4];
  return (await readFrames(file))
    .filter((frame) => {
      const esp = readEspInUdp(frame);
      return !(esp !== undefined && ends.includes(esp.source) && ends.includes(esp.destination));
    })
    .filter((frame) => !isLinkTalk(frame))
    .map(({ packet }) => packet.toString('hex'));
}

async function espFromA(file: string): Promise<EspInUdp[]> {
  return (await readFrames(file))
    .map(readEspInUdp)
    .filter((esp) => esp !== undefined)
    .filter(({ source }) => source === gwA.outside.ipv4);
}

/** Every generation is there, and none comes back after the next one. */
function expectGenerationsInOrder(packets: readonly EspInUdp[]): void {
  const changes = packets.map(({ dscp }) => dscp).filter((dscp, place, all) => dscp !== all[place - 1]);
  expect(changes).toEqual(GENERATIONS);
}

/** The numbers that arrived, by their destination. */
async function numbersAt(file: string): Promise<{ always: number[]; sometimes: number[] }> {
  const numbers = { always: [] as number[], sometimes: [] as number[] };
  for (const { packet } of await readFrames(file)) {
    const isSometimes = packet.subarray(16, 20).join('.') === SOMETIMES;
    numbers[isSometimes ? 'sometimes' : 'always'].push(packet.readUInt32BE(28));
  }
  return numbers;
}
