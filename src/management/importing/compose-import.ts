// All imported connections as one configuration file: peers that are the same are one, policies in the order in which
// strongSwan meets them, and above each entry where it comes from.

import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { Document, isMap, isScalar, isSeq, visit, type Node } from 'yaml';

import { parseAddress, formatAddress, type Address } from '../../base/address.ts';
import type { PlainEntry } from '../loading/loaded-connection.ts';
import type { ImportedConnection } from './import-connection.ts';
import { isShunt } from './import-shunt.ts';
import type { ImportedPolicy } from './imported-policy.ts';
import { listOf } from './connection-tree.ts';
import { quote, type Notify } from './notice.ts';
import type { WrittenAt, WrittenSection, WrittenValue } from './written-section.ts';

export type Header = PlainEntry;

interface WrittenPeer extends WrittenAt {
  readonly entry: PlainEntry;
  readonly sources: WrittenAt[];
}

const PRIORITY_STEP = 10;

/** What is of the gateway as a whole: where IKE begins from, and what strongSwan does not have. */
export function headerOf(connections: ReadonlyMap<string, WrittenSection>, notify: Notify): Header {
  const own = [...connections.values()].filter(hasTunnels);
  const written = own.flatMap(({ values }) => values.get('local_addrs') ?? []);
  const remote = own.flatMap(({ values }) => values.get('remote_addrs') ?? []);
  const local = addressesOf(written);
  const hasIpv6 = [...local, ...addressesOf(remote)].some(({ family }) => family === 6);
  const isAnywhere = written.length < own.length || written.some(({ text }) => /%any/.test(text));
  const listen = ([4, 6] as const).flatMap((family) => {
    const found = [...new Set(local.filter((one) => one.family === family).map(formatAddress))];
    const [first] = found;
    const brackets = (text: string): string => (family === 6 ? `[${text}]:4500` : `${text}:4500`);
    if (found.length === 1 && first !== undefined && !isAnywhere) return [brackets(first)];
    if (found.length > 1)
      notify({
        ...(written[0] ?? { file: '', line: 0 }),
        kind: 'differs',
        option: 'local_addrs',
        found: quote(found.join(', ')),
        advice: 'the gateway listens on all of its addresses, and takes the one that the route says',
      });
    const isWanted = found.length > 0 || (family === 6 ? hasIpv6 : !hasIpv6 || isAnywhere);
    return isWanted ? [brackets(family === 6 ? '::' : '0.0.0.0')] : [];
  });
  return { gateway: { name: 'gateway' }, udp: { listen }, guard: 'none' };
}

/** Those that only pass or drop packets are from nowhere. */
function hasTunnels({ sections }: WrittenSection): boolean {
  const children = [...(sections.get('children')?.sections.values() ?? [])];
  return children.length === 0 || children.some(({ values }) => !isShunt(values.get('mode')?.text));
}

function addressesOf(values: readonly WrittenValue[]): readonly Address[] {
  return values.flatMap(({ text }) => listOf(text).flatMap((one) => parseAddress(one) ?? []));
}

/** The text of the header by itself, to check connections above it. */
export function headerText(header: Header): string {
  return new Document({ ...header, policies: [] }).toString();
}

/** @returns YAML that names its sources */
export function composeImport(
  header: Header,
  connections: readonly ImportedConnection[],
  comment: string,
): string {
  const peers: WrittenPeer[] = [];
  const policies = connections.flatMap(({ peer, policies: own, at }): readonly ImportedPolicy[] => {
    if (peer === undefined) return own;
    const { name, ...rest } = peer;
    const same = peers.find(({ entry }) => isDeepStrictEqual({ ...entry, name }, { ...rest, name }));
    same?.sources.push(at);
    if (same === undefined) peers.push({ ...at, entry: peer, sources: [at] });
    const peerName = same?.entry['name'] ?? name;
    return own.map((policy) => ({ ...policy, entry: withPeer(policy.entry, peerName) }));
  });
  const ordered = policies
    .map((policy, index) => ({ policy, index, priority: Number(policy.entry['priority']) }))
    .toSorted((one, other) => one.priority - other.priority || one.index - other.index)
    .map(({ policy }, index) => ({
      ...policy,
      entry: plain({ ...policy.entry, priority: PRIORITY_STEP * (index + 1) }),
    }));
  const document = new Document({
    ...header,
    peers: peers.map(({ entry }) => entry),
    policies: ordered.map(({ entry }) => entry),
  });
  document.commentBefore = comment;
  commentItems(
    document.get('peers'),
    peers.map(({ sources }) => placesText(sources)),
  );
  commentItems(
    document.get('policies'),
    ordered.map(({ at, remark }) => `${placesText([at])}${remark === undefined ? '' : `: ${remark}`}`),
  );
  visit(document, {
    // Lists of plain values fit on a line.
    Seq: (_, list) => {
      if (list.items.length > 0 && list.items.every(isScalar)) list.flow = true;
    },
  });
  return `${document.toString({ lineWidth: 110, flowCollectionPadding: false }).trimEnd()}\n`;
}

function withPeer(entry: PlainEntry, peer: unknown): PlainEntry {
  const sa = entry['sa'];
  return typeof sa === 'object' && sa !== null ? { ...entry, sa: { ...sa, peer } } : entry;
}

/** What is so by default is not written. */
function plain({ selectors, sa, ...entry }: PlainEntry): PlainEntry {
  const written = (section: unknown, isWritten: (name: string, value: unknown) => boolean): object =>
    Object.fromEntries(
      Object.entries((section ?? {}) as PlainEntry).filter(
        ([name, value]) => value !== undefined && isWritten(name, value),
      ),
    );
  return {
    ...entry,
    selectors: written(selectors, (_, value) => value !== 'any'),
    ...(sa !== undefined && {
      sa: written(sa, (name, value) => !((name === 'df' || name === 'dscp') && value === 'copy')),
    }),
  };
}

function commentItems(list: unknown, comments: readonly string[]): void {
  if (!isSeq(list)) return;
  list.items.forEach((item, index) => {
    if (isMap(item)) (item as Node).commentBefore = ` ${comments[index] ?? ''}`;
  });
}

function placesText(places: readonly WrittenAt[]): string {
  return `from ${places.map(({ file, line }) => `${basename(file)}:${line}`).join(', ')}`;
}
