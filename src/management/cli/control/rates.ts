// What goes through each tunnel, from two looks at its counters.

import type { PeerStatus, TunnelStatus } from '../../vici/extensions/status.ts';
import type { Rate } from './render-status.ts';

export class Rates {
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
