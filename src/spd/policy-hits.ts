// How many packets met each policy with BYPASS or DISCARD (RFC 4301 §4.4.1): a row of doubles for each entry and worker, in
// memory that this worker writes. A new SPD has a new table; what the one before it holds is kept by name.

/** Fields of a row. */
export const HitField = { packetsOut: 0, bytesOut: 1, packetsIn: 2, bytesIn: 3 } as const;
export type HitPackets = typeof HitField.packetsOut | typeof HitField.packetsIn;
const ROW_FIELDS = 4;

export type PolicyHitTable = Float64Array<SharedArrayBuffer>;

export interface PolicyHits {
  readonly packetsOut: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly bytesIn: number;
}

const NONE: PolicyHits = { packetsOut: 0, bytesOut: 0, packetsIn: 0, bytesIn: 0 };

export function allocateHits(policies: number, workers: number): PolicyHitTable {
  const bytes = workers * policies * ROW_FIELDS * Float64Array.BYTES_PER_ELEMENT;
  return new Float64Array(new SharedArrayBuffer(bytes));
}

/** The rows of one of `count` workers. */
export function hitsOfWorker(hits: PolicyHitTable, index: number, count: number): PolicyHitTable {
  const cells = hits.length / count;
  return hits.subarray(index * cells, (index + 1) * cells);
}

/** @param row of the policy; negative: it has none @param packets field of the row, bytes stand behind it */
export function countHit(hits: PolicyHitTable, row: number, packets: HitPackets, bytes: number): void {
  if (row < 0) return;
  const at = row * ROW_FIELDS + packets;
  hits[at] = hits[at]! + 1;
  hits[at + 1] = hits[at + 1]! + bytes;
}

interface CountedSpd {
  readonly names: readonly string[];
  /** -1 - row of a policy that has one; 0 and above of the others. */
  readonly requirementOf: Int32Array;
  readonly hits: PolicyHitTable;
}

/** What each policy was met by since the start, over every change of the policies. */
export class PolicyHitTotals {
  #former = new Map<string, PolicyHits>();
  #rows = new Map<string, number>();
  #hits: PolicyHitTable = allocateHits(0, 1);

  /** These policies are in force, and nobody writes the table before any more. */
  use({ names, requirementOf, hits }: CountedSpd): void {
    const former = new Map<string, PolicyHits>();
    for (const name of names) {
      const total = this.of(name);
      if (total.packetsOut + total.packetsIn > 0) former.set(name, total);
    }
    this.#former = former;
    this.#rows = new Map(
      names.flatMap((name, index) => {
        const row = -1 - (requirementOf[index] ?? 0);
        return row < 0 ? [] : [[name, row] as const];
      }),
    );
    this.#hits = hits;
  }

  of(policy: string): PolicyHits {
    const former = this.#former.get(policy) ?? NONE;
    const row = this.#rows.get(policy);
    if (row === undefined) return former;
    const total = { ...former };
    const cells = this.#rows.size * ROW_FIELDS;
    for (let at = row * ROW_FIELDS; at < this.#hits.length; at += cells) {
      total.packetsOut += this.#hits[at + HitField.packetsOut]!;
      total.bytesOut += this.#hits[at + HitField.bytesOut]!;
      total.packetsIn += this.#hits[at + HitField.packetsIn]!;
      total.bytesIn += this.#hits[at + HitField.bytesIn]!;
    }
    return total;
  }
}
