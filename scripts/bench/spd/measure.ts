// One point of one curve: writes a batch, then takes the time of it, many times over.

import { performance } from 'node:perf_hooks';
import { InvariantError } from '../../../src/base/errors.ts';
import { DatagramIn, Frame } from '../../../src/dataplane/batch-memory.ts';
import { Counter, readDrops } from '../../../src/dataplane/counters.ts';
import { readInt32 } from '../../../src/wire/bytes.ts';
import { median } from '../statistics.ts';
import type { Curve, Direction, Scope } from './results.ts';
import type { SpdSite } from './site.ts';
import { BATCH_PACKETS, ESP_BYTES_BEFORE, INNER_BYTES, type Traffic } from './traffic.ts';

const NS_PER_MS = 1e6;
const LEAST_WARM_UP_BATCHES = 5;
/** As many SAs as the caches of a machine can hold. */
const MOST_WARM_UP_BATCHES = 80;

export interface Measured {
  readonly site: SpdSite;
  readonly traffic: Traffic;
  readonly direction: Direction;
  readonly curve: Curve;
  readonly scope: Scope;
}

/**
 * Lets the caches of the machine have what they can hold of the SAs, then takes the time of some batches.
 * @param times milliseconds of each batch are appended
 */
export function measureBatches(measured: Measured, batches: number, times: number[]): void {
  const { site, traffic, direction, curve, scope } = measured;
  traffic.writeTables();
  const others = curve === 'repeated' ? 0 : Math.min(traffic.batchesOfAllSas, MOST_WARM_UP_BATCHES);
  const warmUpBatches = LEAST_WARM_UP_BATCHES + others;
  let accepted = 0;
  const before = acceptedByPath(site);
  for (let batch = -warmUpBatches; batch < batches; batch++) {
    traffic.writeBatch(curve);
    const start = performance.now();
    if (scope === 'path') processBatch(site, direction);
    else accepted += direction === 'outbound' ? decideOutbound(site) : decideInbound(site);
    const end = performance.now();
    if (batch >= 0) times.push(end - start);
  }
  accepted += acceptedByPath(site) - before;
  // A figure of packets that were dropped would be one of something else.
  const sent = (warmUpBatches + batches) * BATCH_PACKETS;
  if (accepted === sent) return;
  const drops = JSON.stringify(readDrops(site.counters));
  throw new InvariantError(`${accepted} of ${sent} packets were accepted: ${direction} ${curve} ${drops}`);
}

/** @param times milliseconds of batches @returns of a packet; the median, so that a batch that was interrupted does not count */
export function nanosecondsPerPacket(times: readonly number[]): number {
  return (median(times) * NS_PER_MS) / BATCH_PACKETS;
}

function processBatch(site: SpdSite, direction: Direction): void {
  if (direction === 'outbound') site.outbound.process();
  else site.inbound.process();
}

function acceptedByPath({ counters }: SpdSite): number {
  return counters[Counter.outboundPackets]! + counters[Counter.inboundPackets]!;
}

/** From the bytes of a packet to the policy and the SA. @returns how many packets found one */
function decideOutbound({ memory, spdOutbound }: SpdSite): number {
  const { arena, frames } = memory;
  let accepted = 0;
  for (let row = 0; row < BATCH_PACKETS * Frame.stride; row += Frame.stride) {
    const verdict = spdOutbound.judge(arena, frames[row + Frame.offset]!, frames[row + Frame.length]!);
    if (verdict >= 0) accepted++;
  }
  return accepted;
}

/** From the SPI to the SA, and from the inner packet to the verdict. @returns how many packets may pass */
function decideInbound({ memory, spdInbound, associations }: SpdSite): number {
  const { arena, datagramsIn } = memory;
  let accepted = 0;
  spdInbound.startBatch();
  for (let row = 0; row < BATCH_PACKETS * DatagramIn.stride; row += DatagramIn.stride) {
    const offset = datagramsIn[row + DatagramIn.offset]!;
    const sa = associations.inboundBySpi(readInt32(arena, offset));
    if (sa === undefined) continue;
    if (spdInbound.judge(sa, arena, offset + ESP_BYTES_BEFORE, INNER_BYTES) >= 0) accepted++;
  }
  return accepted;
}
