// State directories that cannot be written, on real file systems in an anonymous mount namespace.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { SEQUENCE_BLOCK_NUMBERS } from '../../src/state/sequence-blocks.ts';

const PROGRAM = join(import.meta.dirname, 'host-programs/state-directory.ts');

test('full, read-only and foreign directories are one clear line each, and a full one works again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'isthmus-state-'));
  // Only root can become another user; whoever is not root becomes it in a user namespace.
  const isRoot = process.getuid?.() === 0;
  const unshare = isRoot ? ['--mount'] : ['--mount', '--user', '--map-root-user'];
  const program = [process.execPath, '--import', 'tsx', PROGRAM, directory, isRoot ? 'drop' : 'stay'];
  try {
    const { stdout } = await promisify(execFile)('unshare', [...unshare, ...program], { timeout: 60_000 });
    const [full, freed, readOnly, foreign] = JSON.parse(stdout) as string[];
    expect(full).toMatch(/^EnvironmentError: .*no space is left for \S+ \(ENOSPC\): free some, or set/);
    expect(freed).toBe(JSON.stringify({ first: 1, end: SEQUENCE_BLOCK_NUMBERS }));
    expect(readOnly).toMatch(/^EnvironmentError: .* is on a read-only file system: mount it writable/);
    if (isRoot) {
      expect(foreign).toMatch(
        /^EnvironmentError: .*\/sequence cannot be written by user 65534 \(EACCES\): change its owner/,
      );
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});
