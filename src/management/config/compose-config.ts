// Puts a configuration file together with peers and policies that were loaded beside it, through the same checks
// between values as the file's own. The file stays as it was read; what was loaded stands behind it.

import { ConfigError } from '../../base/errors.ts';
import { buildConfig } from './build-config.ts';
import type { ConfigPath, Position } from './config-document.ts';
import type { ConfigFile, PeerEntry, PolicyEntry } from './config-file.ts';
import { crossCheck } from './cross-checks.ts';
import type { Report } from './expectation.ts';
import { describePath, didYouMean, type ConfigSource, type LoadedConfig } from './load-config.ts';
import { findShadowedPolicies } from './shadowing.ts';
import { describeWeakProposals } from './weak-proposals.ts';

/** A peer and the policies with it. */
export interface Addition {
  /** What messages call it: `connection "gw-gw"`. */
  readonly name: string;
  /** Undefined: its policies are there without. */
  readonly peer: PeerEntry | undefined;
  readonly policies: readonly PolicyEntry[];
  /** How its author calls a key of ours, and what stands there. @param path below `peer` or `policies`, INDEX */
  readonly describe: (path: ConfigPath) => { readonly key: string; readonly found: string };
}

export interface ComposedConfig {
  readonly config: LoadedConfig;
  /** A line for each policy that was added and that no packet can meet. */
  readonly shadowed: readonly string[];
}

/** Of one of the lists of the file: who has added what stands at an index. */
interface Added {
  readonly addition: Addition;
  readonly path: ConfigPath;
}

/** @throws ConfigError with a line for each thing that does not go together */
export function composeConfig(source: ConfigSource, additions: readonly Addition[]): ComposedConfig {
  const { file } = source;
  const peers = additions.flatMap((addition) =>
    addition.peer === undefined ? [] : [{ entry: addition.peer, added: { addition, path: ['peer'] } }],
  );
  const policies = additions.flatMap((addition) =>
    addition.policies.map((entry, index) => ({ entry, added: { addition, path: ['policies', index] } })),
  );
  const whole: ConfigFile = {
    ...file,
    peers: [...file.peers, ...peers.map(({ entry }) => entry)],
    policies: [...file.policies, ...policies.map(({ entry }) => entry)],
  };
  const addedAt = ([list, index, ...rest]: ConfigPath): Added | undefined => {
    const isPeer = list === 'peers';
    if ((!isPeer && list !== 'policies') || typeof index !== 'number') return undefined;
    const found = isPeer ? peers[index - file.peers.length] : policies[index - file.policies.length];
    return found && { addition: found.added.addition, path: [...found.added.path, ...rest] };
  };
  const positionOf = (at: ConfigPath): Position => {
    const added = addedAt(at);
    return added === undefined
      ? source.positionOf(at)
      : { line: 0, column: 0, loadedAs: added.addition.name };
  };
  check(whole, source, addedAt);
  const config = buildConfig(whole, { file: source.path, environment: source.environment, positionOf });
  const weak = describeWeakProposals(whole).flatMap(({ at, text }) => {
    const added = addedAt(at);
    return added === undefined
      ? []
      : [`${added.addition.name}: ${added.addition.describe(added.path).key}: ${text}`];
  });
  const shadowed = findShadowedPolicies(config.policies, ({ line }) => line === 0).flatMap(
    ({ index, policy, wider }) => {
      const added = addedAt(['policies', index]);
      const place = wider.line === 0 ? '' : ` on line ${wider.line} of ${source.path}`;
      return added === undefined
        ? []
        : [
            `${added.addition.name}: "${policy.name}" never matches: "${wider.name}"${place} is met before it and takes all of its traffic; a lower priority is met first`,
          ];
    },
  );
  return { config: { ...config, source, warnings: [...weak, ...shadowed] }, shadowed };
}

function check(
  whole: ConfigFile,
  source: ConfigSource,
  addedAt: (at: ConfigPath) => Added | undefined,
): void {
  const lines: string[] = [];
  const told = new Set<Addition>();
  const report: Report = (path, expected, { found, words = [], other } = {}) => {
    const added = addedAt(path);
    // The first says it; others may only follow from it.
    if (added !== undefined && told.has(added.addition)) return;
    if (added !== undefined) told.add(added.addition);
    const own = added?.addition.describe(added.path);
    const place =
      added === undefined
        ? `${source.path}:${source.positionOf(path).line}: ${describePath(path)}`
        : `${added.addition.name}: ${own?.key ?? ''}: `;
    const what = found ?? own?.found ?? 'a value';
    const first = other === undefined ? '' : ` again (first ${describeFirst(other, source, addedAt)})`;
    lines.push(`${place}found ${what}${first}, expected ${expected}${didYouMean(found, words)}`);
  };
  crossCheck(whole, report);
  if (lines.length > 0) throw new ConfigError([...new Set(lines)].join('\n'));
}

function describeFirst(
  path: ConfigPath,
  source: ConfigSource,
  addedAt: (at: ConfigPath) => Added | undefined,
): string {
  const added = addedAt(path);
  return added === undefined
    ? `on line ${source.positionOf(path).line} of ${source.path}`
    : `of ${added.addition.name}`;
}
