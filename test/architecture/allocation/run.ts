// Sends packets through one whole packet path, out and back in, and prints what that did to the JavaScript heap.
// A worker thread, as in the gateway, with a small young generation: a single small object per packet would be
// seen many times over. Started by start.ts.

import { PerformanceObserver, performance, type PerformanceEntry } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { allocateBatchMemory } from '../../../src/dataplane/batch-memory.ts';
import type { Command } from '../../../src/dataplane/commands.ts';
import { Counter, readDrops, WorkerCounters } from '../../../src/dataplane/counters.ts';
import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';
import { createNativeEngine } from '../../../src/dataplane/native/native-engine.ts';
import { PacketPath } from '../../../src/dataplane/packet-path.ts';
import { allocateHandOverRings, HandOver } from '../../../src/dataplane/workers/hand-over.ts';
import { ESP_TRANSFORMS, keyMaterialBytes } from '../../../src/crypto/esp-transform.ts';
import { Sad } from '../../../src/sad/sad.ts';
import { compileSpd } from '../../../src/spd/compiled-spd.ts';
import { tcpPacket, udpPacket } from '../../support/packets.ts';
import { ANY, policy } from '../../support/policies.ts';
import type { ExampleFrame } from '../../../src/dataplane/rehearsal/mirror-devices.ts';
import { LoopbackDevices } from './loopback-devices.ts';

const PACKETS = 1_000_000;
const WARM_UP_PACKETS = 300_000;
/** Room for all that a full batch becomes; the loop brings more at once than sockets do. */
const RING_BYTES = 2 ** 23;

// One gateway that talks to itself: both SAs have one key, and the policy matches in both directions.
const ends = { source: '10.0.1.5', destination: '10.0.2.7' };
const ipv6Ends = { source: 'fd00:1::5', destination: 'fd00:2::7' };
const superPacket = (ip: typeof ends, gsoType: number): ExampleFrame => ({
  bytes: tcpPacket(ip, { data: new Uint8Array(46 * 1366 + 100) }),
  gsoType,
  segmentSize: 1366,
});
const small = (ip: typeof ends, port: number): ExampleFrame => ({
  bytes: udpPacket(ip, { sourcePort: port, data: new Uint8Array(22) }),
  gsoType: 0,
  segmentSize: 0,
});
const frames = [
  superPacket(ends, 1),
  superPacket(ipv6Ends, 4),
  ...Array.from({ length: 30 }, (_, i) => small(i % 2 === 0 ? ends : ipv6Ends, 1000 + i)),
];

// Of two workers one has the outbound SA and the other one the inbound SA: half of the frames, and every datagram, is
// handed over.
const workers = workerData as number;
const rings = workers === 1 ? undefined : allocateHandOverRings(workers, RING_BYTES);
const workerCounters = new WorkerCounters(workers);
const parts = workerCounters.each.map((counters, index) => {
  const memory = allocateBatchMemory();
  const devices = new LoopbackDevices(memory, frames);
  const share = { index, count: workers };
  const handOver = rings && new HandOver({ share, rings, memory, counters, wake: () => undefined });
  const path = new PacketPath({
    share,
    handOver,
    memory,
    devices,
    engine: createNativeEngine(loadAddon(), memory, { coalesceTcp: true, coalesceUdp: true }),
    counters,
    raisesHopLimit: true,
    innerMtu: 1438,
    flowSeed: 1,
    onEvent: () => {
      throw new Error('no event was expected');
    },
  });
  return { path, devices, counters, handOver };
});
function execute(command: Command): void {
  for (const { path } of parts) path.execute(command);
}

const transform = ESP_TRANSFORMS[0];
if (transform === undefined || globalThis.gc === undefined) throw new Error('run me with --expose-gc');
const sad = new Sad({
  now: () => 0,
  carrier: {
    apply: (commands) => {
      execute({ type: 'together', commands });
      return Promise.resolve();
    },
  },
});
const lifetime = {
  timeMs: { soft: 2 ** 50, hard: 2 ** 51 },
  bytes: { soft: 2 ** 50, hard: 2 ** 51 },
  packets: { soft: 2 ** 50, hard: 2 ** 51 },
};
const common = {
  ...{ policy: 'loop', peer: 'far', transform, esn: false, selectors: ANY, spi: 0x1000, lifetime },
  keyMaterial: new Uint8Array(keyMaterialBytes(transform)).fill(7),
};
const endpoint = { socket: 0, address: Uint8Array.of(127, 0, 0, 1), port: 4500 };
await sad.add({ ...common, direction: 'outbound', endpoint, block: { first: 1, end: 2 ** 32 } });
await sad.add({ ...common, direction: 'inbound', replayWindowPackets: 1024 });
execute({ type: 'use-policies', spd: compileSpd(2, [policy('loop')], 'check', workers) });

const first = parts[0]!;
// SPI 0x1000 is the first worker's, with one worker and with two.
function send(packets: number): void {
  const target = first.counters[Counter.inboundPackets]! + packets;
  while (first.counters[Counter.inboundPackets]! < target)
    for (const { path, handOver } of parts) {
      path.turn();
      // Before the other one goes on: its rings do not run over.
      while (handOver?.hasInput === true) path.turn();
    }
}

const collections: PerformanceEntry[] = [];
new PerformanceObserver((list) => collections.push(...list.getEntries())).observe({ entryTypes: ['gc'] });

send(WARM_UP_PACKETS);
await setImmediate();
globalThis.gc();
globalThis.gc();
const heapBefore = process.memoryUsage().heapUsed;
const start = performance.now();
send(PACKETS);
const end = performance.now();
globalThis.gc();
globalThis.gc();
const heapAfter = process.memoryUsage().heapUsed;
await setImmediate();
await setImmediate();

const during = collections.filter(({ startTime }) => startTime >= start && startTime < end).length;
process.stdout.write(
  `${JSON.stringify({
    packets: PACKETS,
    heapGrowthBytes: heapAfter - heapBefore,
    collections: during,
    observed: collections.length,
    framesWritten: first.devices.written,
    handedOver:
      workerCounters.sum[Counter.framesHandedOver]! + workerCounters.sum[Counter.datagramsHandedOver]!,
    drops: readDrops(workerCounters.sum),
  })}\n`,
);
