// Finds the first policy in order that a new flow meets (RFC 4301 §4.4.1) without walking the list: segment trees
// within segment trees, one level for each selector that tells policies apart. A node holds the policies whose range
// covers all of the node, so the way from a leaf to the root meets every policy that covers a value, and each node on
// it leads to the tree of the next selector. Subtrees whose first policy comes too late are skipped.

import { rankOfFlow, type AddressRanks } from './address-ranks.ts';
import { FlowWord, PORTS_UNKNOWN, PROTOCOL_UNKNOWN, type Flow } from './flow.ts';
import { isMulticastWord } from './multicast.ts';
import { Match, matchSelectors } from './selector-match.ts';

/** The selectors that trees are made of. */
const Dimension = { remoteAddress: 0, localAddress: 1, remotePort: 2, localPort: 3 } as const;
export const DIMENSIONS = 4;

/** Roots: unicast flows, and flows with a multicast address, which few policies name. */
const Root = { ipv4: 0, ipv6: 1, ipv4Multicast: 2, ipv6Multicast: 3 } as const;

/**
 * A set of policies in {@link ClassifierTables.words}: its first policy, then either their number and the policies in
 * order, or a tree: -1 - dimension, number of boundaries, number of leaves, the boundaries, and for each node the set
 * that it holds. Nodes are numbered like a heap, from 1 on; their row 0 is not used.
 */
export const SetWord = { first: 0, kind: 1, list: 2, boundaries: 2, leaves: 3, tree: 4 } as const;
/** In place of a set's offset. */
export const NO_SET = 0;

/** Built once for each snapshot and shared by every thread. */
export interface ClassifierTables {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly roots: readonly number[];
  /** Remote and local IPv4 addresses, then IPv6. */
  readonly ranks: readonly AddressRanks[];
  /** Selectors of every policy, and where each begins. */
  readonly selectors: Int32Array<SharedArrayBuffer>;
  readonly selectorsAt: Int32Array<SharedArrayBuffer>;
}

/** Protocol and port as one value; where a packet does not show one, a value of its own. */
const PROTOCOL_SHIFT = 17;
export const UNKNOWN_PORT = 0x1_0000;
export const UNKNOWN_PROTOCOL = 0x100;
export function portValue(protocol: number, port: number): number {
  return (protocol << PROTOCOL_SHIFT) | port;
}

const NOT_FOUND = 0x7fff_ffff;

export class Classifier {
  readonly #tables: ClassifierTables;
  readonly #words: Int32Array;
  /** Value of the flow in work for each dimension. */
  readonly #point = new Int32Array(DIMENSIONS);
  #match: Match = Match.no;
  #after = -1;

  constructor(tables: ClassifierTables) {
    this.#tables = tables;
    this.#words = tables.words;
  }

  /** How the policy that {@link find} found last is met. */
  get match(): Match {
    return this.#match;
  }

  /**
   * @param after policies up to this one are left out
   * @returns the number of the first policy that matches or may match; negative where there is none
   */
  find(flow: Flow, after: number): number {
    this.#after = after;
    const family = (flow[FlowWord.protocol]! >>> 8) & 0xff;
    const root = this.#tables.roots[rootOf(flow, family)]!;
    if (root === NO_SET) return -1;
    this.#locate(flow, family);
    const found = this.#search(root, flow, NOT_FOUND);
    return found === NOT_FOUND ? -1 : found;
  }

  #locate(flow: Flow, family: number): void {
    const { ranks } = this.#tables;
    const at = family === 4 ? 0 : 2;
    const point = this.#point;
    point[Dimension.remoteAddress] = rankOfFlow(ranks[at]!, family, flow, FlowWord.remoteAddress);
    point[Dimension.localAddress] = rankOfFlow(ranks[at + 1]!, family, flow, FlowWord.localAddress);
    const word = flow[FlowWord.protocol]!;
    const protocol = (word & PROTOCOL_UNKNOWN) === 0 ? word & 0xff : UNKNOWN_PROTOCOL;
    const ports = flow[FlowWord.ports]!;
    const isUnknown = (word & PORTS_UNKNOWN) !== 0;
    point[Dimension.remotePort] = portValue(protocol, isUnknown ? UNKNOWN_PORT : ports & 0xffff);
    point[Dimension.localPort] = portValue(protocol, isUnknown ? UNKNOWN_PORT : ports >>> 16);
  }

  /** @param best the first policy known to match @returns an earlier one of the set, or `best` */
  #search(set: number, flow: Flow, best: number): number {
    const words = this.#words;
    const kind = words[set + SetWord.kind]!;
    if (kind >= 0) return this.#searchList(set + SetWord.list, kind, flow, best);
    const value = this.#point[-1 - kind]!;
    const boundaries = set + SetWord.tree;
    let low = 0;
    let high = words[set + SetWord.boundaries]!;
    const nodes = boundaries + high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (words[boundaries + middle]! <= value) low = middle + 1;
      else high = middle;
    }
    for (let node = words[set + SetWord.leaves]! + low; node > 0; node >>>= 1) {
      const held = words[nodes + node]!;
      if (held !== NO_SET && words[held]! < best) best = this.#search(held, flow, best);
    }
    return best;
  }

  #searchList(at: number, count: number, flow: Flow, best: number): number {
    const { selectors, selectorsAt } = this.#tables;
    for (let i = at; i < at + count; i++) {
      const policy = this.#words[i]!;
      if (policy >= best) return best;
      if (policy <= this.#after) continue;
      const match = matchSelectors(selectors, selectorsAt[policy]!, flow);
      if (match === Match.no) continue;
      this.#match = match;
      return policy;
    }
    return best;
  }
}

function rootOf(flow: Flow, family: number): number {
  const isMulticast =
    isMulticastWord(flow, FlowWord.localAddress, family) ||
    isMulticastWord(flow, FlowWord.remoteAddress, family);
  if (family === 4) return isMulticast ? Root.ipv4Multicast : Root.ipv4;
  return isMulticast ? Root.ipv6Multicast : Root.ipv6;
}
