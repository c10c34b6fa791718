// What `iptables-legacy -S` prints, as chains in the form of nftables. An option that is not understood becomes a match of which
// nobody knows whether it is true.

import type { FilterChain, FilterStatement } from './filter-chain.ts';

const HOOKS: Readonly<Record<string, string>> = { FORWARD: 'forward', POSTROUTING: 'postrouting' };
const OPTIONS: Readonly<Record<string, readonly ['meta' | 'payload', string]>> = {
  '-i': ['meta', 'iifname'],
  '-o': ['meta', 'oifname'],
  '-s': ['payload', 'saddr'],
  '-d': ['payload', 'daddr'],
};
const UNKNOWN: FilterStatement = { xt: { type: 'match', name: 'unknown' } };

export function parseLegacyRules(
  text: string,
  table: string,
  family: 'ip' | 'ip6',
  tool: FilterChain['tool'],
): readonly FilterChain[] {
  const chains = new Map<string, FilterChain & { rules: (readonly FilterStatement[])[] }>();
  for (const line of text.split('\n')) {
    const [kind, name = '', ...words] = line.split(' ');
    if (kind === '-P' || kind === '-N') {
      const policy = words[0]?.toLowerCase();
      const isBase = kind === '-P';
      chains.set(name, {
        ...{ family, table, name, tool, rules: [] },
        type: isBase ? table : undefined,
        hook: isBase ? HOOKS[name] : undefined,
        policy: isBase ? policy : undefined,
      });
    } else if (kind === '-A') chains.get(name)?.rules.push(statementsOf(words, family));
  }
  return [...chains.values()];
}

function statementsOf(words: readonly string[], protocol: string): readonly FilterStatement[] {
  const statements: FilterStatement[] = [];
  let op = '==';
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const value = words[at + 1] ?? '';
    const option = OPTIONS[word];
    if (word === '!') {
      op = '!=';
      continue;
    }
    if (option !== undefined) {
      const [kind, field] = option;
      const left = kind === 'meta' ? { meta: { key: field } } : { payload: { protocol, field } };
      statements.push({
        match: { op, left, right: kind === 'meta' ? value.replace(/\+$/, '*') : prefixOf(value) },
      });
      at++;
    } else if (word === '-j' || word === '-g') {
      statements.push(targetOf(word, value));
      break;
    } else if (word.startsWith('-')) statements.push(UNKNOWN);
    op = '==';
  }
  return statements;
}

function targetOf(option: string, target: string): FilterStatement {
  switch (target) {
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
    case 'REJECT':
    case 'MASQUERADE':
    case 'SNAT':
      return { [target.toLowerCase()]: null };
    default:
      return option === '-g' ? { goto: { target } } : { jump: { target } };
  }
}

function prefixOf(text: string): unknown {
  const [addr = '', bits] = text.split('/');
  return bits === undefined ? addr : { prefix: { addr, len: Number(bits) } };
}
