// The portable engine: plain TypeScript over @noble/ciphers and @noble/hashes, needs no compiler. It is the readable statement
// of what the native engine does: equal tables and arena in, equal tables and arena out.
// Decides nothing: policies, SAs, sequence numbers and replay are the data plane's.

import { OpenJob, SealJob, type BatchMemory } from '../batch-memory.ts';
import type { Engine, EngineOptions, SaKey, SaSlot } from '../engine.ts';
import { withIvKey } from '../iv-key.ts';
import { Coalescer } from './coalescing.ts';
import { checkRowCount } from './descriptor-check.ts';
import { EspContext, OutboundContext } from './esp-context.ts';
import { openJob } from './open.ts';
import { sealJob } from './seal.ts';

export function createPortableEngine(memory: BatchMemory, options: EngineOptions): Engine {
  return new PortableEngine(memory, options);
}

/** Enough for any gateway, and a bound on what a wrong slot number can allocate. */
const MAX_SLOTS = 2 ** 20;

class PortableEngine implements Engine {
  readonly name = 'portable';
  readonly #memory: BatchMemory;
  readonly #coalescer: Coalescer;
  readonly #outbound: (OutboundContext | undefined)[] = [];
  readonly #inbound: (EspContext | undefined)[] = [];

  constructor(memory: BatchMemory, options: EngineOptions) {
    this.#memory = memory;
    this.#coalescer = new Coalescer(memory, options);
  }

  installOutbound(slot: SaSlot, key: SaKey): void {
    withIvKey(key, (ivKey) => {
      const sa = new OutboundContext(key, ivKey);
      this.remove(slot);
      this.#outbound[slot] = sa;
    });
  }

  installInbound(slot: SaSlot, key: SaKey): void {
    const sa = new EspContext(key);
    this.remove(slot);
    this.#inbound[slot] = sa;
  }

  remove(slot: SaSlot): void {
    checkSlot(slot);
    this.#outbound[slot]?.zero();
    this.#inbound[slot]?.zero();
    this.#outbound[slot] = undefined;
    this.#inbound[slot] = undefined;
  }

  grantSequenceNumbers(slot: SaSlot, first: number, end: number): void {
    const sa = this.#outbound[slot];
    if (sa === undefined) throw new RangeError(`no outbound SA in slot ${String(slot)}`);
    sa.guard.grant(first, end);
  }

  seal(count: number): void {
    const { arena, limits, sealJobs } = this.#memory;
    checkRowCount(count, limits.sealJobs, 'SealJob');
    for (let i = 0; i < count; i++) {
      const row = i * SealJob.stride;
      const sa = this.#outbound[sealJobs[row + SealJob.saSlot]!];
      sealJobs[row + SealJob.status] = sealJob(arena, sealJobs, row, sa);
    }
  }

  open(count: number): void {
    const { arena, limits, openJobs } = this.#memory;
    checkRowCount(count, limits.openJobs, 'OpenJob');
    for (let i = 0; i < count; i++) {
      const row = i * OpenJob.stride;
      const sa = this.#inbound[openJobs[row + OpenJob.saSlot]!];
      openJobs[row + OpenJob.status] = openJob(arena, openJobs, row, sa);
    }
  }

  coalesce(count: number): number {
    checkRowCount(count, this.#memory.limits.openJobs, 'InnerPacket');
    return this.#coalescer.coalesce(count);
  }
}

function checkSlot(slot: SaSlot): void {
  if (!Number.isInteger(slot) || slot < 0 || slot >= MAX_SLOTS) {
    throw new RangeError(`slot ${String(slot)}: expected 0 to ${String(MAX_SLOTS - 1)}`);
  }
}
