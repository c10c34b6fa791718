// IKE SAs that a first message has made and nobody has proved to be the peer of: found by that message, counted by
// where it came from, so that no source takes the places of all. RFC 7296 §2.1, §2.6; RFC 8019 §4.2.

import type { IkeSaState } from './ike-sa-state.ts';
import { sourceOf } from './source-rates.ts';

/** An ordinary peer repeats its first message a few times, more and more slowly. */
const ANSWERS_AT_ONCE = 3;
const MOST_ANSWERS = 10;
const ANSWER_INTERVAL_MS = 1000;

/** Of an entry that is half open, or was. */
export interface HalfOpen {
  /** The peer's SPI, address and port. */
  readonly key: string;
  /** How often its first message was answered again, and when last. */
  repeats: number;
  repeatedMs: number;
}

/** What is asked of an IKE SA here. */
interface Holder {
  readonly state: Pick<IkeSaState, 'path'>;
  readonly events: readonly unknown[];
  readonly running: Promise<void> | undefined;
  readonly halfOpen: HalfOpen | undefined;
}

export function newHalfOpen(key: string): HalfOpen {
  return { key, repeats: 0, repeatedMs: -Infinity };
}

/** Whoever forges an address can have it sent no more than this. */
export function mayRepeat(halfOpen: HalfOpen, nowMs: number): boolean {
  const isSoon = nowMs < halfOpen.repeatedMs + ANSWER_INTERVAL_MS;
  if (halfOpen.repeats >= MOST_ANSWERS || (halfOpen.repeats >= ANSWERS_AT_ONCE && isSoon)) return false;
  halfOpen.repeats++;
  halfOpen.repeatedMs = nowMs;
  return true;
}

export class HalfOpenSas<Entry extends Holder> {
  readonly #byKey = new Map<string, Entry>();
  /** The oldest of each first. */
  readonly #bySource = new Map<string, Set<Entry>>();
  readonly #sources = new Map<Entry, string>();

  get count(): number {
    return this.#byKey.size;
  }

  get(key: string): Entry | undefined {
    return this.#byKey.get(key);
  }

  add(entry: Entry, { key }: HalfOpen): void {
    const source = sourceOf(entry.state.path.remoteAddress.bytes);
    this.#byKey.set(key, entry);
    this.#sources.set(entry, source);
    const entries = this.#bySource.get(source);
    if (entries === undefined) this.#bySource.set(source, new Set([entry]));
    else entries.add(entry);
  }

  remove(entry: Entry): void {
    const source = this.#sources.get(entry);
    if (source === undefined) return;
    this.#sources.delete(entry);
    if (entry.halfOpen !== undefined) this.#byKey.delete(entry.halfOpen.key);
    const entries = this.#bySource.get(source);
    entries?.delete(entry);
    if (entries?.size === 0) this.#bySource.delete(source);
  }

  /** @param address 4 or 16 bytes */
  countFrom(address: Uint8Array): number {
    return this.#bySource.get(sourceOf(address))?.size ?? 0;
  }

  /** Of the source that has the most; none that something happens to just now, for it may become more. */
  oldestOfBusiest(): Entry | undefined {
    let busiest: ReadonlySet<Entry> = new Set();
    for (const entries of this.#bySource.values()) if (entries.size > busiest.size) busiest = entries;
    return [...busiest].find(({ running, events }) => running === undefined && events.length === 0);
  }
}
