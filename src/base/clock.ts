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
