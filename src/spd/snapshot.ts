// The SPD-S (RFC 4301 §4.4.1) as the packet path sees it: an immutable, ordered list of entries with a generation.

import type { Flow } from './flow.ts';
import type { Policy } from './policy.ts';
import { Match, SelectorMatcher } from './selector-match.ts';

/** No entry matches; RFC 4301 §4.4.1 has such traffic DISCARDed. */
export const NO_POLICY = -1;
/** An entry that selects by port may match, but the packet does not show its ports. */
export const PORTS_NEEDED = -2;

export class SpdSnapshot {
  /** Greater than 0; each snapshot has a higher one than the snapshot before. */
  readonly generation: number;
  /** In the order in which packets meet them. */
  readonly policies: readonly Policy[];
  readonly #matchers: readonly SelectorMatcher[];

  constructor(generation: number, policies: readonly Policy[]) {
    this.generation = generation;
    // Array.prototype.sort is stable: equal priorities keep the order of the file.
    this.policies = policies.toSorted((a, b) => a.priority - b.priority);
    this.#matchers = this.policies.map((policy) => new SelectorMatcher(policy.selectors));
  }

  /**
   * Finds the first entry that matches (RFC 4301 §4.4.1: the SPD is ordered).
   * @returns its index in {@link policies}, {@link NO_POLICY} or {@link PORTS_NEEDED}
   */
  lookup(flow: Flow): number {
    for (let index = 0; index < this.#matchers.length; index++) {
      const match = this.#matchers[index]!.match(flow);
      if (match === Match.yes) return index;
      // A later entry must not carry what this one might have refused: RFC 4301 §7 leaves no guess.
      if (match === Match.unknownPorts) return PORTS_NEEDED;
    }
    return NO_POLICY;
  }
}
