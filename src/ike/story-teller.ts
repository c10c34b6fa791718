// Tells the stories of IKE SAs. What strangers can cause has a bound, and what packets can: whoever floods the gateway
// cannot flood its log.

import type { IkeEngineParts } from './ike-engine-parts.ts';
import { STORIES, type StoryName } from './stories.ts';

/** Many peers may come back at once. */
const BURST = 50;
const PER_SECOND = 10;
/** Identities, offers and selectors of a peer may be as long as its messages. */
const MOST_TEXT_CHARACTERS = 1000;

/** A token bucket, and how many stories it has held back. */
interface Allowance {
  places: number;
  countedMs: number;
  untold: number;
}

export class StoryTeller {
  /** How often each happened, untold ones included. */
  readonly counts: Map<StoryName, number> = new Map<StoryName, number>();
  readonly #parts: Pick<IkeEngineParts, 'now' | 'effects'>;
  readonly #ofStrangers: Allowance = { places: BURST, countedMs: 0, untold: 0 };
  readonly #ofPackets: Allowance = { places: BURST, countedMs: 0, untold: 0 };

  constructor(parts: Pick<IkeEngineParts, 'now' | 'effects'>) {
    this.#parts = parts;
  }

  tell(name: StoryName, details: Readonly<Record<string, unknown>>): void {
    this.#count(name);
    this.#tell(name, details);
  }

  /** Of somebody who has not proved an identity. `untold` says how many such stories were left out before. */
  tellOfStranger(name: StoryName, details: Readonly<Record<string, unknown>>): void {
    this.#tellWithin(this.#ofStrangers, name, details);
  }

  /** Of what a packet asked for; `untold` as with strangers. */
  tellOfPacket(name: StoryName, details: Readonly<Record<string, unknown>>): void {
    this.#tellWithin(this.#ofPackets, name, details);
  }

  #tellWithin(allowance: Allowance, name: StoryName, details: Readonly<Record<string, unknown>>): void {
    this.#count(name);
    const nowMs = this.#parts.now();
    const passedMs = nowMs - allowance.countedMs;
    allowance.places = Math.min(BURST, allowance.places + (passedMs * PER_SECOND) / 1000);
    allowance.countedMs = nowMs;
    if (allowance.places < 1) {
      allowance.untold++;
      return;
    }
    allowance.places--;
    const { untold } = allowance;
    this.#tell(name, untold === 0 ? details : { ...details, untold });
    allowance.untold = 0;
  }

  #tell(name: StoryName, details: Readonly<Record<string, unknown>>): void {
    const { level, sentence } = STORIES[name];
    this.#parts.effects.tell(level, sentence, shortened(details));
  }

  #count(name: StoryName): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

function shortened(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isLong = (value: unknown): value is string =>
    typeof value === 'string' && value.length > MOST_TEXT_CHARACTERS;
  if (!Object.values(details).some(isLong)) return details;
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      isLong(value) ? `${value.slice(0, MOST_TEXT_CHARACTERS)}…` : value,
    ]),
  );
}
