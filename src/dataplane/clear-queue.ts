// Packets of BYPASS policies on their way out in clear (RFC 4301 §5.1): queued while a batch is judged, written to
// the second TUN at its end. A frame leaves as it came, super-packets whole, so that the host does with it what it
// would have done without us.

import { Frame, OutFrame, Vector, type BatchMemory } from './batch-memory.ts';
import { Later } from './capture/capture.ts';
import type { Captures } from './capture/captures.ts';
import { Counter, type Counters } from './counters.ts';
import type { Devices } from './devices.ts';
import { Drop, PASS } from './drop-reasons.ts';
import { raiseHopLimit } from './hop-limit.ts';

export interface ClearQueueParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  readonly counters: Counters;
  readonly captures: Pick<Captures, 'tap'>;
  /** True where the host ends circles of packets in clear; only then are hops given back. */
  readonly raisesHopLimit: boolean;
}

export class ClearQueue {
  readonly #parts: ClearQueueParts;
  #length = 0;

  constructor(parts: ClearQueueParts) {
    this.#parts = parts;
  }

  /** @param row first cell of the frame's row; the frame's bytes stay as they are until {@link flush} */
  add(row: number, family: number): void {
    const { memory, raisesHopLimit } = this.#parts;
    const { frames, outFrames, vectors } = memory;
    if (this.#length === memory.limits.openJobs) this.flush();
    const offset = frames[row + Frame.offset]!;
    if (raisesHopLimit) raiseHopLimit(memory.arena, offset, family);
    const index = this.#length++;
    const vector = index * Vector.stride;
    vectors[vector + Vector.offset] = offset;
    vectors[vector + Vector.length] = frames[row + Frame.length]!;
    const out = index * OutFrame.stride;
    outFrames[out + OutFrame.firstVector] = index;
    outFrames[out + OutFrame.vectorCount] = 1;
    outFrames[out + OutFrame.flags] = frames[row + Frame.flags]!;
    outFrames[out + OutFrame.gsoType] = frames[row + Frame.gsoType]!;
    outFrames[out + OutFrame.headerLength] = frames[row + Frame.headerLength]!;
    outFrames[out + OutFrame.segmentSize] = frames[row + Frame.segmentSize]!;
    outFrames[out + OutFrame.checksumStart] = frames[row + Frame.checksumStart]!;
    outFrames[out + OutFrame.checksumOffset] = frames[row + Frame.checksumOffset]!;
  }

  /** Writes what is queued. */
  flush(): void {
    if (this.#length === 0) return;
    const { devices, counters, captures } = this.#parts;
    const written = devices.clearWrite(this.#length);
    counters[Counter.outboundBypassPackets] = counters[Counter.outboundBypassPackets]! + written;
    const refused = this.#length - written;
    counters[Drop.outboundClearFailed] = counters[Drop.outboundClearFailed]! + refused;
    captures.tap?.settle(Later.clearWrite, written === 0 ? Drop.outboundClearFailed : PASS);
    this.#length = 0;
  }
}
