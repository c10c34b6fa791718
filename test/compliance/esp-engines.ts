// One ESP packet at a time through an engine: what the compliance tests need of the engine contract.

import {
  allocateBatchMemory,
  OpenJob,
  SealJob,
  Segmentation,
  type BatchMemory,
} from '../../src/dataplane/batch-memory.ts';
import type { CipherLibrary, Engine, SaKey } from '../../src/dataplane/engine.ts';
import { loadAddon } from '../../src/dataplane/native/load-addon.ts';
import { createNativeEngine } from '../../src/dataplane/native/native-engine.ts';
import { createPortableEngine } from '../../src/dataplane/portable/portable-engine.ts';
import { ESP_HEADER_BYTES, sealedLength } from '../../src/crypto/esp-transform.ts';
import { CIPHER_LIBRARIES } from '../support/cipher-libraries.ts';

const SLOT = 3;
const OPTIONS = { coalesceTcp: false, coalesceUdp: false };

/** The portable engine, and the native one with each cipher library that is here. */
export const ENGINES: readonly EngineVariant[] = [...CIPHER_LIBRARIES, 'portable'];
export type EngineVariant = CipherLibrary | 'portable';

export class EngineUnderTest {
  readonly #memory: BatchMemory = allocateBatchMemory({
    frames: 1,
    frameBytes: 4096,
    sealJobs: 1,
    sealedBytes: 4096,
    datagramsOut: 1,
    datagramsIn: 1,
    openJobs: 1,
  });
  readonly #engine: Engine;

  constructor(variant: EngineVariant) {
    this.#engine =
      variant === 'portable'
        ? createPortableEngine(this.#memory, OPTIONS)
        : createNativeEngine(loadAddon(), this.#memory, { ...OPTIONS, cipherLibrary: variant });
  }

  /** @returns the job's status and what stands between IV and ICV afterwards */
  open(key: SaKey, packet: Uint8Array, sequenceHigh: number): { status: number; plaintext: Uint8Array } {
    const { arena, openJobs, receivedOffset } = this.#memory;
    arena.set(packet, receivedOffset);
    openJobs.fill(0);
    openJobs[OpenJob.offset] = receivedOffset;
    openJobs[OpenJob.length] = packet.length;
    openJobs[OpenJob.saSlot] = SLOT;
    openJobs[OpenJob.sequenceHigh] = sequenceHigh;
    openJobs[OpenJob.status] = -1;
    this.#engine.installInbound(SLOT, key);
    this.#engine.open(1);
    this.#engine.remove(SLOT);
    const start = receivedOffset + ESP_HEADER_BYTES + key.transform.ivBytes;
    const end = receivedOffset + packet.length - key.transform.icvBytes;
    return { status: openJobs[OpenJob.status]!, plaintext: arena.slice(start, end) };
  }

  /** Seals packets one by one under one installed SA, with rising numbers from `first` on. */
  sealAll(key: SaKey, inner: readonly Uint8Array[], first: number): Uint8Array[] {
    this.#engine.installOutbound(SLOT, key);
    this.#engine.grantSequenceNumbers(SLOT, first, first + inner.length);
    const packets = inner.map((packet, i) => this.#sealOne(key, packet, 4, first + i).packet);
    this.#engine.remove(SLOT);
    return packets;
  }

  /** @param sequence below 2^53 @returns the job's status and the ESP packet */
  seal(
    key: SaKey,
    inner: Uint8Array,
    nextHeader: number,
    sequence: number,
  ): { status: number; packet: Uint8Array } {
    this.#engine.installOutbound(SLOT, key);
    this.#engine.grantSequenceNumbers(SLOT, sequence, sequence + 1);
    const sealed = this.#sealOne(key, inner, nextHeader, sequence);
    this.#engine.remove(SLOT);
    return sealed;
  }

  #sealOne(
    key: SaKey,
    inner: Uint8Array,
    nextHeader: number,
    sequence: number,
  ): { status: number; packet: Uint8Array } {
    const { arena, sealJobs, framesOffset, sealedOffset } = this.#memory;
    arena.set(inner, framesOffset);
    sealJobs.fill(0);
    sealJobs[SealJob.frameOffset] = framesOffset;
    sealJobs[SealJob.frameLength] = inner.length;
    sealJobs[SealJob.segmentation] = Segmentation.none;
    sealJobs[SealJob.segments] = 1;
    sealJobs[SealJob.checksumStart] = -1;
    sealJobs[SealJob.saSlot] = SLOT;
    sealJobs[SealJob.sequenceLow] = sequence % 2 ** 32;
    sealJobs[SealJob.sequenceHigh] = Math.floor(sequence / 2 ** 32);
    sealJobs[SealJob.sealedOffset] = sealedOffset;
    sealJobs[SealJob.nextHeader] = nextHeader;
    sealJobs[SealJob.status] = -1;
    this.#engine.seal(1);
    const end = sealedOffset + sealedLength(key.transform, inner.length);
    return { status: sealJobs[SealJob.status]!, packet: arena.slice(sealedOffset, end) };
  }
}
