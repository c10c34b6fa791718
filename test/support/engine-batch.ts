// One engine over a memory of its own, driven with packets instead of descriptor rows.

import {
  allocateBatchMemory,
  InnerPacket,
  JobStatus,
  OpenJob,
  OutFrame,
  SealJob,
  Segmentation,
  Vector,
  type BatchMemory,
} from '../../src/dataplane/batch-memory.ts';
import { sealedLength, type EspTransform } from '../../src/crypto/esp-transform.ts';
import type { Engine } from '../../src/dataplane/engine.ts';
import { layoutOf } from './super-packets.ts';

export interface SealRequest {
  readonly frame: Uint8Array;
  readonly slot: number;
  readonly transform: EspTransform;
  readonly sequence: number;
  readonly nextHeader?: number;
  /** Payload of each segment of a super-packet; left out for a frame that stays whole. */
  readonly segmentSize?: number;
  /** Where a partial checksum begins, and where its field stands from there. */
  readonly checksum?: { readonly start: number; readonly offset: number };
}

export interface SealResult {
  readonly status: number;
  /** Empty where the status is not ok. */
  readonly packets: readonly Uint8Array[];
}

export interface OpenRequest {
  readonly packet: Uint8Array;
  readonly slot: number;
  readonly transform: EspTransform;
  readonly sequenceHigh: number;
}

export interface OpenResult {
  readonly status: number;
  /** What stands between IV and ICV; undefined where the status is not ok. */
  readonly plaintext: Uint8Array | undefined;
}

export interface CoalescedFrame {
  readonly bytes: Uint8Array;
  readonly vectors: number;
  readonly flags: number;
  readonly gsoType: number;
  readonly headerLength: number;
  readonly segmentSize: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

export class EngineBatch {
  readonly memory: BatchMemory = allocateBatchMemory();
  readonly engine: Engine;

  constructor(create: (memory: BatchMemory) => Engine) {
    this.engine = create(this.memory);
  }

  /** Writes the rows of the requests and seals them in one call. */
  seal(requests: readonly SealRequest[]): SealResult[] {
    const ends = this.writeSealJobs(requests);
    this.engine.seal(requests.length);
    return requests.map((request, index) => this.#sealed(request, index, ends[index] ?? 0));
  }

  /** @returns where the sealed packets of each row end */
  writeSealJobs(requests: readonly SealRequest[]): number[] {
    const { arena, sealJobs, framesOffset, sealedOffset } = this.memory;
    let frameAt = framesOffset;
    let sealedAt = sealedOffset;
    return requests.map((request, index) => {
      const { frame, transform, segmentSize, checksum } = request;
      const row = index * SealJob.stride;
      const layout = segmentSize === undefined ? undefined : layoutOf(frame);
      const headersLength = layout?.headersLength ?? 0;
      const size = segmentSize ?? frame.length;
      const segments = segmentSize === undefined ? 1 : Math.ceil((frame.length - headersLength) / size);
      const stride = sealedLength(transform, headersLength + size);
      const lastInner = frame.length - (segments - 1) * size;
      arena.set(frame, frameAt);
      sealJobs.fill(0, row, row + SealJob.stride);
      sealJobs[row + SealJob.frameOffset] = frameAt;
      sealJobs[row + SealJob.frameLength] = frame.length;
      sealJobs[row + SealJob.segmentation] =
        layout === undefined ? Segmentation.none : layout.isTcp ? Segmentation.tcp : Segmentation.udp;
      sealJobs[row + SealJob.networkHeaderLength] = layout?.networkHeaderLength ?? 0;
      sealJobs[row + SealJob.headersLength] = headersLength;
      sealJobs[row + SealJob.segmentSize] = segmentSize ?? 0;
      sealJobs[row + SealJob.segments] = segments;
      sealJobs[row + SealJob.checksumStart] = checksum?.start ?? -1;
      sealJobs[row + SealJob.checksumOffset] = checksum?.offset ?? 0;
      sealJobs[row + SealJob.saSlot] = request.slot;
      sealJobs[row + SealJob.sequenceLow] = request.sequence % 2 ** 32;
      sealJobs[row + SealJob.sequenceHigh] = Math.floor(request.sequence / 2 ** 32);
      sealJobs[row + SealJob.sealedOffset] = sealedAt;
      sealJobs[row + SealJob.nextHeader] = request.nextHeader ?? 4;
      sealJobs[row + SealJob.status] = -1;
      frameAt += frame.length;
      sealedAt += (segments - 1) * stride + sealedLength(transform, lastInner);
      return sealedAt;
    });
  }

  #sealed(request: SealRequest, index: number, end: number): SealResult {
    const { arena, sealJobs } = this.memory;
    const row = index * SealJob.stride;
    const status = sealJobs[row + SealJob.status]!;
    if (status !== JobStatus.ok) return { status, packets: [] };
    const size = sealJobs[row + SealJob.headersLength]! + sealJobs[row + SealJob.segmentSize]!;
    const stride = sealedLength(request.transform, size === 0 ? request.frame.length : size);
    const packets: Uint8Array[] = [];
    for (let at = sealJobs[row + SealJob.sealedOffset]!; at < end; at += stride) {
      packets.push(arena.slice(at, Math.min(at + stride, end)));
    }
    return { status, packets };
  }

