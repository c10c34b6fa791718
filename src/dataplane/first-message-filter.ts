// First messages of strangers, a flood of which costs what it costs to read them (RFC 7296 §2.6): once more come than the
// worker lets up anyway, a filter in the sockets lets only so many through that it has twice its choice. It lets pass, always,
// what peers of the configuration send and what belongs to an IKE SA, and it goes when the flood does.

import type { Logger } from '../base/log.ts';
import { Counter, type Counters } from './counters.ts';
import { Drop } from './drop-reasons.ts';
import type { IkeAcquaintances } from './ike-acquaintances.ts';
import type { IkeSocket } from './ike-socket.ts';
import type { NativeAddon } from './native/addon.ts';

/** Those without a cookie, and as many with one, that go up to IKE. */
export const FIRST_MESSAGES_PER_SECOND = 2000;
/** The least that a filter leaves of a flood. */
const LET_THROUGH_PER_SECOND = 2 * FIRST_MESSAGES_PER_SECOND;
/** From so many on; a filter is no answer to a handful that is too much. */
const FLOOD_PER_SECOND = 2 * LET_THROUGH_PER_SECOND;
const MOST_ONE_IN = 2 ** 10;
/** A filter has room for so many addresses; a gateway with more peers has none. */
const MOST_KNOWN = { 4: 512, 6: 128 } as const;

export interface FirstMessageFilterParts {
  readonly addon: Pick<NativeAddon, 'filterFirstMessages' | 'kernelDrops'>;
  /** Empty where there is no IKE. */
  readonly sockets: readonly IkeSocket[];
  /** Of all sockets: where there is IKE, first of its own in their order. */
  readonly descriptors: readonly number[];
  readonly counters: Counters;
  readonly acquaintances: Pick<IkeAcquaintances, 'places'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** Of the messages without a cookie, and of those with one, one in so many passes. */
interface Setting {
  readonly strangersOneIn: number;
  readonly cookiesOneIn: number;
  readonly places: readonly Uint8Array[];
}

const NO_FILTER: Setting = { strangersOneIn: 1, cookiesOneIn: 1, places: [] };

export class FirstMessageFilter {
  readonly #parts: FirstMessageFilterParts;
  #filter = NO_FILTER;
  #strangers = 0;
  #cookies = 0;
  readonly #kernelDrops: number[];
  /** Monotonic milliseconds. */
  #lookedMs: number;

  constructor(parts: FirstMessageFilterParts, nowMs: number) {
    this.#parts = parts;
    this.#kernelDrops = parts.descriptors.map((descriptor) => parts.addon.kernelDrops(descriptor));
    this.#lookedMs = nowMs;
  }

  /** Called a few times a second, while the sockets are open. */
  look(nowMs: number): void {
    const seconds = (nowMs - this.#lookedMs) / 1000;
    if (seconds <= 0) return;
    this.#lookedMs = nowMs;
    const dropped = this.#countKernelDrops();
    const { counters, acquaintances } = this.#parts;
    const strangers = counters[Counter.strangersFirstMessages]!;
    const cookies = counters[Counter.cookieFirstMessages]!;
    const { strangersOneIn, cookiesOneIn } = this.#filter;
    // What the filter has never judged, as in a train, must not be multiplied: no more was kept off than the kernel has dropped.
    const offered = (passed: number, oneOf: number): number =>
      Math.min(passed * oneOf, passed + dropped) / seconds;
    const next = {
      strangersOneIn: oneIn(offered(strangers - this.#strangers, strangersOneIn)),
      cookiesOneIn: oneIn(offered(cookies - this.#cookies, cookiesOneIn)),
    };
    this.#strangers = strangers;
    this.#cookies = cookies;
    this.#use({ ...next, places: acquaintances.places });
  }

  /** @returns how many more there are, of the sockets of IKE */
  #countKernelDrops(): number {
    const { addon, descriptors, counters, sockets } = this.#parts;
    let ofIke = 0;
    descriptors.forEach((descriptor, at) => {
      const drops = addon.kernelDrops(descriptor);
      const more = (drops - this.#kernelDrops[at]!) >>> 0;
      this.#kernelDrops[at] = drops;
      // This thread alone writes the cell.
      counters[Drop.inboundKernel] = counters[Drop.inboundKernel]! + more;
      if (at < sockets.length) ofIke += more;
    });
    return ofIke;
  }

  #use(wanted: Setting): void {
    const before = this.#filter;
    if (isOff(wanted) ? isOff(before) : isSame(wanted, before)) return;
    this.#filter = wanted;
    const { log } = this.#parts;
    try {
      this.#attach(wanted);
    } catch (err) {
      log.warn({ err }, 'the kernel takes no filter against a flood of first messages: each is read');
      return;
    }
    const { strangersOneIn, cookiesOneIn } = wanted;
    if (isOff(before))
      log.warn(
        { strangersOneIn, cookiesOneIn },
        'a flood of first messages of IKE: the kernel drops most of those of strangers',
      );
    else if (isOff(wanted)) log.info('the flood of first messages of IKE is over');
  }

  #attach(wanted: Setting): void {
    const { addon, sockets, descriptors } = this.#parts;
    const known = { 4: ofFamily(wanted.places, 4), 6: ofFamily(wanted.places, 6) };
    for (const [at, { family, hasMarker }] of sockets.entries()) {
      const hasRoom = known[family].length <= MOST_KNOWN[family];
      const { strangersOneIn, cookiesOneIn } = hasRoom ? wanted : NO_FILTER;
      const addresses = hasRoom ? Buffer.concat(known[family]) : new Uint8Array();
      addon.filterFirstMessages(descriptors[at]!, hasMarker, addresses, strangersOneIn, cookiesOneIn);
    }
  }
}

/** @param perSecond before the filter @returns a power of two */
function oneIn(perSecond: number): number {
  if (perSecond < FLOOD_PER_SECOND) return 1;
  return Math.min(MOST_ONE_IN, 2 ** Math.floor(Math.log2(perSecond / LET_THROUGH_PER_SECOND)));
}

function isOff({ strangersOneIn, cookiesOneIn }: Setting): boolean {
  return strangersOneIn === 1 && cookiesOneIn === 1;
}

function isSame(one: Setting, other: Setting): boolean {
  return (
    one.strangersOneIn === other.strangersOneIn &&
    one.cookiesOneIn === other.cookiesOneIn &&
    one.places === other.places
  );
}

function ofFamily(places: readonly Uint8Array[], family: 4 | 6): readonly Uint8Array[] {
  return places.filter(({ length }) => length === (family === 4 ? 4 : 16));
}
