// The one clock of the process: monotonic, and the same that the native devices read (CLOCK_MONOTONIC). Whoever
// needs time is given this function.

/** Milliseconds since 1970, as the host believes: for dates in certificates only. */
export function wallClockMs(): number {
  return Date.now();
}

/** Monotonic milliseconds, with a fraction. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** setTimeout takes no longer one. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Clocks, and calls when a time has come. */
export interface Time {
  readonly monotonicMs: () => number;
  readonly wallClockMs: () => number;
  /** Calls once; a time that is further away than a timer can wait comes early. @returns how to call it off */
  readonly after: (ms: number, call: () => void) => () => void;
  /** Calls again and again. @returns how to end it */
  readonly every: (ms: number, call: () => void) => () => void;
}

/** Of this host. */
export const HOST_TIME: Time = {
  monotonicMs,
  wallClockMs,
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(Math.max(0, Math.ceil(ms)), LONGEST_TIMER_MS));
    return () => {
      clearTimeout(timer);
    };
  },
  every: (ms, call) => {
    const timer = setInterval(call, ms);
    return () => {
      clearInterval(timer);
    };
  },
};
