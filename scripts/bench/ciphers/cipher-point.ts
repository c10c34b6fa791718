// One transform by one library at one length: batches of packets, sealed and opened again, each with a look at the result.

import { InvariantError } from '../../../src/base/errors.ts';
import {
  ESP_HEADER_BYTES,
  keyMaterialBytes,
  sealedLength,
  type EspTransform,
} from '../../../src/crypto/esp-transform.ts';
import {
  allocateBatchMemory,
  JobStatus,
  OpenJob,
  SealJob,
  type BatchMemory,
} from '../../../src/dataplane/batch-memory.ts';
import type { Engine } from '../../../src/dataplane/engine.ts';
import { PROTOCOL_IPV4 } from '../../../src/wire/protocol-numbers.ts';
import type { Step } from './results.ts';

const BATCH_PACKETS = 64;
const SPI = 0x1000;
const OUTBOUND_SLOT = 0;
const INBOUND_SLOT = 1;
const NUMBERS = { first: 1, end: 2 ** 32 };
/** Packets begin on lines of the cache. */
const ALIGNMENT = 64;

export interface CipherPointParts {
  readonly transform: EspTransform;
  readonly library: string;
  readonly innerBytes: number;
  readonly createEngine: (memory: BatchMemory) => Engine;
}

export class CipherPoint {
  readonly transform: string;
  readonly library: string;
  readonly innerBytes: number;
  readonly #engine: Engine;
  readonly #memory: BatchMemory;
  readonly #payloadOffset: number;
  #sequence = NUMBERS.first;

  constructor({ transform, library, innerBytes, createEngine }: CipherPointParts) {
    this.transform = transform.name;
    this.library = library;
    this.innerBytes = innerBytes;
    const sealedBytes = sealedLength(transform, innerBytes);
    const stride = Math.ceil(Math.max(sealedBytes, innerBytes) / ALIGNMENT) * ALIGNMENT;
    const room = BATCH_PACKETS * stride;
    const limits = { frames: BATCH_PACKETS, sealJobs: BATCH_PACKETS, openJobs: BATCH_PACKETS };
    const bytes = { frameBytes: room, sealedBytes: room };
    this.#memory = allocateBatchMemory({ ...limits, ...bytes, datagramsOut: 1, datagramsIn: 1 });
    this.#payloadOffset = ESP_HEADER_BYTES + transform.ivBytes;
    this.#engine = createEngine(this.#memory);
    const keyMaterial = Uint8Array.from({ length: keyMaterialBytes(transform) }, (_, index) => index + 1);
    const key = { transform, spi: SPI, esn: false, keyMaterial };
    this.#engine.installOutbound(OUTBOUND_SLOT, key);
    this.#engine.installInbound(INBOUND_SLOT, key);
    this.#engine.grantSequenceNumbers(OUTBOUND_SLOT, NUMBERS.first, NUMBERS.end);
    this.#writeRows(stride, sealedBytes);
  }

  /** Seals and opens batches for so long. @returns nanoseconds per packet of each */
  measure(milliseconds: number): Record<Step, number> {
    const spent = { seal: 0, open: 0 };
    let packets = 0;
    while (spent.seal + spent.open < milliseconds) {
      this.#number();
      const start = performance.now();
      this.#engine.seal(BATCH_PACKETS);
      const middle = performance.now();
      this.#engine.open(BATCH_PACKETS);
      const end = performance.now();
      this.#check();
      spent.seal += middle - start;
      spent.open += end - middle;
      packets += BATCH_PACKETS;
    }
    const each = (ms: number): number => (ms * 1e6) / packets;
    return { seal: each(spent.seal), open: each(spent.open) };
  }

  close(): void {
    this.#engine.remove(OUTBOUND_SLOT);
    this.#engine.remove(INBOUND_SLOT);
  }

  #writeRows(stride: number, sealedBytes: number): void {
    const { arena, framesOffset, sealedOffset, sealJobs, openJobs } = this.#memory;
    for (let packet = 0; packet < BATCH_PACKETS; packet++) {
      const frame = framesOffset + packet * stride;
      const sealed = sealedOffset + packet * stride;
      for (let i = 0; i < this.innerBytes; i++) arena[frame + i] = packet + i;
      const job = packet * SealJob.stride;
      sealJobs[job + SealJob.frameOffset] = frame;
      sealJobs[job + SealJob.frameLength] = this.innerBytes;
      sealJobs[job + SealJob.segmentSize] = this.innerBytes;
      sealJobs[job + SealJob.segments] = 1;
      sealJobs[job + SealJob.checksumStart] = -1;
      sealJobs[job + SealJob.saSlot] = OUTBOUND_SLOT;
      sealJobs[job + SealJob.sealedOffset] = sealed;
      sealJobs[job + SealJob.nextHeader] = PROTOCOL_IPV4;
      const open = packet * OpenJob.stride;
      openJobs[open + OpenJob.offset] = sealed;
      openJobs[open + OpenJob.length] = sealedBytes;
      openJobs[open + OpenJob.saSlot] = INBOUND_SLOT;
    }
  }

  /** No number is ever used twice, here neither. */
  #number(): void {
    const { sealJobs } = this.#memory;
    for (let job = 0; job < BATCH_PACKETS * SealJob.stride; job += SealJob.stride)
      sealJobs[job + SealJob.sequenceLow] = this.#sequence++;
  }

  #check(): void {
    const { arena, openJobs, sealJobs } = this.#memory;
    for (let packet = 0; packet < BATCH_PACKETS; packet++) {
      const job = packet * SealJob.stride;
      const open = packet * OpenJob.stride;
      const frame = sealJobs[job + SealJob.frameOffset]!;
      const inner = openJobs[open + OpenJob.offset]! + this.#payloadOffset;
      if (
        sealJobs[job + SealJob.status] !== JobStatus.ok ||
        openJobs[open + OpenJob.status] !== JobStatus.ok ||
        arena[inner] !== arena[frame] ||
        arena[inner + this.innerBytes - 1] !== arena[frame + this.innerBytes - 1]
      )
        throw new InvariantError(`${this.transform} by ${this.library} does not open what it sealed`);
    }
  }
}
