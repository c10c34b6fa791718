// What a chain of the packet filter would do with the first packet of a flow. Matches that are not understood are neither true
// nor false: a rule with one may apply, and the answer says so.

import { compareAddresses, parseAddress, prefixRange, type Address } from '../../base/address.ts';
import type { FilterChain, FilterStatement } from './filter-chain.ts';

export interface ImaginedPacket {
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly input: string | undefined;
  readonly output: string | undefined;
}

export type Judgement = 'accept' | 'drop' | 'rewrite';

export interface Judged {
  readonly judgement: Judgement;
  /** Rules before it may apply that rewrite or accept: nobody knows. */
  readonly mayRewrite: boolean;
  readonly mayAccept: boolean;
}

/** Of an element of a set, a comparison or a rule. */
type Truth = boolean | undefined;

const MOST_DEPTH = 32;

/** @param all where jumps lead to */
export function judgePacket(base: FilterChain, all: readonly FilterChain[], packet: ImaginedPacket): Judged {
  let mayRewrite = false;
  let mayAccept = false;
  const policy: Judgement = base.policy === 'drop' ? 'drop' : 'accept';
  const judgement = walk(base, 0) ?? policy;
  return { judgement, mayRewrite, mayAccept };

  /** @returns undefined at the end of the chain */
  function walk(chain: FilterChain, depth: number): Judgement | undefined {
    if (depth > MOST_DEPTH) return undefined;
    for (const rule of chain.rules) {
      let truth: Truth = true;
      for (const statement of rule) {
        const own = truthOf(statement, packet);
        if (own === false) truth = false;
        else if (own === undefined && truth) truth = undefined;
        if (truth === false) break;
        const found = verdictOf(statement);
        if (found === undefined) continue;
        if (truth === undefined) {
          // A jump that may be taken is looked into for what it would rewrite.
          if (found.kind === 'rewrite' || (found.kind === 'jump' && leadsToRewrite(found.target)))
            mayRewrite = true;
          if (found.kind === 'accept') mayAccept = true;
          break;
        }
        if (found.kind === 'return') return undefined;
        if (found.kind !== 'jump') return found.kind;
        const next = all.find(
          ({ family, table, name, tool }) =>
            family === chain.family &&
            table === chain.table &&
            name === found.target &&
            isLegacy(tool) === isLegacy(chain.tool),
        );
        const result = next && walk(next, depth + 1);
        if (result !== undefined || found.isGoto) return result;
        break;
      }
    }
    return undefined;
  }

  function leadsToRewrite(target: string): boolean {
    const chain = all.find(
      ({ family, table, name }) => family === base.family && table === base.table && name === target,
    );
    return chain?.rules.flat().some((statement) => verdictOf(statement)?.kind === 'rewrite') ?? false;
  }
}

function isLegacy(tool: FilterChain['tool']): boolean {
  return tool.endsWith('legacy');
}

type Verdict =
  | { readonly kind: Judgement | 'return' }
  | { readonly kind: 'jump'; readonly target: string; readonly isGoto: boolean };

function verdictOf(statement: FilterStatement): Verdict | undefined {
  for (const [name, value] of Object.entries(statement)) {
    switch (name) {
      case 'accept':
        return { kind: 'accept' };
      case 'drop':
      case 'reject':
        return { kind: 'drop' };
      case 'return':
        return { kind: 'return' };
      case 'masquerade':
      case 'snat':
        return { kind: 'rewrite' };
      case 'jump':
      case 'goto':
        return { kind: 'jump', target: String(fieldOf(value, 'target')), isGoto: name === 'goto' };
      case 'xt': {
        const target = fieldOf(value, 'type') === 'target' ? fieldOf(value, 'name') : undefined;
        if (target === 'MASQUERADE' || target === 'SNAT' || target === 'NETMAP') return { kind: 'rewrite' };
        if (target === 'REJECT') return { kind: 'drop' };
      }
    }
  }
  return undefined;
}

/** Of what is no match: true. */
function truthOf(statement: FilterStatement, packet: ImaginedPacket): Truth {
  const { match, xt } = statement;
  if (xt !== undefined) {
    if (fieldOf(xt, 'type') === 'target') return true;
    // The packet is the first of its flow, and such rules are hardly for anything but those that follow.
    return fieldOf(xt, 'name') === 'conntrack' || fieldOf(xt, 'name') === 'state' ? false : undefined;
  }
  if (match === undefined) return true;
  const left = fieldOf(match, 'left');
  const right = fieldOf(match, 'right');
  const isNegated = fieldOf(match, 'op') === '!=';
  const op = fieldOf(match, 'op');
  if (op !== '==' && op !== '!=' && op !== 'in') return undefined;
  const found = compare(left, right, packet);
  return found === undefined ? undefined : found !== isNegated;
}

function compare(left: unknown, right: unknown, packet: ImaginedPacket): Truth {
  const meta = fieldOf(fieldOf(left, 'meta'), 'key');
  if (meta === 'iifname' || meta === 'iif') return anyOf(right, (one) => isName(one, packet.input));
  if (meta === 'oifname' || meta === 'oif') return anyOf(right, (one) => isName(one, packet.output));
  if (meta === 'nfproto') return anyOf(right, (one) => one === (packet.from?.family === 6 ? 'ipv6' : 'ipv4'));
  if (fieldOf(fieldOf(left, 'ct'), 'key') === 'state') return anyOf(right, (one) => one === 'new');
  const payload = fieldOf(left, 'payload');
  const field = fieldOf(payload, 'field');
  if (field !== 'saddr' && field !== 'daddr') return undefined;
  const address = field === 'saddr' ? packet.from : packet.to;
  if (address === undefined) return undefined;
  if ((fieldOf(payload, 'protocol') === 'ip6') !== (address.family === 6)) return false;
  return anyOf(right, (one) => isAddress(one, address));
}

function anyOf(right: unknown, test: (one: unknown) => Truth): Truth {
  const set = fieldOf(right, 'set');
  const items: readonly unknown[] = Array.isArray(set) ? set : Array.isArray(right) ? right : [right];
  // A set with a name.
  if (typeof right === 'string' && right.startsWith('@')) return undefined;
  const truths = items.map(test);
  if (truths.includes(true)) return true;
  return truths.includes(undefined) ? undefined : false;
}

function isName(pattern: unknown, name: string | undefined): Truth {
  if (typeof pattern !== 'string') return undefined;
  if (name === undefined) return undefined;
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isAddress(found: unknown, address: Address): Truth {
  if (typeof found === 'string') {
    const one = parseAddress(found);
    return one === undefined
      ? undefined
      : one.family === address.family && compareAddresses(one, address) === 0;
  }
  const prefix = fieldOf(found, 'prefix');
  const range = fieldOf(found, 'range');
  if (prefix !== undefined) {
    const base = parseAddress(String(fieldOf(prefix, 'addr')));
    if (base?.family !== address.family) return base === undefined ? undefined : false;
    const { first, last } = prefixRange(base, Number(fieldOf(prefix, 'len')));
    return compareAddresses(first, address) <= 0 && compareAddresses(address, last) <= 0;
  }
  if (!Array.isArray(range)) return undefined;
  const [first, last] = range.map((one) => parseAddress(String(one)));
  if (first?.family !== address.family || last?.family !== address.family) return undefined;
  return compareAddresses(first, address) <= 0 && compareAddresses(address, last) <= 0;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
