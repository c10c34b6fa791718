import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { findBarrier } from '../../../src/host/barrier.ts';

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;
const owner = { name: 'me', uid, gid, groups: [gid] };
const member = { name: 'gw', uid: uid + 1, gid: gid + 1, groups: [gid + 1, gid] };
const stranger = { name: 'gw', uid: uid + 1, gid: gid + 1, groups: [gid + 1] };

let top: string;
let keys: string;
let file: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'barrier-'));
  keys = join(top, 'keys');
  file = join(keys, 'a b.key');
  mkdirSync(keys);
  writeFileSync(file, '');
});

afterEach(() => {
  rmSync(top, { recursive: true });
});

function set(modes: readonly [top: number, keys: number, file: number]): void {
  [top, keys, file].forEach((path, at) => {
    chmodSync(path, modes[at] ?? 0);
  });
}

describe('findBarrier', () => {
  it.each([
    ['everybody', stranger, [0o711, 0o755, 0o644]],
    ['a group', member, [0o710, 0o750, 0o640]],
    ['the owner', owner, [0o700, 0o700, 0o600]],
  ] as const)('none where %s may', (_who, account, modes) => {
    set(modes);
    expect(findBarrier(file, account)).toBeUndefined();
  });

  it('the file', () => {
    set([0o711, 0o711, 0o600]);
    expect(findBarrier(file, stranger)).toEqual({ path: file, mend: `chown gw '${file}'` });
  });

  it('the first directory on the way', () => {
    set([0o700, 0o700, 0o600]);
    const mend = `chgrp ${String(gid + 1)} ${top} && chmod g+x ${top}`;
    expect(findBarrier(file, stranger)).toEqual({ path: top, mend });
  });

  it('a mode against the owner itself', () => {
    set([0o700, 0o711, 0o044]);
    expect(findBarrier(file, owner)?.mend).toBe(`chmod u+r '${file}'`);
  });

  it('the class that counts is the first that fits', () => {
    set([0o711, 0o711, 0o604]);
    expect(findBarrier(file, member)?.path).toBe(file);
  });

  it('none where something is not there', () => {
    set([0o711, 0o711, 0o644]);
    expect(findBarrier(join(keys, 'none'), stranger)).toBeUndefined();
  });
});
