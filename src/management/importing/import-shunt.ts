// Children that have no tunnel: strongSwan lets their packets pass or drops them. They are BYPASS and DISCARD policies, read
// as `load-conn` reads them, and need no peer.

import { describeOption } from '../loading/loaded-connection.ts';
import { RefusedOptionError } from '../loading/options.ts';
import { actionOf, CHILD_FIXED, readChild } from '../loading/read-child.ts';
import { issueReader } from '../loading/schema-issues.ts';
import { tunnelEnds } from '../loading/tunnel-ends.ts';
import type { ConnectionTree } from './connection-tree.ts';
import type { ImportedPolicy } from './imported-policy.ts';
import { standIn } from './stand-in.ts';

/** Of tunnels, and read with them. */
const OF_TUNNELS =
  /^(esp_proposals|replay_window|tfc_padding|copy_df|copy_dscp|rekey_.*|life_.*|dpd_action|close_action)$/;
const CARRIED = ['mode', 'start_action', 'local_ts', 'remote_ts', 'priority'];

/** @param mode of a child */
export function isShunt(mode: unknown): boolean {
  const action = typeof mode === 'string' ? actionOf(mode) : undefined;
  return action !== undefined && action !== 'PROTECT';
}

/** Takes the child out of the connection. */
export function importShunt(tree: ConnectionTree, name: string): readonly ImportedPolicy[] {
  const section = tree.child(name);
  const key = `children.${name}`;
  tree.removeChild(name);
  if (!/trap|start/.test(tree.options(name).get('start_action')?.text ?? '')) {
    const advice = 'strongSwan does not put the policy in force either, before it is told to';
    tree.tell('harmless', `${key}.start_action`, advice);
    return [];
  }
  const known = new Map([...section].filter(([option]) => CARRIED.includes(option) || option in CHILD_FIXED));
  try {
    const written = new Map<string, string>();
    const sections = { local: 'local', remote: 'remote' };
    const read = issueReader((path) => describeOption({ children: [name], written, sections }, path));
    const context = { peer: tree.name, isOpen: false, ends: tunnelEnds(tree.message), read };
    const { entry } = readChild(name, known, written, context);
    for (const option of section.keys()) {
      if (CARRIED.includes(option)) continue;
      if (known.has(option) || OF_TUNNELS.test(option))
        tree.tell('harmless', `${key}.${option}`, 'it is of tunnels, and this policy has none');
      else tree.tell('left-out', `${key}.${option}`, 'Isthmus does not know this option');
    }
    return [{ entry, at: tree.childAt(name) }];
  } catch (error) {
    if (!(error instanceof RefusedOptionError)) throw error;
    tree.tell('closed', error.key, `expected ${error.expected}`, error.found);
    return standIn(tree, name, section, 'a policy');
  }
}
