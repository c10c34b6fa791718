// Policies whose SAs this side makes again by itself: after a deletion by the peer, its silence, or an attempt that came to
// nothing. It says when; who makes them is not its business.

/** After a loss. A random part, so that both sides seldom begin at once. */
const FIRST_WAIT_MS = 500;
/** After attempts that came to nothing; each wait is twice the one before. */
const LEAST_WAIT_MS = 5000;
const MOST_WAIT_MS = 300_000;

interface Wanted {
  attempts: number;
  /** Infinity: nothing is to be done. */
  atMs: number;
}

export class Restarts {
  readonly #random: (bytes: number) => Uint8Array;
  readonly #wanted = new Map<string, Wanted>();

  constructor(random: (bytes: number) => Uint8Array) {
    this.#random = random;
  }

  /** From now on its SAs are made again. */
  want(policy: string): void {
    if (!this.#wanted.has(policy)) this.#wanted.set(policy, { attempts: 0, atMs: Infinity });
  }

  /** Its SAs are gone. */
  lost(policy: string, nowMs: number): void {
    this.#wanted.set(policy, { attempts: 0, atMs: nowMs + FIRST_WAIT_MS * this.#part() });
  }

  /** An attempt has ended. */
  done(policy: string, installed: boolean, nowMs: number): void {
    const wanted = this.#wanted.get(policy);
    if (wanted === undefined) return;
    const waitMs = Math.min(MOST_WAIT_MS, LEAST_WAIT_MS * 2 ** wanted.attempts) * (1 + this.#part());
    wanted.attempts = installed ? 0 : wanted.attempts + 1;
    wanted.atMs = installed ? Infinity : nowMs + waitMs / 2;
  }

  /** Forgets all others. */
  keepOnly(policies: ReadonlySet<string>): void {
    for (const policy of this.#wanted.keys()) if (!policies.has(policy)) this.#wanted.delete(policy);
  }

  /** Infinity where nothing is to be done. */
  get nextMs(): number {
    return Math.min(Infinity, ...[...this.#wanted.values()].map(({ atMs }) => atMs));
  }

  takeDue(nowMs: number): readonly string[] {
    const due = [...this.#wanted].filter(([, { atMs }]) => atMs <= nowMs);
    for (const [, wanted] of due) wanted.atMs = Infinity;
    return due.map(([policy]) => policy);
  }

  /** 0 … 1. */
  #part(): number {
    return (this.#random(1)[0] ?? 0) / 256;
  }
}
