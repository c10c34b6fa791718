// One capture that runs, in the packet path: what it takes, and what can still be said of packets that it took and did
// not publish. A packet is taken when it is seen; that a later step drops it is known at the end of the batch only.

import { PASS, type DropReason } from '../drop-reasons.ts';
import type { StartCapture } from './capture-commands.ts';
import { RingWriter, Side, type RingEntry, type RingMemory } from './capture-ring.ts';

/** Steps behind the one at which a packet was seen, that may yet drop it. */
export const Later = { seal: 0, clearWrite: 1, tunWrite: 2 } as const;
export type Later = (typeof Later)[keyof typeof Later];

/** Where a ring has lost a packet, or it was not wanted. */
export const NO_RECORD = -1;

export class Capture {
  readonly #command: StartCapture;
  readonly #ring: RingWriter;
  /** The record of each ESP packet that is queued for the engine. */
  readonly #jobs: Int32Array;
  /** Records of packets that wait for one of {@link Later}. */
  readonly #waiting: readonly [number[], number[], number[]] = [[], [], []];

  /** @param memory of the ring that this worker writes @param jobs most ESP packets that are queued for the engine */
  constructor(command: StartCapture, memory: RingMemory, jobs: number) {
    this.#command = command;
    this.#ring = new RingWriter(memory);
    this.#jobs = new Int32Array(jobs).fill(NO_RECORD);
  }

  get id(): number {
    return this.#command.id;
  }

  /** @param policy undefined: none, or not known */
  wants(side: Side, policy: string | undefined, peer: string | undefined): boolean {
    const { filter } = this.#command;
    return (
      (side === Side.inner ? filter.inner : filter.outer) &&
      (filter.policy === undefined || filter.policy === policy) &&
      (filter.peer === undefined || filter.peer === peer)
    );
  }

  /** @returns for {@link wait} and {@link queue} */
  add(entry: RingEntry, packet: Uint8Array, offset: number, length: number): number {
    return this.#ring.add(entry, packet, offset, length, this.#command.snapBytes);
  }

  wait(record: number, later: Later): void {
    this.#waiting[later].push(record);
  }

  /** The step is done. @param reason PASS, or why nothing that waited for it got through */
  settle(later: Later, reason: DropReason): void {
    const waiting = this.#waiting[later];
    if (reason !== PASS) for (const record of waiting) this.#ring.changeReason(record, reason);
    waiting.length = 0;
  }

  queue(job: number, record: number): void {
    this.#jobs[job] = record;
  }

  /** A queued packet was opened, and dropped then. */
  changeJob(job: number, reason: DropReason): void {
    this.#ring.changeReason(this.#jobs[job]!, reason);
  }

  publish(): void {
    this.#ring.publish();
  }
}
