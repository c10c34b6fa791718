// The inbound half of the portable engine: authenticates and decrypts one ESP packet in place.
// RFC 4303 §3.4.4; replay check, padding and next header are the data plane's.

import { ESP_HEADER_BYTES, ESP_TRAILER_BYTES } from '../../crypto/esp-transform.ts';
import { JobStatus, OpenJob } from '../batch-memory.ts';
import { checkDescriptor, checkRange } from './descriptor-check.ts';
import type { EspContext } from './esp-context.ts';

/** @param row first cell of the job @returns the job's {@link JobStatus} */
export function openJob(
  arena: Uint8Array,
  jobs: Int32Array,
  row: number,
  sa: EspContext | undefined,
): number {
  const packet = jobs[row + OpenJob.offset]!;
  const length = jobs[row + OpenJob.length]!;
  checkRange(arena, packet, length, 'ESP packet');
  if (sa === undefined) return JobStatus.noSa;

  const { ivBytes, icvBytes } = sa.cipher.transform;
  checkDescriptor(
    length >= ESP_HEADER_BYTES + ivBytes + ESP_TRAILER_BYTES + icvBytes,
    'ESP packet holds at least its trailer',
  );

  // RFC 4303 §3.4.3: with ESN the high half is not sent; the receiver has worked it out.
  const sequenceHigh = jobs[row + OpenJob.sequenceHigh]!;
  return sa.cipher.open(arena, packet, packet + length, sequenceHigh) ? JobStatus.ok : JobStatus.icvMismatch;
}
