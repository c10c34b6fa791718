// A gateway under floods, for a second or two of each: every packet is counted, memory and descriptors stay bounded, the
// tunnel lives, gets new keys, and its peer can come back. What throughput it keeps `npm run bench -- floods` measures.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountFor, readCounters, type Account } from '../../scripts/bench/floods/accounts.ts';
import { startFloodSite, type FloodSite } from '../../scripts/bench/floods/flood-site.ts';
import { readProcess } from '../../scripts/bench/floods/gateway-figures.ts';
import { compileGenerator } from '../../scripts/bench/floods/generator.ts';
import { PACKET_FLOODS, type PacketFlood } from '../../scripts/bench/floods/kinds.ts';
import { MostOfProcess, whileFlooded } from '../../scripts/bench/floods/measure-flood.ts';
import { openStorm } from '../../scripts/bench/floods/measure-floods.ts';
import type { FloodName } from '../../scripts/bench/floods/options.ts';
import { MOST_GROWTH_BYTES, MOST_MORE_DESCRIPTORS } from '../../scripts/bench/floods/report.ts';
import { WorksProbe } from '../../scripts/bench/floods/still-works.ts';
import { CLIENT_STORMS, openClientStorm } from '../../scripts/bench/floods/storm.ts';
import { openSandbox, type OpenSandbox } from '../../scripts/topology/open-sandbox.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { Topology } from '../../scripts/topology/topology.ts';
import { PacketType } from '../../src/management/vici/packet.ts';
import { ViciCaller } from '../support/vici-caller.ts';

const RATE = { rate: 20_000, clients: 200 };
const FLOOD_MS = 1200;
/** More than the gateway takes at once, by far: each stays for half a second. */
const CLIENTS_PER_SECOND = 500;
/** Of a flood, what the table of drop reasons says that it is, when IKE was not asked. */
const REASONS: Readonly<Record<PacketFlood, readonly string[]>> = {
  'first-messages': ['inbound-ike-backlog'],
  'half-open': ['inbound-ike-backlog'],
  'ip-fragments': ['kernel Ip.ReasmReqds'],
  'ike-fragments': ['inbound-ike-unknown-spi'],
  'unknown-spi': ['inbound-unknown-spi'],
  replay: ['inbound-replay', 'inbound-too-old'],
  garbage: ['inbound-ike-malformed', 'inbound-unknown-spi', 'inbound-truncated'],
};
/** And these beside it: what IKE has looked at, what a full buffer lost, and now and then a message of the peer. */
const BESIDES = ['ike', 'kernel Udp.InErrors', 'guard-no-policy', 'inbound-ike-backlog'];

let sandbox: OpenSandbox;
let directory: string;
let topology: Topology;
let site: FloodSite;
let program: string;

beforeAll(async () => {
  sandbox = await openSandbox();
  directory = await mkdtemp(join(tmpdir(), 'isthmus-floods-'));
  program = await compileGenerator(directory);
  topology = new Topology({ plan: planTopology('router'), prefix: '', enter: sandbox.enter });
  await topology.build();
  site = await startFloodSite(topology, directory);
});

afterAll(async () => {
  await site.stop();
  await sandbox.close();
  await rm(directory, { recursive: true });
});

async function expectTunnel(): Promise<void> {
  await topology.runOrThrow('hostA', ['ping', '-n', '-c', '3', '-i', '0.05', siteAddresses.hostB.ipv4]);
}

async function flood(kind: FloodName): Promise<{ readonly sent: number; readonly account: Account }> {
  const { pid } = site.target.identity;
  const storm = await openStorm(site, kind, program, directory, RATE);
  try {
    const before = readProcess(pid);
    const counters = await readCounters(site);
    const { packets } = await storm.send(FLOOD_MS, true);
    const during = readProcess(pid);
    expect(during.residentBytes - before.residentBytes).toBeLessThan(MOST_GROWTH_BYTES);
    expect(during.descriptors - before.descriptors).toBeLessThan(MOST_MORE_DESCRIPTORS);
    expect(during.threads).toBe(before.threads);
    await expectTunnel();
    return { sent: packets, account: accountFor(counters, await readCounters(site)) };
  } finally {
    await storm.close();
  }
}

describe.each(PACKET_FLOODS)('%s', (kind) => {
  test('each packet is counted with its reason, and the tunnel lives', async () => {
    const { sent, account } = await flood(kind);
    expect(sent).toBeGreaterThan(1000);
    expect(account.sum).toBeGreaterThan(0.999 * sent);
    const expected = REASONS[kind];
    const found = expected.filter((reason) => (account.packets[reason] ?? 0) > 0);
    expect(found).not.toEqual([]);
    const others = Object.keys(account.packets).filter(
      (reason) => ![...expected, ...BESIDES].includes(reason),
    );
    expect(others).toEqual([]);
  });
});

test.each(CLIENT_STORMS)('%s: the tunnel lives, and every descriptor is closed again', async (kind) => {
  const before = readProcess(site.target.identity.pid).descriptors;
  const { sent } = await flood(kind);
  expect(sent).toBeGreaterThan(100);
  await expect
    .poll(() => readProcess(site.target.identity.pid).descriptors, { timeout: 10_000 })
    .toBe(before);
});

test('under vici clients an operator connects, and is answered each time', async () => {
  const storm = await openClientStorm(site, 'vici-clients', directory, CLIENTS_PER_SECOND);
  try {
    const over = new AbortController();
    const flooding = storm.send(FLOOD_MS, true).finally(() => {
      over.abort();
    });
    let answers = 0;
    do {
      const operator = await ViciCaller.connect(site.viciSocket);
      expect((await operator.call('version')).type).toBe(PacketType.CMD_RESPONSE);
      operator.socket.destroy();
      answers++;
    } while (!over.signal.aborted);
    const { packets } = await flooding;
    expect(packets).toBeGreaterThan(FLOOD_MS / 4);
    expect(answers).toBeGreaterThan(10);
  } finally {
    await storm.close();
  }
});

test('under first messages from forged addresses the tunnel gets new keys, and its peer comes back', async () => {
  const probe = await WorksProbe.open(site);
  const storm = await openStorm(site, 'first-messages', program, directory, RATE);
  try {
    const counters = await readCounters(site);
    const most = new MostOfProcess(site.target.identity.pid);
    const works = await whileFlooded(storm, most, () => probe.seeTunnel());
    for (const ms of Object.values(works)) expect(ms).toBeGreaterThan(0);
    const { ofIke } = accountFor(counters, await readCounters(site));
    expect(ofIke['cookie']).toBeGreaterThan(0);
    expect(ofIke['ike-flooded'] ?? 0).toBe(0);
    await expectTunnel();
  } finally {
    await storm.close();
    probe.close();
  }
});
