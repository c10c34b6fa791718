// How deeply a YAML text is nested, found without recursion. The YAML library composes recursively, and a
// stack that overflows inside a regular expression ends the process instead of throwing.

import { Parser, type CST } from 'yaml';

/** True where some value lies inside more than `limit` lists and mappings. */
export function isNestedDeeperThan(limit: number, text: string): boolean {
  const waiting: { readonly token: CST.Token; readonly depth: number }[] = [];
  for (const token of new Parser().parse(text)) waiting.push({ token, depth: 0 });
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const depth = next.depth + 1;
    if (depth > limit + 1) return true;
    for (const child of childrenOf(next.token)) waiting.push({ token: child, depth });
  }
  return false;
}

function childrenOf(token: CST.Token): readonly CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items.flatMap(({ key, value }: CST.CollectionItem) =>
    [key, value].filter((child) => child !== undefined && child !== null),
  );
}
