// A connection as it was loaded: the entries that the configuration would have, but for what both sides prove themselves
// with. That is looked for among what was loaded, each time when something of it changes (resolve-proofs.ts).

import type { Address } from '../../base/address.ts';
import type { PeerEntry, PolicyEntry } from '../config/config-file.ts';
import type { LoadedFile } from '../config/credentials.ts';
import type { ConfigPath } from '../config/config-document.ts';

/** As the configuration file would have it: names and plain values. What is undefined is not there. */
export type PlainEntry = Readonly<Record<string, unknown>>;

export interface LoadedConnection {
  readonly name: string;
  /** Where it is from; none: from anywhere. */
  readonly localAddresses: readonly Address[];
  readonly peer: PeerEntry & { readonly ike: NonNullable<PeerEntry['ike']> };
  readonly local: OwnProof;
  readonly remote: PeerProof;
  readonly policies: readonly PolicyEntry[];
  /** Names of the policies. */
  readonly children: readonly string[];
  /** The peer and the policies as they would be written, without proofs. */
  readonly entries: { readonly peer: PlainEntry; readonly policies: readonly PlainEntry[] };
  /** What was written, by key: `children.net.local_ts`. */
  readonly written: ReadonlyMap<string, string>;
  /** `local`, `local-1` … */
  readonly sections: { readonly local: string; readonly remote: string };
}

/** `certificate` undefined: one that was loaded and is for the identity. */
export type OwnProof =
  | { readonly kind: 'psk' }
  | { readonly kind: 'certificate'; readonly certificate: LoadedFile | undefined }
  | { readonly kind: 'public-key'; readonly file: LoadedFile };

/** `authorities` empty: all that were loaded. */
export type PeerProof =
  | { readonly kind: 'psk' }
  | { readonly kind: 'authorities'; readonly authorities: readonly LoadedFile[] }
  | { readonly kind: 'public-key'; readonly file: LoadedFile };

const OF_PEER: readonly (readonly [prefix: string, key: string])[] = [
  ['address', 'remote_addrs'],
  ['port', 'remote_port'],
  ['ike.local.identity', 'LOCAL.id'],
  ['ike.local.certificate', 'LOCAL.certs'],
  ['ike.local.public_key', 'LOCAL.pubkeys'],
  ['ike.local', 'LOCAL.auth'],
  ['ike.remote.identity', 'REMOTE.id'],
  ['ike.remote.authorities', 'REMOTE.cacerts'],
  ['ike.remote.public_key', 'REMOTE.pubkeys'],
  ['ike.remote', 'REMOTE.auth'],
  ['ike.lifetime', 'rekey_time'],
  ['ike.liveness', 'dpd_delay'],
  ['ike', ''],
];

const OF_CHILD: readonly (readonly [prefix: string, key: string])[] = [
  ['selectors.local', 'local_ts'],
  ['selectors.remote', 'remote_ts'],
  ['selectors.protocol', 'local_ts'],
  ['sa.proposals', 'esp_proposals'],
  ['sa.start', 'start_action'],
  ['sa.on_close', 'dpd_action'],
  ['sa.lifetime', 'rekey_time'],
  ['sa', ''],
];

/** Names a place in the entries as swanctl.conf does. @param path below `peer`, or below `policies` and an index */
export function describeOption(
  { children, written, sections }: Pick<LoadedConnection, 'children' | 'written' | 'sections'>,
  path: ConfigPath,
): { readonly key: string; readonly found: string } {
  const key = keyOf(path, children)
    .replace(/^LOCAL/, sections.local)
    .replace(/^REMOTE/, sections.remote);
  const text = written.get(key);
  return { key, found: text === undefined ? 'nothing' : JSON.stringify(text) };
}

function keyOf([list, ...path]: ConfigPath, children: readonly string[]): string {
  if (list === 'peer') return nameOf(path, OF_PEER) || 'name';
  const [index, ...rest] = path;
  const child = `children.${children[Number(index)] ?? String(index)}`;
  const name = nameOf(rest, OF_CHILD);
  return name === '' || name === 'name' ? child : `${child}.${name}`;
}

/** The first that fits, less what it stands for where it has no name of its own. */
function nameOf(path: ConfigPath, table: readonly (readonly [string, string])[]): string {
  const text = path
    .filter((step) => typeof step !== 'number')
    .map(String)
    .join('.');
  const known = table.find(([prefix]) => text.startsWith(prefix));
  if (known === undefined) return text;
  const [prefix, key] = known;
  return key === '' ? text.slice(prefix.length + 1) : key;
}
