// The SPD-S (RFC 4301 §4.4.1) as the packet path sees it: an immutable, ordered list of entries with a generation.

import { Classifier } from './classifier.ts';
import type { CompiledSpd, IcmpErrorRule, SaRequirement } from './compiled-spd.ts';
import type { Flow } from './flow.ts';
import { countHit, hitsOfWorker, type HitPackets, type PolicyHitTable } from './policy-hits.ts';
import type { PolicyAction } from './policy.ts';
import { Match, protocolOfSelectors } from './selector-match.ts';

/** No entry matches; RFC 4301 §4.4.1 has such traffic DISCARDed. */
export const NO_POLICY = -1;
/** An entry that selects by port may match, but the packet does not show its ports. */
export const PORTS_NEEDED = -2;

/** What remains of a policy besides its selectors. */
export interface SpdEntry {
  readonly name: string;
  readonly action: PolicyAction;
  /** Present where and only where the action is PROTECT. */
  readonly sa: SaRequirement | undefined;
}

export class SpdSnapshot {
  /** Greater than 0; each snapshot has a higher one than the snapshot before. */
  readonly generation: number;
  readonly icmpErrors: IcmpErrorRule;
  /** In the order in which packets meet them. */
  readonly policies: readonly SpdEntry[];
  readonly #spd: CompiledSpd;
  readonly #hits: PolicyHitTable;
  readonly #classifier: Classifier;

  /** @param worker whose hits are counted: one of `workers` */
  constructor(spd: CompiledSpd, worker = 0, workers = 1) {
    this.#hits = hitsOfWorker(spd.hits, worker, workers);
    this.generation = spd.generation;
    this.icmpErrors = spd.icmpErrors;
    this.policies = spd.names.map((name, index) => ({
      name,
      action: spd.actions[index] ?? 'DISCARD',
      sa: spd.requirements[spd.requirementOf[index] ?? NO_POLICY],
    }));
    this.#spd = spd;
    this.#classifier = new Classifier(spd.classifier);
  }

  /**
   * Finds the first entry that matches (RFC 4301 §4.4.1: the SPD is ordered).
   * @param after the first one behind this entry
   * @returns its index in {@link policies}, {@link NO_POLICY} or {@link PORTS_NEEDED}
   */
  lookup(flow: Flow, after: number = NO_POLICY): number {
    const index = this.#classifier.find(flow, after);
    if (index < 0) return NO_POLICY;
    // A later entry must not carry what this one might have refused: RFC 4301 §7 leaves no guess.
    return this.#classifier.match === Match.unknownPorts ? PORTS_NEEDED : index;
  }

  /** A packet has met an entry with BYPASS or DISCARD; of the others nothing is counted. @param index negative: it met none */
  countHit(index: number, packets: HitPackets, bytes: number): void {
    if (index >= 0) countHit(this.#hits, -1 - this.#spd.requirementOf[index]!, packets, bytes);
  }

  /** True where the entry selects by name (RFC 4301 §4.4.1.1). */
  isNamed(index: number): boolean {
    return this.policies[index]!.sa?.isNamed === true;
  }

  /** True where the entry names a next layer protocol. */
  namesProtocol(index: number): boolean {
    const { selectors, selectorsAt } = this.#spd.classifier;
    return protocolOfSelectors(selectors, selectorsAt[index]!) !== undefined;
  }
}
