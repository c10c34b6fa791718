// The last messages of IKE with each peer, and what was told of them, for people who want to see what was said. It keeps
// headers and no contents, of a bounded number of peers. RFC 7296 §3.1.

import { wallClockMs } from '../base/clock.ts';
import type { Effect, IkeEvent } from '../ike/effects.ts';
import type { IkeSaState } from '../ike/ike-sa-state.ts';
import { STORIES } from '../ike/stories.ts';
import type { LadderStep } from '../management/http/page-state.ts';
import { outlineOf } from './message-outline.ts';

const MOST_PEERS = 1024;
const MOST_STEPS = 32;
/** Whose peer is not known: strangers, all together. */
const NOBODY = '';

export class ExchangeHistory {
  /** By name of the connection; the one that spoke last stands last. */
  readonly #steps = new Map<string, LadderStep[]>();
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(now: () => number = wallClockMs) {
    this.#now = now;
  }

  /** @param peer name of a connection */
  of(peer: string): readonly LadderStep[] {
    return this.#steps.get(peer) ?? [];
  }

  /** One event of an IKE SA, and what followed from it. */
  note(before: IkeSaState, event: IkeEvent, after: IkeSaState, effects: readonly Effect[]): void {
    const added = this.#stepsOf(before, event, after, effects);
    if (added.length === 0) return;
    const peer = (after.connection ?? before.connection)?.name ?? NOBODY;
    const steps = [...this.of(peer), ...added].slice(-MOST_STEPS);
    this.#steps.delete(peer);
    this.#steps.set(peer, steps);
    const [oldest] = this.#steps.keys();
    if (this.#steps.size > MOST_PEERS && oldest !== undefined) this.#steps.delete(oldest);
  }

  #stepsOf(
    before: IkeSaState,
    event: IkeEvent,
    after: IkeSaState,
    effects: readonly Effect[],
  ): readonly LadderStep[] {
    const { localSpi: spi } = before;
    const common = { atMs: this.#now(), spi };
    const steps: LadderStep[] = [];
    const message = (direction: 'in' | 'out', datagrams: readonly Uint8Array[]): void => {
      const [first] = datagrams;
      const outline = first && outlineOf(first);
      if (outline === undefined) return;
      const bytes = datagrams.reduce((sum, { length }) => sum + length, 0);
      steps.push({ ...common, type: 'message', direction, ...outline, bytes, datagrams: datagrams.length });
    };
    if (before.phase === 'half-open' && before.initiation !== undefined && after.connection !== undefined) {
      message('in', [before.initiation.request]);
      message('out', [before.initiation.response]);
    }
    // What is not authentic changes nothing, and has no place here.
    const told = effects.filter((effect) => effect.type === 'story' || effect.type === 'send');
    const isHeard = after !== before || told.some((effect) => effect.type === 'send');
    if (event.type === 'message' && isHeard) message('in', [event.bytes]);
    for (const effect of told)
      if (effect.type === 'send') message('out', effect.datagrams);
      else if (event.type !== 'message' || isHeard)
        steps.push({ ...common, type: 'story', ...STORIES[effect.name] });
    return steps;
  }
}
