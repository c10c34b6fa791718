// The highest packet rate that passes with no more than a given loss, found by bisection (after the idea of
// RFC 2544 §26.1, with short trials). Pure: the trial is given.

/** 0.5 %, the loss that a rate may have and still count. */
const LOSS_LIMIT = 0.005;

/** A trial that fails by less than this is repeated once: a single stall of the machine is not the peer's limit. */
const CLOSE_TO_LIMIT = 0.05;

export interface TrialOutcome {
  /** Packets per second that were really offered; less than asked for where the generator is at its end. */
  readonly offeredPerSecond: number;
  /** Lost packets over offered ones, 0 … 1. */
  readonly loss: number;
}

/**
 * Bisects between 0 and `ceiling`.
 * @param ceiling packets per second that the generator can offer at most
 * @param resolution stops when the bounds are nearer than this fraction of the upper one
 * @returns the highest offered rate that was seen to pass, 0 where none did
 */
export async function highestRate(
  trial: (ratePerSecond: number) => Promise<TrialOutcome>,
  ceiling: number,
  resolution = 0.03,
): Promise<number> {
  let passed = 0;
  let failed = ceiling;
  const whole = await trialWithRepeat(trial, ceiling);
  if (whole.loss <= LOSS_LIMIT) return whole.offeredPerSecond;
  while (failed - passed > resolution * failed && failed > 1) {
    const rate = (passed + failed) / 2;
    const outcome = await trialWithRepeat(trial, rate);
    if (outcome.loss <= LOSS_LIMIT) {
      passed = outcome.offeredPerSecond;
      // The generator could not offer more: asking for more would repeat the same trial.
      if (outcome.offeredPerSecond < rate * (1 - resolution)) break;
    } else failed = rate;
  }
  return passed;
}

async function trialWithRepeat(
  trial: (ratePerSecond: number) => Promise<TrialOutcome>,
  ratePerSecond: number,
): Promise<TrialOutcome> {
  const first = await trial(ratePerSecond);
  if (first.loss <= LOSS_LIMIT || first.loss > CLOSE_TO_LIMIT) return first;
  return trial(ratePerSecond);
}
