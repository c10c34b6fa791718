// `isthmus watch`: the status, again and again, with what goes through each tunnel meanwhile.

import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../../base/clock.ts';
import type { PeerStatus, TunnelStatus } from '../../vici/extensions/status.ts';
import type { Output } from '../output.ts';
import { paintFor } from './paint.ts';
import { renderStatus, type Rate } from './render-status.ts';
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

class Rates {
  #before = new Map<string, TunnelStatus>();
  #beforeMs = 0;

  /** @returns of each tunnel that was there the last time, since then */
  take(peers: readonly PeerStatus[], nowMs: number): ReadonlyMap<string, Rate> {
    const seconds = (nowMs - this.#beforeMs) / 1000;
    const now = new Map(peers.flatMap(({ tunnels }) => tunnels.map((tunnel) => [tunnel.name, tunnel])));
    const rates = new Map<string, Rate>();
    for (const [name, tunnel] of now) {
      const before = this.#before.get(name);
      if (before === undefined) continue;
      const perSecond = (bytes: number, bytesBefore: number): number =>
        Math.max(0, Math.round((8 * (bytes - bytesBefore)) / seconds));
      rates.set(name, {
        bitsOut: perSecond(tunnel.bytesOut, before.bytesOut),
        bitsIn: perSecond(tunnel.bytesIn, before.bytesIn),
      });
    }
    this.#before = now;
    this.#beforeMs = nowMs;
    return rates;
  }
}
