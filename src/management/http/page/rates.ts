// Bytes a second from counts that are asked for again and again; remembers some minutes of them for the charts.

export interface Counted {
  readonly bytesOut: number;
  readonly bytesIn: number;
}

export interface Rate {
  readonly out: number;
  readonly in: number;
}

const MOST_POINTS = 150;

interface Series {
  last: Counted & { readonly atMs: number };
  readonly rates: Rate[];
}

export class Rates {
  readonly #series = new Map<string, Series>();

  /** Of the keys that are not named any more nothing is kept. */
  note(counts: ReadonlyMap<string, Counted>, atMs: number): void {
    for (const key of this.#series.keys()) if (!counts.has(key)) this.#series.delete(key);
    for (const [key, { bytesOut, bytesIn }] of counts) {
      const next = { bytesOut, bytesIn, atMs };
      const series = this.#series.get(key);
      if (series === undefined) {
        this.#series.set(key, { last: next, rates: [] });
        continue;
      }
      const seconds = (atMs - series.last.atMs) / 1000;
      if (seconds <= 0) continue;
      // After a restart of the gateway counts begin again.
      const of = (now: number, before: number): number => Math.max(0, now - before) / seconds;
      series.rates.push({ out: of(bytesOut, series.last.bytesOut), in: of(bytesIn, series.last.bytesIn) });
      if (series.rates.length > MOST_POINTS) series.rates.shift();
      series.last = next;
    }
  }

  of(key: string): readonly Rate[] {
    return this.#series.get(key)?.rates ?? [];
  }

  now(key: string): Rate {
    return this.of(key).at(-1) ?? { out: 0, in: 0 };
  }
}
