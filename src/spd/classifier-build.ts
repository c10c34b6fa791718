// Builds the tables of classifier.ts from the ordered policies, on the main thread: a worker only takes them over.
// Time and memory are bounded: where trees would grow past a budget, the policies left are listed.

import type { AddressFamily, AddressRange } from '../base/address.ts';
import { buildAddressRanks, rankRange, type AddressRanks } from './address-ranks.ts';
import {
  DIMENSIONS,
  NO_SET,
  portValue,
  SetWord,
  UNKNOWN_PORT,
  UNKNOWN_PROTOCOL,
  type ClassifierTables,
} from './classifier.ts';
import { coveredRanges, isReserved } from './multicast.ts';
import { isOpaque, type NumberRange, type Policy, type Selectors } from './policy.ts';
import { packSelectors } from './selector-match.ts';

/** A list this long is walked; a tree would cost as much. */
const LIST_POLICIES = 4;
const BUDGET_WORDS = 1 << 22;
const LAST_VALUE = 0x7fff_ffff;

/** For each dimension the ranges of a policy as pairs first, last; sorted and apart. */
type PolicyRanges = readonly (readonly number[])[];

/** @param policies in the order in which packets meet them */
export function buildClassifier(policies: readonly Policy[]): ClassifierTables {
  const covered = policies.map(({ selectors }) => coverOf(selectors));
  const remotes = covered.flatMap(({ remote }) => remote);
  const locals = covered.flatMap(({ local }) => local);
  const families = ([4, 6] as const).map((family) => ({
    family,
    remote: buildAddressRanks(family, ofFamily(family, remotes)),
    local: buildAddressRanks(family, ofFamily(family, locals)),
  }));
  const builder = new TreeBuilder();
  const roots = [
    ...families.map((ranks) => builder.build(covered.map((one) => unicastRow(one, ranks)))),
    ...families.map((ranks) => builder.build(covered.map((one) => multicastRow(one, ranks)))),
  ];
  return {
    words: builder.finish(),
    roots,
    ranks: families.flatMap(({ remote, local }) => [remote, local]),
    ...packAll(policies),
  };
}

function packAll(policies: readonly Policy[]): Pick<ClassifierTables, 'selectors' | 'selectorsAt'> {
  const packed = policies.map(({ selectors }) => packSelectors(selectors));
  const selectorsAt = share(packed.length);
  const selectors = share(packed.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  packed.forEach((words, index) => {
    selectorsAt[index] = at;
    selectors.set(words, at);
    at += words.length;
  });
  return { selectors, selectorsAt };
}

interface Cover {
  readonly remote: readonly AddressRange[];
  readonly local: readonly AddressRange[];
  readonly isAnyRemote: boolean;
  readonly isAnyLocal: boolean;
  readonly hasMulticast: boolean;
  readonly ports: PolicyRanges;
}

function coverOf(selectors: Selectors): Cover {
  const remote = coveredRanges(selectors.remoteAddress);
  const local = coveredRanges(selectors.localAddress);
  return {
    remote,
    local,
    isAnyRemote: selectors.remoteAddress === undefined,
    isAnyLocal: selectors.localAddress === undefined,
    hasMulticast: remote.some(isReserved) || local.some(isReserved),
    ports: portRanges(selectors),
  };
}

interface FamilyRanks {
  readonly family: AddressFamily;
  readonly remote: AddressRanks;
  readonly local: AddressRanks;
}

/** Among unicast flows an address selector that is any tells nothing apart. */
function unicastRow(cover: Cover, { family, remote, local }: FamilyRanks): PolicyRanges | undefined {
  const remotes = cover.isAnyRemote ? WHOLE : rankRanges(remote, family, cover.remote);
  const locals = cover.isAnyLocal ? WHOLE : rankRanges(local, family, cover.local);
  return remotes.length === 0 || locals.length === 0 ? undefined : [remotes, locals, ...cover.ports];
}

function multicastRow(cover: Cover, { family, remote, local }: FamilyRanks): PolicyRanges | undefined {
  if (!cover.hasMulticast) return undefined;
  const remotes = rankRanges(remote, family, cover.remote);
  const locals = rankRanges(local, family, cover.local);
  return remotes.length === 0 || locals.length === 0 ? undefined : [remotes, locals, ...cover.ports];
}

const WHOLE: readonly number[] = [0, LAST_VALUE];

function share(length: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * length));
}

function ofFamily(family: AddressFamily, ranges: readonly AddressRange[]): readonly AddressRange[] {
  return ranges.filter(({ first }) => first.family === family);
}

function rankRanges(ranks: AddressRanks, family: AddressFamily, ranges: readonly AddressRange[]): number[] {
  return merge(ofFamily(family, ranges).map((range) => rankRange(ranks, range)));
}

/** Values of remotePort and localPort with which a policy can match, or may for all that a packet shows. */
function portRanges({ protocol, localPort, remotePort, icmp }: Selectors): PolicyRanges {
  // Ports without a protocol are refused in a configuration; they are compared by the selectors alone.
  if (protocol === undefined) return [WHOLE, WHOLE];
  // Type and code of ICMP lie where the remote port lies; a policy has one of the two.
  return [portValues(protocol, remotePort ?? icmp), portValues(protocol, localPort)];
}

function portValues(protocol: number, ranges: readonly NumberRange[] | undefined): readonly number[] {
  const unknown = portValue(protocol, UNKNOWN_PORT);
  const unknownProtocol = portValue(UNKNOWN_PROTOCOL, UNKNOWN_PORT);
  const ends = [unknownProtocol, unknownProtocol];
  if (ranges === undefined) return [portValue(protocol, 0), unknown, ...ends];
  const known = ranges.filter((range) => !isOpaque(range));
  const values = known.map(({ first, last }) => ({
    first: portValue(protocol, first),
    last: portValue(protocol, last),
  }));
  return [...merge([...values, { first: unknown, last: unknown }]), ...ends];
}

