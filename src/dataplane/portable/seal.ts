// The outbound half of the portable engine: a SealJob becomes ESP packets, laid one behind the other.
// RFC 4303 §2 and §3.3; which SA and which sequence numbers was decided before.

import { ESP_HEADER_BYTES, ESP_TRAILER_BYTES, sealedLength } from '../../crypto/esp-transform.ts';
import { writeInt32 } from '../../wire/bytes.ts';
import { ESP_SEQUENCE_NUMBER, ESP_SPI } from '../../wire/esp.ts';
import { JobStatus, SealJob } from '../batch-memory.ts';
import { checkDescriptor, checkRange } from './descriptor-check.ts';
import type { OutboundContext } from './esp-context.ts';
import { checkSealFrame } from './seal-frame-check.ts';
import { segmentLength, writeInnerPacket } from './segmentation.ts';

const TWO_32 = 2 ** 32;

/** @param row first cell of the job @returns the job's {@link JobStatus} */
export function sealJob(
  arena: Uint8Array,
  jobs: Int32Array,
  row: number,
  sa: OutboundContext | undefined,
): number {
  checkSealFrame(arena, jobs, row);
  if (sa === undefined) return JobStatus.noSa;

  const { transform } = sa.cipher;
  const segments = jobs[row + SealJob.segments]!;
  const sealedOffset = jobs[row + SealJob.sealedOffset]!;
  const paddedLength = jobs[row + SealJob.paddedLength]!;
  const stride = sealedLength(transform, Math.max(segmentLength(jobs, row, 0), paddedLength));
  const lastInner = segmentLength(jobs, row, segments - 1);
  const lastLength = sealedLength(transform, Math.max(lastInner, paddedLength));
  checkRoom(arena, jobs, row, (segments - 1) * stride + lastLength);

  const first = (jobs[row + SealJob.sequenceHigh]! >>> 0) * TWO_32 + (jobs[row + SealJob.sequenceLow]! >>> 0);
  if (!sa.guard.take(first, segments)) return JobStatus.guard;

  const nextHeader = jobs[row + SealJob.nextHeader]!;
  for (let i = 0; i < segments; i++) {
    const packet = sealedOffset + i * stride;
    const inner = packet + ESP_HEADER_BYTES + transform.ivBytes;
    const innerLength = writeInnerPacket(arena, jobs, row, i, inner);
    // RFC 4303 §2.7: behind the inner packet, whose own length field ends it.
    if (innerLength < paddedLength) arena.fill(0, inner + innerLength, inner + paddedLength);
    sealPacket(arena, packet, Math.max(innerLength, paddedLength), first + i, nextHeader, sa);
  }
  return JobStatus.ok;
}

/** Puts ESP header, padding and trailer around the inner packet that stands behind the IV, and encrypts it. */
function sealPacket(
  arena: Uint8Array,
  packet: number,
  innerLength: number,
  sequence: number,
  nextHeader: number,
  sa: OutboundContext,
): void {
  const { transform } = sa.cipher;
  writeInt32(arena, packet + ESP_SPI, sa.spi);
  writeInt32(arena, packet + ESP_SEQUENCE_NUMBER, sequence % TWO_32);

  const body = packet + ESP_HEADER_BYTES + transform.ivBytes;
  const end = packet + sealedLength(transform, innerLength);
  const icv = end - transform.icvBytes;
  const padLength = icv - body - innerLength - ESP_TRAILER_BYTES;
  // RFC 4303 §2.4: padding bytes are 1, 2, 3, …
  for (let i = 0; i < padLength; i++) arena[body + innerLength + i] = i + 1;
  arena[icv - 2] = padLength;
  arena[icv - 1] = nextHeader;

  sa.cipher.seal(arena, packet, end, sequence);
}

/** The sealed packets lie in the arena, and not where the frame is read while they are written. */
function checkRoom(arena: Uint8Array, jobs: Int32Array, row: number, sealedBytes: number): void {
  const frame = jobs[row + SealJob.frameOffset]!;
  const frameEnd = frame + jobs[row + SealJob.frameLength]!;
  const sealedOffset = jobs[row + SealJob.sealedOffset]!;
  checkRange(arena, sealedOffset, sealedBytes, 'sealed packets');
  checkDescriptor(
    sealedOffset + sealedBytes <= frame || frameEnd <= sealedOffset,
    'sealed packets beside the frame',
  );
}
