// Work that may be long, in slices: between two of them the main thread does whatever else is there, IKE first of all.

import { monotonicMs } from '../../base/clock.ts';

const SLICE_MS = 4;
/** Steps between two looks at the clock. */
const STEPS = 16;

export interface Done<Result> {
  readonly result: Result;
  /** What of the time was work, and not waiting for the turn. */
  readonly busyMs: number;
}

/** What must not be interrupted: what it looks at would change. */
export function inOneStep<Result>(work: () => Result): Done<Result> {
  const beganMs = monotonicMs();
  const result = work();
  return { result, busyMs: monotonicMs() - beganMs };
}

/** Runs to the end what yields often. */
export async function inSlices<Result>(work: Generator<void, Result>): Promise<Done<Result>> {
  let busyMs = 0;
  let beganMs = monotonicMs();
  for (let step = 1; ; step++) {
    const { done, value } = work.next();
    if (done === true) return { result: value, busyMs: busyMs + monotonicMs() - beganMs };
    if (step % STEPS !== 0) continue;
    const passedMs = monotonicMs() - beganMs;
    if (passedMs < SLICE_MS) continue;
    busyMs += passedMs;
    await new Promise(setImmediate);
    beganMs = monotonicMs();
  }
}
