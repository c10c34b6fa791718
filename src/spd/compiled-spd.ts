// The ordered SPD-S (RFC 4301 §4.4.1) made ready for packets, as plain data that crosses to a worker at little cost:
// tables in shared memory, and of each entry only what a packet's way depends on.

import type { ClassifierTables } from './classifier.ts';
import { buildClassifier } from './classifier-build.ts';
import { allocateHits, type PolicyHitTable } from './policy-hits.ts';
import type { Policy, PolicyAction, SaSpecification } from './policy.ts';

/** What an SA is compared with when a packet came by it (RFC 4301 §5.2 step 4), and who makes one where there is none. */
export type SaRequirement = Pick<
  SaSpecification,
  'peer' | 'transform' | 'esn' | 'choices' | 'keying' | 'populateFromPacket' | 'isNamed'
>;

/**
 * `check`: an ICMP error that no policy names is judged by the packet that it reports (RFC 4301 §6.2).
 * `selectors`: it is judged by its own header, like any packet.
 */
export type IcmpErrorRule = 'check' | 'selectors';

export interface CompiledSpd {
  /** Greater than 0; rises from one to the next. */
  readonly generation: number;
  readonly icmpErrors: IcmpErrorRule;
  /** In the order in which packets meet them, as all below. */
  readonly names: readonly string[];
  readonly actions: readonly PolicyAction[];
  /** Each once; {@link requirementOf} says which belongs to a PROTECT entry; of the others it has the row of {@link hits}, as -1 - row. */
  readonly requirements: readonly SaRequirement[];
  readonly requirementOf: Int32Array<SharedArrayBuffer>;
  readonly classifier: ClassifierTables;
  /** See policy-hits.ts; written by the workers that have these policies. */
  readonly hits: PolicyHitTable;
}

/** Orders and compiles policies; for 10 000 of them a fraction of a second, so not in a thread that moves packets. */
export function compileSpd(
  generation: number,
  policies: readonly Policy[],
  icmpErrors: IcmpErrorRule = 'check',
  workers = 1,
): CompiledSpd {
  // Array.prototype.sort is stable: equal priorities keep the order of the file.
  const ordered = policies.toSorted((a, b) => a.priority - b.priority);
  const numbers = new Map<string, number>();
  const requirements: SaRequirement[] = [];
  let hitRows = 0;
  const requirementOf = new Int32Array(new SharedArrayBuffer(4 * ordered.length));
  ordered.forEach(({ sa }, index) => {
    if (sa === undefined) {
      requirementOf[index] = -1 - hitRows++;
      return;
    }
    const { peer, transform, esn, choices, keying, populateFromPacket, isNamed } = sa;
    const requirement = { peer, transform, esn, choices, keying, populateFromPacket, isNamed };
    const key = JSON.stringify(requirement);
    let number = numbers.get(key);
    if (number === undefined) {
      number = requirements.push(requirement) - 1;
      numbers.set(key, number);
    }
    requirementOf[index] = number;
  });
  return {
    generation,
    icmpErrors,
    names: ordered.map(({ name }) => name),
    actions: ordered.map(({ action }) => action),
    requirements,
    requirementOf,
    classifier: buildClassifier(ordered),
    hits: allocateHits(hitRows, workers),
  };
}
