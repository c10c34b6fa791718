// Children that have no tunnel: strongSwan lets their packets pass or drops them. They are BYPASS and DISCARD policies, and
// need no peer.

import { priorityOf, readChildSelectors } from '../loading/child-selectors.ts';
import { Options, RefusedOptionError, type Fixed } from '../loading/options.ts';
import { CHILD_FIXED } from '../loading/read-child.ts';
import type { ConnectionTree } from './connection-tree.ts';
import type { ImportedPolicy } from './imported-policy.ts';
import { standIn } from './stand-in.ts';

const ACTIONS: Readonly<Record<string, 'BYPASS' | 'DISCARD'>> = { pass: 'BYPASS', drop: 'DISCARD' };
/** strongSwan meets what passes before tunnels, and what it drops after them. */
const PRIORITY = { BYPASS: -500_000, DISCARD: 500_000 } as const;
const FIXED: Fixed = { ...CHILD_FIXED, mode: [/^(pass|drop)$/, 'pass or drop'] };
/** Of tunnels, and read with them. */
const OF_TUNNELS =
  /^(esp_proposals|replay_window|tfc_padding|copy_df|copy_dscp|rekey_.*|life_.*|dpd_action|close_action)$/;
const CARRIED = ['mode', 'start_action', 'local_ts', 'remote_ts', 'priority'];

/** @param mode of a child */
export function isShunt(mode: unknown): boolean {
  return typeof mode === 'string' && mode in ACTIONS;
}

/** Takes the child out of the connection. */
export function importShunt(tree: ConnectionTree, name: string): readonly ImportedPolicy[] {
  const section = tree.child(name);
  const key = `children.${name}`;
  const text = (option: string): string => tree.options(name).get(option)?.text ?? '';
  const action = ACTIONS[text('mode')] ?? 'DISCARD';
  tree.removeChild(name);
  if (!/trap|start/.test(text('start_action'))) {
    const advice = 'strongSwan does not put the policy in force either, before it is told to';
    tree.tell('harmless', `${key}.start_action`, advice);
    return [];
  }
  try {
    const options = new Options(section, `${key}.`, new Map());
    options.fixed(FIXED);
    const selectors = readChildSelectors(options);
    const priority = options.count('priority') ?? 0;
    for (const option of section.keys()) {
      if (CARRIED.includes(option)) continue;
      const isKnown = option in FIXED || OF_TUNNELS.test(option);
      if (isKnown) tree.tell('harmless', `${key}.${option}`, 'it is of tunnels, and this policy has none');
      else tree.tell('left-out', `${key}.${option}`, 'Isthmus does not know this option');
    }
    const automatic = priorityOf(selectors) + PRIORITY[action];
    const entry = { name, priority: priority === 0 ? automatic : priority, selectors, action };
    return [{ entry, at: tree.childAt(name) }];
  } catch (error) {
    if (!(error instanceof RefusedOptionError)) throw error;
    tree.tell('closed', error.key, `expected ${error.expected}`, error.found);
    return standIn(tree, name, section, 'a policy');
  }
}
