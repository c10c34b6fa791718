// Routes, rules and the TUN against a real kernel: every scenario in an anonymous network namespace.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { scenarios, unprivilegedScenarios } from './host-programs/network-scenarios.ts';

const PROGRAM = join(import.meta.dirname, 'host-programs/run-network-scenario.ts');
// Whoever is not root becomes it in a user namespace.
const UNSHARE = process.getuid?.() === 0 ? ['--net'] : ['--net', '--user', '--map-root-user'];

test.each(Object.keys({ ...scenarios, ...unprivilegedScenarios }))('%s', async (name) => {
  const command = [...UNSHARE, process.execPath, '--import', 'tsx', PROGRAM, name];
  const run = promisify(execFile)('unshare', command, { timeout: 60_000, killSignal: 'SIGKILL' });
  const complaint = await run.then(
    ({ stderr }) => stderr,
    (error: unknown) => (error as { stderr?: string }).stderr ?? String(error),
  );
  expect(complaint).toBe('');
});