  open(requests: readonly OpenRequest[]): OpenResult[] {
    const { arena, openJobs, receivedOffset } = this.memory;
    let at = receivedOffset;
    requests.forEach(({ packet, slot, sequenceHigh }, index) => {
      const row = index * OpenJob.stride;
      arena.set(packet, at);
      openJobs[row + OpenJob.offset] = at;
      openJobs[row + OpenJob.length] = packet.length;
      openJobs[row + OpenJob.saSlot] = slot;
      openJobs[row + OpenJob.sequenceHigh] = sequenceHigh;
      openJobs[row + OpenJob.status] = -1;
      at += packet.length;
    });
    this.engine.open(requests.length);
    return requests.map(({ packet, transform }, index) => {
      const row = index * OpenJob.stride;
      const status = openJobs[row + OpenJob.status]!;
      if (status !== JobStatus.ok) return { status, plaintext: undefined };
      const start = openJobs[row + OpenJob.offset]!;
      return {
        status,
        plaintext: arena.slice(start + 8 + transform.ivBytes, start + packet.length - transform.icvBytes),
      };
    });
  }

  coalesce(packets: readonly Uint8Array[]): CoalescedFrame[] {
    const { arena, innerPackets, receivedOffset } = this.memory;
    let at = receivedOffset;
    packets.forEach((packet, index) => {
      arena.set(packet, at);
      innerPackets[index * InnerPacket.stride + InnerPacket.offset] = at;
      innerPackets[index * InnerPacket.stride + InnerPacket.length] = packet.length;
      at += packet.length;
    });
    return Array.from({ length: this.engine.coalesce(packets.length) }, (_, frame) => this.#coalesced(frame));
  }

  #coalesced(frame: number): CoalescedFrame {
    const { arena, outFrames, vectors } = this.memory;
    const cell = (field: number): number => outFrames[frame * OutFrame.stride + field]!;
    const parts = Array.from({ length: cell(OutFrame.vectorCount) }, (_, i) => {
      const row = (cell(OutFrame.firstVector) + i) * Vector.stride;
      const offset = vectors[row + Vector.offset]!;
      return arena.subarray(offset, offset + vectors[row + Vector.length]!);
    });
    return {
      bytes: Buffer.concat(parts),
      vectors: parts.length,
      flags: cell(OutFrame.flags),
      gsoType: cell(OutFrame.gsoType),
      headerLength: cell(OutFrame.headerLength),
      segmentSize: cell(OutFrame.segmentSize),
      checksumStart: cell(OutFrame.checksumStart),
      checksumOffset: cell(OutFrame.checksumOffset),
    };
  }
}

/** The inner packet of a plaintext: padding, pad length and next header are taken off. */
export function withoutTrailer(plaintext: Uint8Array): Uint8Array {
  const padLength = plaintext[plaintext.length - 2]!;
  return plaintext.subarray(0, plaintext.length - 2 - padLength);
}