function merge(ranges: { first: number; last: number }[]): number[] {
  const merged: number[] = [];
  for (const { first, last } of ranges.sort((a, b) => a.first - b.first)) {
    const end = merged.at(-1);
    if (end !== undefined && first <= end + 1) merged[merged.length - 1] = Math.max(end, last);
    else merged.push(first, last);
  }
  return merged;
}

class TreeBuilder {
  /** Offset 0 is {@link NO_SET}. */
  #words = new Int32Array(1 << 12);
  #length = 1;
  #rows: readonly (PolicyRanges | undefined)[] = [];

  /** @param rows undefined: the policy is not in this tree @returns the offset of the root */
  build(rows: readonly (PolicyRanges | undefined)[]): number {
    this.#rows = rows;
    const all = Int32Array.from([...rows.keys()].filter((index) => rows[index] !== undefined));
    return all.length === 0 ? NO_SET : this.#buildSet(all, 0);
  }

  finish(): Int32Array<SharedArrayBuffer> {
    const shared = share(this.#length);
    shared.set(this.#words.subarray(0, this.#length));
    return shared;
  }

  /** @param used bit mask of the dimensions of the trees above */
  #buildSet(policies: Int32Array, used: number): number {
    if (policies.length <= LIST_POLICIES || this.#length > BUDGET_WORDS) return this.#writeList(policies);
    const choice = this.#choose(policies, used);
    if (choice === undefined) return this.#writeList(policies);
    return this.#writeTree(policies, used | (1 << choice.dimension), choice.dimension, choice.boundaries);
  }

  /** The selector that cuts the policies most finely; undefined where none of those left cuts them at all. */
  #choose(
    policies: Int32Array,
    used: number,
  ): { readonly dimension: number; readonly boundaries: Int32Array } | undefined {
    let best: { dimension: number; boundaries: Int32Array } | undefined;
    for (let dimension = 0; dimension < DIMENSIONS; dimension++) {
      if ((used & (1 << dimension)) !== 0) continue;
      const boundaries = this.#boundaries(policies, dimension);
      if (boundaries.length > (best?.boundaries.length ?? 0)) best = { dimension, boundaries };
    }
    return best;
  }

  /** Values at which a range of any of the policies begins, or has just ended. */
  #boundaries(policies: Int32Array, dimension: number): Int32Array {
    const values: number[] = [];
    for (const policy of policies) {
      const ranges = this.#rows[policy]?.[dimension] ?? [];
      for (let i = 0; i < ranges.length; i += 2) {
        const first = ranges[i] ?? 0;
        const last = ranges[i + 1] ?? 0;
        if (first > 0) values.push(first);
        if (last < LAST_VALUE) values.push(last + 1);
      }
    }
    const sorted = Int32Array.from(values).sort();
    let distinct = 0;
    for (let i = 0; i < sorted.length; i++) {
      if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[distinct++] = sorted[i] ?? 0;
    }
    return sorted.subarray(0, distinct);
  }

  #writeList(policies: Int32Array): number {
    const at = this.#reserve(SetWord.list + policies.length);
    this.#words[at + SetWord.first] = policies[0] ?? 0;
    this.#words[at + SetWord.kind] = policies.length;
    this.#words.set(policies, at + SetWord.list);
    return at;
  }

  #writeTree(policies: Int32Array, used: number, dimension: number, boundaries: Int32Array): number {
    let leaves = 1;
    while (leaves <= boundaries.length) leaves *= 2;
    const at = this.#reserve(SetWord.tree + boundaries.length + 2 * leaves);
    this.#words[at + SetWord.first] = policies[0] ?? 0;
    this.#words[at + SetWord.kind] = -1 - dimension;
    this.#words[at + SetWord.boundaries] = boundaries.length;
    this.#words[at + SetWord.leaves] = leaves;
    this.#words.set(boundaries, at + SetWord.tree);
    const nodesAt = at + SetWord.tree + boundaries.length;
    this.#distribute(policies, dimension, boundaries, leaves).forEach((held, node) => {
      // Reserved words are zero, which is NO_SET.
      const set = this.#buildSet(Int32Array.from(held), used);
      this.#words[nodesAt + node] = set;
    });
    return at;
  }

  /** The policies that each node holds: those with a range that covers the node and not all of its parent. */
  #distribute(
    policies: Int32Array,
    dimension: number,
    boundaries: Int32Array,
    leaves: number,
  ): Map<number, number[]> {
    const held = new Map<number, number[]>();
    const hold = (node: number, policy: number): void => {
      const list = held.get(node);
      if (list === undefined) held.set(node, [policy]);
      else list.push(policy);
    };
    for (const policy of policies) {
      const ranges = this.#rows[policy]?.[dimension] ?? [];
      for (let i = 0; i < ranges.length; i += 2) {
        const first = countUpTo(boundaries, ranges[i] ?? 0);
        const end = ranges[i + 1] === LAST_VALUE ? leaves : countUpTo(boundaries, ranges[i + 1] ?? 0) + 1;
        for (let start = first + leaves, stop = end + leaves; start < stop; start >>= 1, stop >>= 1) {
          if ((start & 1) !== 0) hold(start++, policy);
          if ((stop & 1) !== 0) hold(--stop, policy);
        }
      }
    }
    return held;
  }

  #reserve(words: number): number {
    const at = this.#length;
    this.#length += words;
    if (this.#length > this.#words.length) {
      const grown = new Int32Array(Math.max(2 * this.#words.length, this.#length));
      grown.set(this.#words);
      this.#words = grown;
    }
    return at;
  }
}

function countUpTo(sorted: Int32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
