// How ESP packets are laid into trains, against packets that are written down one by one.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findEspTransform, sealedLength, type EspTransform } from '../../../src/crypto/esp-transform.ts';
import {
  allocateBatchMemory,
  DatagramOut,
  Segmentation,
  type BatchLimits,
} from '../../../src/dataplane/batch-memory.ts';
import { allocateCounters, readDrops, type Counters } from '../../../src/dataplane/counters.ts';
import { PASS } from '../../../src/dataplane/drop-reasons.ts';
import { createSealRequest, SealQueue, type SealRequest } from '../../../src/dataplane/seal-queue.ts';

const HEADERS_BYTES = 52;
const LIMITS = {
  frames: 1,
  frameBytes: 65_536,
  sealJobs: 32,
  sealedBytes: 20 * 65_536,
  datagramsOut: 64,
  datagramsIn: 1,
  openJobs: 1,
};

interface Burst {
  /** Of every segment but the last. */
  readonly segmentSize: number;
  readonly segments: number;
  /** 1 … segmentSize */
  readonly lastSize: number;
  readonly endpoint: number;
  readonly trafficClass: number;
  readonly dontFragment: boolean;
}

/** One ESP packet, as the wire has it. */
interface Packet {
  readonly offset: number;
  readonly length: number;
  /** What the packets of one train have in common. */
  readonly kind: string;
}

function transformOf(name: string): EspTransform {
  const transform = findEspTransform(name);
  if (transform === undefined) throw new Error(`no transform ${name}`);
  return transform;
}

const TRANSFORM = transformOf('aes256gcm16');

/** @returns the trains of all sends, each as its packets, and what was counted */
function sendThrough(
  bursts: readonly Burst[],
  limits: Partial<BatchLimits> = {},
  errno = 0,
): { readonly trains: Packet[][]; readonly counters: Counters } {
  const memory = allocateBatchMemory({ ...LIMITS, ...limits });
  const counters = allocateCounters();
  const trains: Packet[][] = [];
  const { datagramsOut } = memory;
  const queue = new SealQueue({
    memory,
    counters,
    audit: {},
    captures: { tap: undefined },
    // 0 is the status of a job that is done.
    engine: { seal: () => memory.sealJobs.fill(0) },
    lifetimes: { admits: () => true, countOutbound: () => undefined },
    devices: {
      udpSend: (count: number) => {
        expect(count).toBeLessThanOrEqual(memory.limits.datagramsOut);
        for (let row = 0; row < count * DatagramOut.stride; row += DatagramOut.stride) {
          const field = (name: Exclude<keyof typeof DatagramOut, 'stride'>): number =>
            datagramsOut[row + DatagramOut[name]]!;
          const kind = [field('endpoint'), field('trafficClass'), field('dontFragment')].join(' ');
          const end = field('offset') + field('length');
          const train: Packet[] = [];
          const step = field('segmentLength') || field('length');
          for (let offset = field('offset'); offset < end; offset += step)
            train.push({ offset, length: Math.min(step, end - offset), kind });
          trains.push(train);
          datagramsOut[row + DatagramOut.status] = errno;
        }
      },
    },
  } as never);
  for (const burst of bursts)
    expect(
      queue.add(requestOf(burst), {
        transform: TRANSFORM,
        endpoint: burst.endpoint,
        slot: 0,
        counter: { has: () => true, next: () => 1, take: () => undefined },
      } as never),
    ).toBe(PASS);
  queue.flush();
  return { trains, counters };
}

function requestOf(burst: Burst): SealRequest {
  const payload = (burst.segments - 1) * burst.segmentSize + burst.lastSize;
  const isWhole = burst.segments === 1;
  return {
    ...createSealRequest(),
    frameLength: HEADERS_BYTES + payload,
    segmentation: isWhole ? Segmentation.none : Segmentation.tcp,
    headersLength: isWhole ? 0 : HEADERS_BYTES,
    segmentSize: isWhole ? HEADERS_BYTES + payload : burst.segmentSize,
    segments: burst.segments,
    trafficClass: burst.trafficClass,
    dontFragment: burst.dontFragment,
  };
}

