// Reads a configuration file: YAML, then the shape, then what the values mean for each other. Every error of
// the file is reported, one line each, in the order of the file. It opens no device and reads no key.

import { readFileSync } from 'node:fs';

import { contentDigest } from '../../base/content-digest.ts';
import { ConfigError } from '../../base/errors.ts';
import { buildConfig } from './build-config.ts';
import { ConfigDocument, quoteFound, type ConfigPath, type Position } from './config-document.ts';
import type { ConfigFile } from './config-file.ts';
import { configSchema } from './config-schema.ts';
import { orList, type IssueDetails } from './expectation.ts';
import type { GatewayConfig } from './gateway-config.ts';
import { nearestWord } from './nearest-word.ts';
import { describeShadowedPolicies } from './shadowing.ts';
import { describeUnreadable } from './unreadable-file.ts';
import { describeWeakProposals } from './weak-proposals.ts';
import { isNestedDeeperThan } from './yaml-depth.ts';

export interface LoadedConfig extends GatewayConfig {
  /** What is allowed but hardly meant, one line each. */
  readonly warnings: readonly string[];
  /** To put it together once more, with what was loaded beside it (compose-config.ts). */
  readonly source: ConfigSource;
}

/** A file that was found right. */
export interface ConfigSource {
  readonly path: string;
  /** Of what it said (`contentDigest`). */
  readonly digest: string;
  readonly environment: Environment;
  readonly file: ConfigFile;
  readonly positionOf: (at: ConfigPath) => Position;
}

export type Environment = Readonly<Record<string, string | undefined>>;

type Issue = NonNullable<ReturnType<typeof configSchema.safeParse>['error']>['issues'][number];

interface Line extends Position {
  readonly text: string;
}

const MAX_FILE_BYTES = 2 ** 20;
/** A right file has eight. */
const MAX_NESTING = 32;

/** @throws ConfigError whose message has one line for each error */
export function loadConfig(path: string, environment: Environment = process.env): LoadedConfig {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${path}: ${describeUnreadable(error, path)}, expected a configuration file`, {
      cause: error,
    });
  }
  if (bytes.length > MAX_FILE_BYTES) {
    throw new ConfigError(
      `${path}: found ${String(bytes.length)} bytes, expected at most ${String(MAX_FILE_BYTES)}`,
    );
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError(`${path}: found bytes that are not UTF-8, expected a text file`, { cause: error });
  }
  return parseConfig(text, path, environment);
}

/**
 * @param path for messages, and to resolve the paths of key files
 * @throws ConfigError whose message has one line for each error
 */
export function parseConfig(
  text: string,
  path: string,
  environment: Environment = process.env,
): LoadedConfig {
  if (isNestedDeeperThan(MAX_NESTING, text)) {
    throw new ConfigError(
      `${path}:1:1: found more than ${String(MAX_NESTING)} lists and mappings inside each other, expected a configuration file`,
    );
  }
  const document = new ConfigDocument(text);
  const lines: Line[] = [...document.problems];
  if (document.problems.some((problem) => problem.fatal)) throw configError(path, lines);
  const result = configSchema.safeParse(document.value);
  if (!result.success) lines.push(...result.error.issues.flatMap((issue) => describeIssue(document, issue)));
  if (!result.success || lines.length > 0) throw configError(path, lines);
  const positionOf = (at: ConfigPath): Position => document.position(at);
  return buildLoaded({ path, digest: contentDigest(text), environment, file: result.data, positionOf });
}

function buildLoaded(source: ConfigSource): LoadedConfig {
  const { path, environment, file, positionOf } = source;
  const lineOf = (at: ConfigPath): number => positionOf(at).line;
  const config = buildConfig(file, { file: path, environment, positionOf });
  const warnings = [
    ...describeKeyLog(file, lineOf),
    ...describeWeakProposals(file).map(({ at, text }) => `${lineOf(at)}: ${describePath(at)}${text}`),
    ...describeShadowedPolicies(config.policies),
  ].map((warning) => `${path}:${warning}`);
  return { ...config, warnings, source };
}

function describeKeyLog({ ike }: ConfigFile, lineOf: (path: ConfigPath) => number): readonly string[] {
  if (ike.key_log === undefined) return [];
  return [
    `${lineOf(['ike', 'key_log'])}: ike.key_log: THE KEYS OF EVERY TUNNEL ARE WRITTEN to ${ike.key_log}: whoever reads them reads the traffic. It is for finding faults; take it away afterwards`,
  ];
}

function configError(path: string, lines: readonly Line[]): ConfigError {
  const sorted = lines.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const texts = sorted.map(({ line, column, text }) => `${path}:${String(line)}:${String(column)}: ${text}`);
  return new ConfigError([...new Set(texts)].join('\n'));
}

function describeIssue(document: ConfigDocument, issue: Issue): readonly Line[] {
  if (issue.code === 'unrecognized_keys') {
    const words = issue.message.split(', ');
    return issue.keys.map((key) => ({
      ...document.keyPosition(issue.path, key),
      text: `${describePath(issue.path)}found the key ${quoteFound(key)}, expected ${orList(words)}${didYouMean(key, words)}`,
    }));
  }
  const details: IssueDetails = issue.code === 'custom' ? (issue.params ?? {}) : {};
  const found = details.found ?? document.found(issue.path);
  const first =
    details.other === undefined
      ? ''
      : ` again (first on line ${String(document.position(details.other).line)})`;
  const hint = didYouMean(document.text(issue.path), details.words ?? []);
  return [
    {
      ...document.position(issue.path),
      text: `${describePath(issue.path)}found ${found}${first}, expected ${issue.message}${hint}`,
    },
  ];
}

/** `policies[0].selectors.local_address: `; nothing for the file as a whole. */
export function describePath(path: ConfigPath): string {
  const text = path
    .map((step) => (typeof step === 'number' ? `[${String(step)}]` : `.${String(step)}`))
    .join('');
  return text === '' ? '' : `${text.slice(1)}: `;
}

export function didYouMean(found: string | undefined, words: readonly string[]): string {
  const word = found === undefined ? undefined : nearestWord(found, words);
  return word === undefined ? '' : `; did you mean "${word}"?`;
}
