// `isthmus watch`: the status, again and again, with what goes through each tunnel meanwhile.

import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../../base/clock.ts';
import type { Output } from '../output.ts';
import { paintFor } from './paint.ts';
import { renderStatus } from './render-status.ts';
import { Rates } from './rates.ts';
import { readStatus } from './status.ts';
import { withSession, type ControlOptions } from './with-session.ts';

export interface WatchOptions extends ControlOptions {
  /** Seconds. */
  readonly interval: number;
  /** Left out: until it is stopped. */
  readonly count?: number;
}

/** To the upper left corner; clear what is below. */
const HOME = '\u001b[H\u001b[J';

/** @throws NoGatewayError when the gateway is gone */
export async function watchStatus(options: WatchOptions, output: Output): Promise<void> {
  await withSession(options, async (session) => {
    const rates = new Rates();
    for (let shown = 0; shown < (options.count ?? Infinity); shown++) {
      if (shown > 0) await sleep(1000 * options.interval);
      const { gateway, peers } = await readStatus(session);
      const current = rates.take(peers, monotonicMs());
      if (options.json === true) {
        output.out(`${JSON.stringify({ gateway, peers, rates: Object.fromEntries(current) })}\n`);
        continue;
      }
      const text = renderStatus(gateway, peers, paintFor(output), current);
      const rows = output.terminalRows?.();
      output.out(rows === undefined ? `${shown === 0 ? '' : '\n'}${text}` : `${HOME}${cut(text, rows)}`);
    }
  });
}

/** What a screen holds. */
function cut(text: string, rows: number): string {
  const lines = text.split('\n');
  return lines.length <= rows ? text : [...lines.slice(0, rows - 2), '…', ''].join('\n');
}