function packetsOf(burst: Burst): Omit<Packet, 'offset'>[] {
  const kind = [burst.endpoint, burst.trafficClass, burst.dontFragment ? 1 : 0].join(' ');
  return Array.from({ length: burst.segments }, (_, index) => {
    const size = index === burst.segments - 1 ? burst.lastSize : burst.segmentSize;
    return { length: sealedLength(TRANSFORM, HEADERS_BYTES + size), kind };
  });
}

const anyBurst = fc
  .record({
    segmentSize: fc.constantFrom(12, 536, 1386, 1387, 9000),
    segments: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 64 })),
    short: fc.boolean(),
    endpoint: fc.constantFrom(3, 3, 3, 4),
    trafficClass: fc.constantFrom(0, 0, 0, 2),
    dontFragment: fc.constantFrom(true, true, false),
  })
  .map(({ short, segments, ...rest }) => ({
    ...rest,
    segments: Math.min(segments, Math.floor(65_000 / rest.segmentSize)),
    lastSize: short ? Math.ceil(rest.segmentSize / 2) : rest.segmentSize,
  }));

/** Small ones, so that the queue is full in the middle. */
const anyLimits = fc.record({
  sealJobs: fc.integer({ min: 1, max: 16 }),
  datagramsOut: fc.integer({ min: 4, max: 32 }),
  sealedBytes: fc.integer({ min: 90_000, max: 1_000_000 }),
});

describe('trains of ESP packets', () => {
  test('hold every packet once, in order, and what UDP_SEGMENT allows', () => {
    fc.assert(
      fc.property(fc.array(anyBurst, { minLength: 1, maxLength: 16 }), anyLimits, (bursts, limits) => {
        const { trains } = sendThrough(bursts, limits);
        expect(trains.flat().map(({ length, kind }) => ({ length, kind }))).toEqual(
          bursts.flatMap(packetsOf),
        );
        for (const train of trains) {
          expect(train.length).toBeLessThanOrEqual(64);
          expect(train.reduce((bytes, { length }) => bytes + length, 0)).toBeLessThanOrEqual(65_507);
          expect(new Set(train.map(({ kind }) => kind)).size).toBe(1);
          for (const { length } of train.slice(0, -1)) expect(length).toBe(train[0]!.length);
          expect(train.at(-1)!.length).toBeLessThanOrEqual(train[0]!.length);
          train.slice(1).forEach((packet, index) => {
            expect(packet.offset).toBe(train[index]!.offset + train[index]!.length);
          });
        }
      }),
    );
  });

  test('are filled across super-packets: sixteen of 47 segments leave in 18 sends', () => {
    const burst = { segmentSize: 1386, segments: 47, lastSize: 1386, endpoint: 3, trafficClass: 0 };
    const { trains } = sendThrough(Array.from({ length: 16 }, () => ({ ...burst, dontFragment: true })));
    expect(trains.map((train) => train.length)).toEqual([...Array<number>(17).fill(44), 16 * 47 - 17 * 44]);
  });

  test('end with a shorter packet', () => {
    const burst = { segmentSize: 1386, endpoint: 3, trafficClass: 0, dontFragment: true };
    const { trains } = sendThrough([
      { ...burst, segments: 3, lastSize: 100 },
      { ...burst, segments: 2, lastSize: 1386 },
      { ...burst, segments: 1, lastSize: 200 },
      { ...burst, segments: 1, lastSize: 200 },
    ]);
    expect(trains.map((train) => train.length)).toEqual([3, 3, 1]);
  });

  test('that are not sent are counted packet by packet', () => {
    const burst = { segmentSize: 1386, endpoint: 3, trafficClass: 0, dontFragment: true };
    const bursts = [
      { ...burst, segments: 30, lastSize: 1386 },
      { ...burst, segments: 30, lastSize: 7 },
    ];
    const EAGAIN = 11;
    const { trains, counters } = sendThrough(bursts, {}, EAGAIN);
    expect(trains.map((train) => train.length)).toEqual([44, 16]);
    expect(readDrops(counters)).toEqual({ 'outbound-send-buffer-full': 60 });
  });
});
