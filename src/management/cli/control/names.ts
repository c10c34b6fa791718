// `isthmus names`: of policies and peers, a line each, for the completion of shells.

import type { Output } from '../output.ts';
import { readPolicies } from './policies.ts';
import { readStatus } from './status.ts';
import { withSession, type ControlOptions } from './with-session.ts';

/** What a shell expands in no way. What was loaded by vici may be called anything. */
const HARMLESS = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export async function listNames(
  kind: 'policies' | 'peers' | 'all',
  options: ControlOptions,
  output: Output,
): Promise<void> {
  const names = await withSession(options, async (session) => {
    if (kind === 'policies') return (await readPolicies(session)).map(({ name }) => name);
    const { peers } = await readStatus(session);
    const policies = kind === 'peers' ? [] : peers.flatMap(({ tunnels }) => tunnels);
    return [...peers, ...policies].map(({ name }) => name);
  });
  for (const name of new Set(names)) if (HARMLESS.test(name)) output.out(`${name}\n`);
}
