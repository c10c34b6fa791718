// What stands in the place of a child that is not carried over: a policy that discards its packets, so that they do not leave
// in clear.

import { priorityOf, readChildSelectors } from '../loading/child-selectors.ts';
import { Options, RefusedOptionError } from '../loading/options.ts';
import { actionOf } from '../loading/read-child.ts';
import { tunnelEnds } from '../loading/tunnel-ends.ts';
import type { ViciElement } from '../vici/message.ts';
import type { ConnectionTree } from './connection-tree.ts';
import type { ImportedPolicy } from './imported-policy.ts';

/**
 * @param section of the child, which the tree no longer has
 * @param what it was
 */
export function standIn(
  tree: ConnectionTree,
  name: string,
  section: ReadonlyMap<string, ViciElement>,
  what: 'a tunnel' | 'a policy',
): readonly ImportedPolicy[] {
  try {
    const options = new Options(section, '', new Map());
    const place = actionOf(options.text('mode')) ?? 'PROTECT';
    const selectors = readChildSelectors(options, what === 'a tunnel' ? tunnelEnds(tree.message) : undefined);
    const entry = { name, priority: priorityOf(selectors, place), selectors, action: 'DISCARD' };
    return [{ entry, at: tree.childAt(name), remark: `stands for ${what} that was not carried over` }];
  } catch (error) {
    if (!(error instanceof RefusedOptionError)) throw error;
    tree.tell(
      'closed',
      `children.${name}`,
      'no policy stands for it: write one that says what becomes of its packets',
      `${what} whose networks are not known`,
    );
    return [];
  }
}
