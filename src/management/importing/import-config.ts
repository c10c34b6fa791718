// A configuration of strongSwan as one of Isthmus, and what of it is not carried over. What a tunnel
// would have protected and no tunnel is written for is discarded.

import { networkInterfaces } from 'node:os';
import { basename, resolve } from 'node:path';

import { ConfigError } from '../../base/errors.ts';
import { parseConfig } from '../config/load-config.ts';
import { composeImport, headerOf, headerText } from './compose-import.ts';
import { ConnectionTree, safeName } from './connection-tree.ts';
import { ConfigReader, FILES, type FileAccess } from './config-reader.ts';
import { importConnection, type ImportedConnection } from './import-connection.ts';
import type { GeneratedFile } from './imported-credentials.ts';
import type { ImportedSource } from './imported-source.ts';
import { readIpsec } from './ipsec-conf-source.ts';
import { quote, type Notice, type Notify } from './notice.ts';
import { readSwanctl } from './swanctl-source.ts';
import type { IpsecHost } from './translate-connection.ts';

export interface ImportedConfig {
  /** YAML. */
  readonly text: string;
  readonly notices: readonly Notice[];
  /** Beside it: what it names and what was in no file of its own. */
  readonly files: readonly GeneratedFile[];
}

const NO_GUARD =
  'strongSwan has no guard: its kernel policies refuse what should have come through a tunnel. Name the unprotected ' +
  'interfaces, guard: {interfaces: [eth0]}, and add BYPASS policies for what may come in clear';

/**
 * @param path of swanctl.conf or ipsec.conf
 * @param host the one that the configuration is of, by default this one
 * @throws ConfigError where it cannot be read as a whole
 */
export function importConfig(
  path: string,
  { local, addresses = ownAddresses() }: Partial<IpsecHost> = {},
  access: FileAccess = FILES,
): ImportedConfig {
  const notices: Notice[] = [];
  const notify: Notify = (notice) => notices.push(notice);
  const absolute = resolve(path);
  const isIpsec = isIpsecConf(absolute, access);
  if (!isIpsec && local !== undefined)
    throw new ConfigError(
      `${path}: found --local ${local} with a swanctl.conf, expected it with ipsec.conf only: swanctl.conf says itself which side is local`,
    );
  const source = isIpsec
    ? readIpsec(absolute, access, notify, { addresses, local })
    : readSwanctl(absolute, access, notify);
  const header = headerOf(source.connections, notify);
  const base = parseConfig(headerText(header), path, {}).source;
  const names = new Names();
  const connections: ImportedConnection[] = [];
  for (const [name, section] of source.connections) {
    const safe = names.peer(name);
    const childOf = (child: string): string => names.policy(child, safe);
    try {
      const tree = new ConnectionTree({ name, section, safeName: safe }, childOf, source, notify);
      if (safe !== name) tree.tell('differs', 'name', `it is called ${safe} here`, quote(name));
      connections.push(importConnection(tree, source.credentials, base));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      notify({
        ...section,
        kind: 'closed',
        option: `connections.${name}`,
        found: 'a connection',
        advice: error.message,
      });
    }
  }
  notify({
    file: basename(path),
    line: 0,
    kind: 'differs',
    option: 'guard',
    found: 'nothing',
    advice: NO_GUARD,
  });
  const text = composeImport(header, connections, headComment(path, source));
  return { text, notices: withoutRepeats(notices), files: source.credentials.generated };
}

/** By what it holds: `conn NAME` at the beginning of a line, and no section in braces before. */
function isIpsecConf(path: string, access: FileAccess): boolean {
  let isIpsec = basename(path) === 'ipsec.conf';
  new ConfigReader(access).within(path, (text) => {
    const [first] = /^(?:(?:conn|ca|config)[ \t]+\S+[ \t]*$|[^\s#][^\n]*[{=])/m.exec(text) ?? [];
    if (first !== undefined) isIpsec = !/[{=]/.test(first);
  });
  return isIpsec;
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((one) => (one ?? []).map(({ address }) => address));
}

function headComment(path: string, { connections }: ImportedSource): string {
  const count = connections.size === 1 ? '1 connection' : `${connections.size} connections`;
  return ` Imported from ${path} by isthmus import: ${count}.\n What was not carried over was listed then.`;
}

function withoutRepeats(notices: readonly Notice[]): readonly Notice[] {
  const keys = notices.map((notice) => JSON.stringify(notice));
  return notices
    .filter((_, index) => keys.indexOf(keys[index] ?? '') === index)
    .toSorted((one, other) => (one.file === other.file ? one.line - other.line : 0));
}

/** Gives each policy and each peer a name of its own. */
class Names {
  readonly #peers = new Set<string>();
  readonly #policies = new Set<string>();

  peer(name: string): string {
    return take(this.#peers, [safeName(name)]);
  }

  policy(child: string, connection: string): string {
    return take(this.#policies, [safeName(child), safeName(`${connection}-${child}`)]);
  }
}

function take(taken: Set<string>, wanted: readonly string[]): string {
  const last = wanted.at(-1) ?? 'imported';
  let name = wanted.find((one) => !taken.has(one));
  for (let count = 2; name === undefined; count++) {
    const numbered = safeName(`${last.slice(0, 56)}-${count}`);
    if (!taken.has(numbered)) name = numbered;
  }
  taken.add(name);
  return name;
}
