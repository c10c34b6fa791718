// First messages of peers, before there is an IKE SA: from here on a message costs a key exchange and memory, so floods
// end here. RFC 7296 §2.1, §2.6.

import type { IkeHeader } from '../wire/ike/ike-header.ts';
import { NO_IKE_SPI, type IkeSpi } from '../wire/ike/ike-spi.ts';
import type { IkeMessage } from '../wire/ike/message.ts';
import { scanFirstMessage } from '../wire/ike/scan-first-message.ts';
import { describePath, type Path } from './connection.ts';
import { Cookies } from './cookies.ts';
import { answerInit, askForCookie, type Candidates } from './exchanges/answer-ike-sa-init.ts';
import { mayRepeat, newHalfOpen } from './half-open-sas.ts';
import type { IkeDrops, IkeEngineParts } from './ike-engine-parts.ts';
import type { Entry, IkeSas } from './ike-sas.ts';
import { SourceRates, type Rate } from './source-rates.ts';
import type { StoryTeller } from './story-teller.ts';
import type { IkeContext } from './turn.ts';

/** Half-open IKE SAs from which on a cookie is asked for (RFC 7296 §2.6), and beyond which the oldest goes. */
const COOKIE_THRESHOLD = 32;
const MOST_HALF_OPEN = 1024;
/**
 * RFC 8019 §4.2: one source has no more of them at once; each is there for one round trip of an honest peer. Those without a
 * cookie, whose source may be forged, leave room for those with one.
 */
const MOST_OF_ONE_SOURCE = 2 * COOKIE_THRESHOLD;
/**
 * What one source may send before it has to show that it is there; who forges the address of another can no more than make
 * that one show it.
 */
const STRANGERS: Rate = { perSecond: 20, burst: 100 };
/** And afterwards: each costs a key exchange. */
const PROVEN: Rate = { perSecond: 500, burst: 2000 };

export interface FirstMessagesParts {
  readonly engine: IkeEngineParts;
  readonly sas: IkeSas;
  readonly drops: IkeDrops;
  readonly stories: StoryTeller;
  readonly context: () => IkeContext;
  /** Every peer that could come from there. */
  readonly candidatesAt: (path: Path) => Candidates;
  readonly giveUp: (entry: Entry) => void;
}

export class FirstMessages {
  readonly #parts: FirstMessagesParts;
  readonly #cookies: Cookies;
  readonly #strangers: SourceRates;
  readonly #proven: SourceRates;
  #cookiesAsked = 0;

  constructor(parts: FirstMessagesParts) {
    this.#parts = parts;
    this.#cookies = new Cookies(parts.engine, parts.engine.now());
    this.#strangers = new SourceRates(STRANGERS, parts.engine);
    this.#proven = new SourceRates(PROVEN, parts.engine);
  }

  /** First messages that were answered with a cookie. */
  get cookiesAsked(): number {
    return this.#cookiesAsked;
  }

  /**
   * Asks for a cookie where one is wanted that the message does not have; nothing else of it was looked at then.
   * @param bytes of IKE_SA_INIT @returns true: there is nothing more to do with it
   */
  asksForCookie(bytes: Uint8Array, header: IkeHeader, path: Path): boolean {
    const { sas, engine } = this.#parts;
    if (!isFirst(header) || sas.halfOpen.get(halfOpenKey(header.initiatorSpi, path)) !== undefined)
      return false;
    const { bytes: address } = path.remoteAddress;
    const nowMs = engine.now();
    const isCalm = this.#strangers.take(address, nowMs) && sas.halfOpen.count < COOKIE_THRESHOLD;
    const scan = isCalm ? undefined : scanFirstMessage(bytes);
    if (scan === undefined) return false;
    const { nonce, cookie } = scan;
    const request = { nonce, address, initiatorSpi: header.initiatorSpi };
    if (cookie !== undefined && this.#cookies.isValid(cookie, request, nowMs)) return false;
    this.#cookiesAsked++;
    engine.effects.send(path, askForCookie(header.initiatorSpi, this.#cookies.make(request, nowMs)));
    return true;
  }

  /** What {@link asksForCookie} has nothing against. @returns a half-open IKE SA that has begun */
  take(bytes: Uint8Array, message: IkeMessage, path: Path): Entry | undefined {
    const { sas, drops } = this.#parts;
    const { header } = message;
    if (!isFirst(header)) return undefined;
    const key = halfOpenKey(header.initiatorSpi, path);
    const known = sas.halfOpen.get(key);
    if (known !== undefined) {
      this.#repeat(known, bytes, path);
      return undefined;
    }
    if (this.#isTooMuch(path)) {
      drops.flooded++;
      return undefined;
    }
    return this.#answer(bytes, message, path, key);
  }

  #isTooMuch({ remoteAddress: { bytes: address } }: Path): boolean {
    const { sas, engine } = this.#parts;
    if (!this.#proven.take(address, engine.now())) return true;
    if (sas.halfOpen.countFrom(address) >= MOST_OF_ONE_SOURCE) return true;
    return sas.halfOpen.count >= MOST_HALF_OPEN && sas.halfOpen.oldestOfBusiest() === undefined;
  }

  /** RFC 7296 §2.1: the same request has the same answer. */
  #repeat({ state, halfOpen }: Entry, bytes: Uint8Array, path: Path): void {
    const { engine, drops } = this.#parts;
    const { initiation } = state;
    if (initiation === undefined || Buffer.compare(initiation.request, bytes) !== 0) return;
    if (halfOpen !== undefined && mayRepeat(halfOpen, engine.now()))
      engine.effects.send(path, initiation.response);
    else drops.flooded++;
  }

  #answer(bytes: Uint8Array, message: IkeMessage, path: Path, key: string): Entry | undefined {
    const { sas, drops, engine, stories, context, candidatesAt } = this.#parts;
    const result = answerInit(bytes, message, path, candidatesAt(path), context());
    if ('drop' in result) {
      drops.malformed++;
      return undefined;
    }
    if ('mismatch' in result)
      stories.tellOfStranger('no-ike-proposal', { ...describePath(path), reason: result.mismatch });
    engine.effects.send(path, result.response);
    if (!('state' in result)) return undefined;
    engine.effects.keyed?.(result.state);
    stories.tellOfStranger('init-answered', { ...describePath(path), proposal: result.proposal });
    // The last thing: what failed before would leave an IKE SA that nobody gives up.
    this.#makeRoom();
    return sas.add(result.state, { halfOpen: newHalfOpen(key) });
  }

  #makeRoom(): void {
    const { sas, giveUp } = this.#parts;
    const oldest = sas.halfOpen.count >= MOST_HALF_OPEN ? sas.halfOpen.oldestOfBusiest() : undefined;
    if (oldest === undefined) return;
    sas.halfOpen.remove(oldest);
    giveUp(oldest);
  }
}

/** The message ID, too, is 0 in all repetitions (RFC 7296 §2.2, §2.6). */
function isFirst({ isResponse, messageId, responderSpi, initiatorSpi }: IkeHeader): boolean {
  return !isResponse && messageId === 0 && responderSpi === NO_IKE_SPI && initiatorSpi !== NO_IKE_SPI;
}

function halfOpenKey(spi: IkeSpi, { remoteAddress, remotePort }: Path): string {
  return `${spi} ${Buffer.from(remoteAddress.bytes).toString('hex')} ${remotePort}`;
}
