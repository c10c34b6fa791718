// Whether the frame of a SealJob can be cut as the row says. The data plane has parsed the frame before, so a
// violation is its defect; nothing of the frame is read here but the IP version.

import { IPV4_HEADER_BYTES } from '../../wire/ipv4.ts';
import { IPV6_HEADER_BYTES } from '../../wire/ipv6.ts';
import { TCP_HEADER_BYTES } from '../../wire/tcp.ts';
import { UDP_HEADER_BYTES } from '../../wire/udp.ts';
import { SealJob, Segmentation } from '../batch-memory.ts';
import { checkDescriptor, checkRange } from './descriptor-check.ts';

/** Both IHL and data offset count to 15 words. */
const MAX_HEADER_BYTES = 60;

/** @throws RangeError where the row contradicts itself or the arena */
export function checkSealFrame(arena: Uint8Array, jobs: Int32Array, row: number): void {
  const frame = jobs[row + SealJob.frameOffset]!;
  checkRange(arena, frame, jobs[row + SealJob.frameLength]!, 'frame');
  switch (jobs[row + SealJob.segmentation]) {
    case Segmentation.none:
      checkWholeFrame(jobs, row);
      return;
    case Segmentation.tcp:
      checkCut(jobs, row);
      checkNetworkHeader(arena[frame]! >>> 4, jobs[row + SealJob.networkHeaderLength]!);
      checkTransportHeader(jobs, row, TCP_HEADER_BYTES, MAX_HEADER_BYTES);
      return;
    case Segmentation.udp:
      checkCut(jobs, row);
      checkNetworkHeader(arena[frame]! >>> 4, jobs[row + SealJob.networkHeaderLength]!);
      checkTransportHeader(jobs, row, UDP_HEADER_BYTES, UDP_HEADER_BYTES);
      return;
    default:
      checkDescriptor(false, 'segmentation is none, tcp or udp');
  }
}

function checkWholeFrame(jobs: Int32Array, row: number): void {
  const checksumStart = jobs[row + SealJob.checksumStart]!;
  const checksumOffset = jobs[row + SealJob.checksumOffset]!;
  checkDescriptor(jobs[row + SealJob.segments] === 1, 'a frame without segmentation is one segment');
  checkDescriptor(
    checksumStart < 0 ||
      (checksumOffset >= 0 && checksumStart + checksumOffset + 2 <= jobs[row + SealJob.frameLength]!),
    'checksum field inside the frame',
  );
}

/** The segments hold the payload exactly, and each holds some of it. */
function checkCut(jobs: Int32Array, row: number): void {
  const payload = jobs[row + SealJob.frameLength]! - jobs[row + SealJob.headersLength]!;
  const segmentSize = jobs[row + SealJob.segmentSize]!;
  checkDescriptor(
    payload > 0 && segmentSize > 0 && jobs[row + SealJob.segments] === Math.ceil(payload / segmentSize),
    'segments hold the payload exactly',
  );
}

function checkNetworkHeader(version: number, length: number): void {
  checkDescriptor(
    version === 4
      ? length >= IPV4_HEADER_BYTES && length <= MAX_HEADER_BYTES
      : version === 6 && length >= IPV6_HEADER_BYTES,
    'network header',
  );
}

function checkTransportHeader(jobs: Int32Array, row: number, shortest: number, longest: number): void {
  const length = jobs[row + SealJob.headersLength]! - jobs[row + SealJob.networkHeaderLength]!;
  checkDescriptor(length >= shortest && length <= longest, 'transport header');
}
