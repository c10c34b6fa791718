// Remembers what went wrong last with each peer, and with the gateway itself: the newest line of the log that warns or
// complains of it. What the data plane audits is not among it: that is counted as drops.

import { describeFields, listenToLog, type Logger } from '../base/log.ts';
import type { Trouble } from '../management/vici/extensions/status.ts';

interface Kept {
  readonly level: Trouble['level'];
  readonly message: string;
  readonly policy: string | undefined;
  readonly atMs: number;
}

/** Names of peers that a reload took away among them. */
const MOST_PEERS = 16_384;
const MOST_TEXT = 500;
const IS_TROUBLE = /"level":"(warn|error)"/;

export class Troubles {
  readonly #now: () => number;
  readonly #ofPeers = new Map<string, Kept>();
  #last: Kept | undefined;

  /** @param log whose level lets warnings through @param now monotonic milliseconds */
  constructor(log: Logger, now: () => number) {
    this.#now = now;
    listenToLog(log, (line) => {
      if (IS_TROUBLE.test(line)) this.#take(line);
    });
  }

  /** @param peer undefined: the gateway itself */
  of(peer: string | undefined): Trouble | undefined {
    const kept = peer === undefined ? this.#last : this.#ofPeers.get(peer);
    if (kept === undefined) return undefined;
    const { atMs, ...trouble } = kept;
    return { ...trouble, secondsAgo: Math.max(0, (this.#now() - atMs) / 1000) };
  }

  #take(line: string): void {
    const { peer, ike, policy, ...fields } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const { level } = fields;
    if (level !== 'warn' && level !== 'error') return;
    // Of IKE, `audit` says why a peer was refused.
    if ('audit' in fields && ike === undefined && peer === undefined) return;
    const kept: Kept = {
      level,
      message: describeFields(fields).slice(0, MOST_TEXT),
      policy: typeof policy === 'string' ? policy : undefined,
      atMs: this.#now(),
    };
    if (typeof peer !== 'string') {
      this.#last = kept;
      return;
    }
    // The newest is the last of the map.
    this.#ofPeers.delete(peer);
    this.#ofPeers.set(peer, kept);
    const [oldest] = this.#ofPeers.keys();
    if (this.#ofPeers.size > MOST_PEERS && oldest !== undefined) this.#ofPeers.delete(oldest);
  }
}
