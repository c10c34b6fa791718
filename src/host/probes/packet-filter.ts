// The rules of the host's packet filters as one kind of chain, wherever they come from: nftables, iptables on nftables, and
// the older iptables of the kernel. Reads only, and loads no module of the kernel.

import { readFile } from 'node:fs/promises';

import { EnvironmentError } from '../../base/errors.ts';
import { queryNft, type NftObject } from '../nft-command.ts';
import { runProgram } from '../run-program.ts';
import type { FilterChain, FilterStatement } from './filter-chain.ts';
import { parseLegacyRules } from './legacy-rules.ts';

export interface FilterReport {
  readonly chains: readonly FilterChain[];
  /** What could not be looked at, and why. */
  readonly unknown: readonly string[];
}

const LEGACY = [
  { program: 'iptables-legacy', names: '/proc/net/ip_tables_names', family: 'ip' },
  { program: 'ip6tables-legacy', names: '/proc/net/ip6_tables_names', family: 'ip6' },
] as const;

export async function readPacketFilter(): Promise<FilterReport> {
  const unknown: string[] = [];
  const chains: FilterChain[] = [];
  try {
    chains.push(...parseRuleset((await queryNft(['ruleset'])) ?? []));
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    unknown.push(`nftables: ${error.message}`);
  }
  for (const { program, names, family } of LEGACY) {
    // Asking for a table that is not there would load it.
    for (const table of (await textOf(names))
      .split('\n')
      .filter((name) => name === 'filter' || name === 'nat')) {
      try {
        const { code, output, complaint } = await runProgram(
          program,
          ['-t', table, '-S'],
          '',
          `${program} is missing`,
        );
        if (code === 0) chains.push(...parseLegacyRules(output, table, family, program));
        else unknown.push(`${program}: ${complaint.trim()}`);
      } catch (error) {
        if (!(error instanceof EnvironmentError)) throw error;
        unknown.push(error.message);
      }
    }
  }
  return { chains, unknown };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
}

/** @param objects of `nft -j list ruleset` */
export function parseRuleset(objects: readonly NftObject[]): readonly FilterChain[] {
  const textIn = (fields: Readonly<Record<string, unknown>>, name: string): string | undefined => {
    const value = fields[name];
    return typeof value === 'string' ? value : undefined;
  };
  const made = new Map<string, FilterChain & { rules: (readonly FilterStatement[])[] }>();
  const key = (fields: Readonly<Record<string, unknown>>, name: string): string =>
    JSON.stringify([fields['family'], fields['table'], name]);
  for (const { chain } of objects) {
    if (chain === undefined) continue;
    const [family = '', table = '', name = ''] = ['family', 'table', 'name'].map((one) => textIn(chain, one));
    made.set(key(chain, name), {
      ...{ family, table, name },
      type: textIn(chain, 'type'),
      hook: textIn(chain, 'hook'),
      policy: textIn(chain, 'policy'),
      rules: [],
      tool: toolOf(family, table, name),
    });
  }
  for (const { rule } of objects) {
    if (rule === undefined || !Array.isArray(rule['expr'])) continue;
    made.get(key(rule, textIn(rule, 'chain') ?? ''))?.rules.push(rule['expr'] as readonly FilterStatement[]);
  }
  return [...made.values()];
}

/** iptables on nftables has tables of these names, and built-in chains in capital letters. */
function toolOf(family: string, table: string, name: string): FilterChain['tool'] {
  if (!/^(filter|nat)$/.test(table) || !/^[A-Z]/.test(name)) return 'nft';
  if (family === 'ip') return 'iptables';
  return family === 'ip6' ? 'ip6tables' : 'nft';
}
