// One connection as entries of the configuration. It is read as `load-conn` reads it; what is refused there is left out and
// told, and it is read again. Where something is missing without which a tunnel would be another one, it is not carried
// over: its policies become DISCARD, so that nothing leaves in clear.

import { ConfigError } from '../../base/errors.ts';
import { formatDistinguishedName, parseDistinguishedName } from '../../pki/distinguished-name.ts';
import type { ConfigSource } from '../config/load-config.ts';
import { composeLoaded } from '../loading/compose-loaded.ts';
import type { LoadedConnection, PlainEntry } from '../loading/loaded-connection.ts';
import { put, type LoadedThings } from '../loading/loaded-things.ts';
import { RefusedOptionError, type Fixed } from '../loading/options.ts';
import { LOCAL_FIXED, REMOTE_FIXED } from '../loading/read-authentication.ts';
import { CHILD_FIXED } from '../loading/read-child.ts';
import { CONNECTION_FIXED, readConnection } from '../loading/read-connection.ts';
import { resolveProofs } from '../loading/resolve-proofs.ts';
import { ViciRequestError, type ViciElement } from '../vici/message.ts';
import type { ConnectionTree } from './connection-tree.ts';
import type { ImportedCredentials } from './imported-credentials.ts';
import { importShunt, isShunt } from './import-shunt.ts';
import { standIn } from './stand-in.ts';
import { writeProofs } from './write-proofs.ts';
import type { ImportedPolicy } from './imported-policy.ts';
import type { WrittenAt } from './written-section.ts';

export interface ImportedConnection {
  readonly at: WrittenAt;
  /** Undefined: it has no tunnels that are carried over. */
  readonly peer: PlainEntry | undefined;
  readonly policies: readonly ImportedPolicy[];
}

/** Without these, a connection or a tunnel is what it was, or a little less; without others it would be another one. */
const OPTIONAL: readonly RegExp[] = [
  /^(local_port|local_addrs|vips|pools|pull|dscp|encap|fragmentation|dpd_timeout|send_certreq|send_cert|ppk_id)$/,
  /^(keyingtries|reauth_time|rand_time|over_time|rekey_time|dpd_delay|unique|mobike|childless|aggressive)$/,
  /^(local|remote)[^.]*\.(round|aaa_id|xauth_id|eap_id)$/,
];
const OPTIONAL_OF_CHILD =
  /^(updown|hostaccess|priority|replay_window|tfc_padding|copy_df|copy_dscp|copy_ecn|rekey_.*|life_.*|rand_.*|start_action|dpd_action|close_action|policies_fwd_out|inactivity|hw_offload|reqid|ipcomp)$/;

const WAITS_FOR_PEER =
  'until the peer begins, packets are refused here; strongSwan lets them leave in clear. With trap (auto=route) this side may begin as well';

/** @param header the configuration without peers */
export function importConnection(
  tree: ConnectionTree,
  credentials: ImportedCredentials,
  header: ConfigSource,
): ImportedConnection {
  const { at } = tree;
  for (const name of tree.strangeSections) {
    tree.message.delete(name);
    tree.tell('left-out', name, 'strongSwan does not know this section', 'a section');
  }
  const shuntNames = tree.childNames.filter((name) => isShunt(tree.child(name).get('mode')));
  const shunts = shuntNames.flatMap((name) => importShunt(tree, name));
  if (tree.childNames.length === 0 && shuntNames.length > 0) {
    for (const key of tree.options().keys())
      tree.tell('harmless', key, 'the connection has no tunnels of its own');
    return { at, peer: undefined, policies: shunts };
  }
  const closed: ImportedPolicy[] = [];
  const made = readLeavingOut(tree, closed, credentials.things, (connection) => {
    const things = put(credentials.things, 'connections', tree.name, connection);
    const ike = resolveProofs(connection, things, header.file);
    composeLoaded(header, things);
    return { connection, ike };
  });
  if (made === undefined) return { at, peer: undefined, policies: [...shunts, ...closed] };
  const { connection, ike } = made;
  tellHarmless(tree);
  for (const { name, sa } of connection.policies)
    if (sa?.start === 'never') tree.tell('differs', `children.${name}.start_action`, WAITS_FOR_PEER);
  return {
    at,
    peer: writeProofs(connection, ike, credentials),
    policies: [
      ...shunts,
      ...connection.entries.policies.map((entry, index) => ({
        entry,
        at: tree.childAt(connection.children[index] ?? ''),
      })),
      ...closed,
    ],
  };
}

