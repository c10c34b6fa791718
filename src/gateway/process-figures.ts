// What the process itself uses, for the metrics. The delay of the event loop is measured from the first look on: a gateway
// that nobody scrapes is not woken for it.

import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { wallClockMs } from '../base/clock.ts';
import type { ProcessFigures } from '../management/http/metrics/metrics-source.ts';

const RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;

export class ProcessLook {
  readonly #startSeconds = wallClockMs() / 1000 - process.uptime();
  #delay: IntervalHistogram | undefined;

  take(): ProcessFigures {
    const delay = (this.#delay ??= startMeasuring());
    // The histogram holds how long each turn took, the wait that it was meant to be included.
    const seconds = (nanoseconds: number): number =>
      Math.max(0, (Number.isFinite(nanoseconds) ? nanoseconds : 0) / NANOSECONDS - RESOLUTION_MS / 1000);
    const eventLoopDelaySeconds = {
      p50: seconds(delay.percentile(50)),
      p99: seconds(delay.percentile(99)),
      max: seconds(delay.max),
    };
    delay.reset();
    const { user, system } = process.cpuUsage();
    return {
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / MICROSECONDS,
      startSeconds: this.#startSeconds,
      eventLoopDelaySeconds,
    };
  }

  stop(): void {
    this.#delay?.disable();
  }
}

function startMeasuring(): IntervalHistogram {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  return delay;
}
