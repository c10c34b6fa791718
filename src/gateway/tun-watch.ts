// Notices that somebody has taken one of the gateway's TUNs down, by looking now and then: with it the kernel has taken
// away the routes into it, and what is protected is unreachable until they are set again.

import { readFile } from 'node:fs/promises';
import type { Time } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';

const LOOK_EVERY_MS = 1000;
/** linux/if.h. */
const IFF_UP = 1;

export interface TunWatchParts {
  readonly time: Pick<Time, 'every'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly names: readonly string[];
  /** Sets devices up, and routes into them. */
  readonly restore: () => Promise<void>;
  /** Flags of a device; undefined: it is gone, or nobody can tell. */
  readonly flagsOf?: (name: string) => Promise<number | undefined>;
}

/** @returns how to end it */
export function watchTuns({ time, log, names, restore, flagsOf = readFlags }: TunWatchParts): () => void {
  let isAtIt = false;
  /** Said once, however often it is tried. */
  let hasFailed = false;
  const look = async (): Promise<void> => {
    const flags = await Promise.all(names.map(flagsOf));
    const tun = names.find((_, at) => ((flags[at] ?? IFF_UP) & IFF_UP) === 0);
    if (tun === undefined) return;
    try {
      await restore();
      log.warn({ tun }, 'somebody took the TUN down: it is up again, with its routes');
      hasFailed = false;
    } catch (error) {
      if (!hasFailed)
        log.warn({ err: error, tun }, 'somebody took the TUN down, and it cannot be set up: nothing passes');
      hasFailed = true;
    }
  };
  return time.every(LOOK_EVERY_MS, () => {
    if (isAtIt) return;
    isAtIt = true;
    void look().finally(() => {
      isAtIt = false;
    });
  });
}

async function readFlags(name: string): Promise<number | undefined> {
  try {
    return Number(await readFile(`/sys/class/net/${name}/flags`, 'utf8'));
  } catch {
    // One that was deleted ends the gateway by itself.
    return undefined;
  }
}