/** @param closed gets what stands in the place of tunnels that are not carried over */
function readLeavingOut<T>(
  tree: ConnectionTree,
  closed: ImportedPolicy[],
  things: LoadedThings,
  finish: (connection: LoadedConnection) => T,
): T | undefined {
  tree.keepKnownProposals('proposals', 'IKE');
  for (const child of tree.childNames) tree.keepKnownProposals(`children.${child}.esp_proposals`, 'ESP');
  for (const round of tree.rounds('remote')) takeAuthority(tree, round, things);
  closeHandedOut(tree, closed);
  if (tree.childNames.length === 0) return undefined;
  for (;;) {
    try {
      tree.checkFiles();
      return finish(readConnection(tree.name, tree.message));
    } catch (error) {
      const { key, found, expected } = refusalOf(error);
      const child = tree.childNames.find(
        (name) => key === `children.${name}` || key.startsWith(`children.${name}.`),
      );
      const option = child === undefined ? key : key.slice(`children.${child}.`.length);
      const isOptional =
        child === undefined
          ? OPTIONAL.some((pattern) => pattern.test(key))
          : OPTIONAL_OF_CHILD.test(option) || isUnknown(found);
      if (
        (isOptional || (child === undefined && isUnknown(found) && !key.includes('.'))) &&
        tree.remove(key)
      ) {
        tree.tell('left-out', key, `expected ${expected}`, found);
        continue;
      }
      tree.tell('closed', key, `expected ${expected}`, found);
      for (const name of child === undefined ? tree.childNames : [child]) closeTunnel(tree, name, closed);
      if (child === undefined || tree.childNames.length === 0) return undefined;
    }
  }
}

function isUnknown(found: string): boolean {
  return found === 'an option that Isthmus does not know';
}

function refusalOf(error: unknown): Pick<RefusedOptionError, 'key' | 'found' | 'expected'> {
  if (error instanceof RefusedOptionError) return error;
  // A certificate or a key that is none; swanctl would have sent it as it is.
  if (error instanceof ViciRequestError)
    return { key: 'name', found: 'a file that it names', expected: `one that can be used: ${error.message}` };
  if (!(error instanceof ConfigError)) throw error;
  const [line = ''] = error.message.split('\n');
  const [, key = 'name', found = 'a connection', expected = `what can be read: ${line}`] =
    /^connection "[^"]*": ([^:]+): found ([^]*?), expected ([^]*)$/.exec(line) ?? [];
  return { key, found, expected };
}

/** An authority that is named by its subject is the certificate with that subject. */
function takeAuthority(tree: ConnectionTree, round: string, { certificates }: LoadedThings): void {
  const section = tree.message.get(round);
  if (!(section instanceof Map) || section.has('cacerts')) return;
  const options = section as Map<string, ViciElement>;
  const subject = parseDistinguishedName(tree.text('ca_id', round));
  if (subject === undefined) return;
  const text = formatDistinguishedName(subject);
  const found = [...certificates.values()].find(
    ({ certificate, isTrusted }) => isTrusted && formatDistinguishedName(certificate.subject) === text,
  );
  if (found === undefined) return;
  options.delete('ca_id');
  options.set('cacerts', [found.certificate.der]);
}

function closeTunnel(tree: ConnectionTree, name: string, closed: ImportedPolicy[]): void {
  const section = tree.child(name);
  tree.removeChild(name);
  closed.push(...standIn(tree, name, section, 'a tunnel'));
}

/** What is left out goes before the networks are read: `dynamic` would be another address then. */
function closeHandedOut(tree: ConnectionTree, closed: ImportedPolicy[]): void {
  for (const [networks, handedOut] of [
    ['local_ts', 'vips'],
    ['remote_ts', 'pools'],
  ] as const) {
    if (tree.text(handedOut) === '') continue;
    for (const name of tree.childNames) {
      const text = tree.options(name).get(networks)?.text ?? '';
      if (text !== '' && !/(^|,)\s*%?dynamic/.test(text)) continue;
      const advice = `expected the networks on this side: dynamic stands for addresses of ${handedOut}, and none are handed out`;
      tree.tell('closed', `children.${name}.${networks}`, advice);
      closeTunnel(tree, name, closed);
    }
  }
}

/** Options that say what is so anyway. */
function tellHarmless(tree: ConnectionTree): void {
  const tell = (prefix: string, options: Iterable<string>, fixed: Fixed): void => {
    for (const option of options) {
      const [, text] = fixed[option] ?? [];
      if (text !== undefined) tree.tell('harmless', `${prefix}${option}`, `as it is here anyway: ${text}`);
    }
  };
  tell('', carried(tree, ''), CONNECTION_FIXED);
  for (const side of ['local', 'remote'] as const)
    for (const round of tree.rounds(side))
      tell(`${round}.`, carried(tree, round), side === 'local' ? LOCAL_FIXED : REMOTE_FIXED);
  for (const child of tree.childNames) tell(`children.${child}.`, tree.child(child).keys(), CHILD_FIXED);
}

function carried(tree: ConnectionTree, round: string): Iterable<string> {
  const section = round === '' ? tree.message : tree.message.get(round);
  return section instanceof Map ? (section as ReadonlyMap<string, unknown>).keys() : [];
}
