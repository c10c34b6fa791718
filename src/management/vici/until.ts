// Waits until something is so of the SAs of a gateway, for a bounded time where there is a bound.

import type { ViciGateway } from './vici-gateway.ts';

export interface Waiting {
  /** As vici has it: 0 without end, below not at all. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** @returns false where the time was over first, or nobody waits any more */
export async function until(
  gateway: Pick<ViciGateway, 'onChange'>,
  isSo: () => boolean,
  { timeoutMs, signal }: Waiting,
): Promise<boolean> {
  if (isSo()) return true;
  if (signal.aborted) return false;
  return new Promise((resolve) => {
    const settle = (result: boolean): void => {
      clearTimeout(timer);
      end();
      signal.removeEventListener('abort', giveUp);
      resolve(result);
    };
    const giveUp = (): void => {
      settle(false);
    };
    const end = gateway.onChange(() => {
      if (isSo()) settle(true);
    });
    const timer = timeoutMs > 0 ? setTimeout(giveUp, timeoutMs) : undefined;
    signal.addEventListener('abort', giveUp);
  });
}
