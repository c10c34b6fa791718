// Keys of SAs in locked memory, as the kernel shows it; and a host that refuses.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { NativeError } from '../../../src/base/errors.ts';
import { createLogger } from '../../../src/base/log.ts';
import type { NativeAddon } from '../../../src/dataplane/native/addon.ts';
import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';
import { keyLock } from '../../../src/gateway/key-lock.ts';
import { SharedRowsBySize } from '../../../src/sad/shared-rows.ts';

const CHUNK_KB = 64;

/** Of this process, neither swapped nor dumped: kB of what proc_pid_smaps(5) marks `lo` and `dd`. */
function lockedKb(): number {
  const areas = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const isLocked = (area: string): boolean => /^VmFlags:.* lo\b.* dd\b/m.test(area);
  return areas.filter(isLocked).reduce((sum, area) => sum + Number(/^Size: +(\d+) kB/m.exec(area)?.[1]), 0);
}

function lockWith(addon: Pick<NativeAddon, 'lockMemory'>) {
  const lines: unknown[] = [];
  const write = (line: string): unknown => lines.push(JSON.parse(line));
  const lock = keyLock(addon, createLogger('info', { human: false, destination: { write } }));
  const rows = new SharedRowsBySize<Uint8Array<SharedArrayBuffer>>(Uint8Array, lock);
  return { rows, lines };
}

test('each row of keys lies in memory that is locked and left out of core files', () => {
  const { rows, lines } = lockWith(loadAddon());
  const before = lockedKb();
  const first = rows.take(36);
  const one = lockedKb();
  expect(one - before).toBeGreaterThanOrEqual(CHUNK_KB);
  // In the same chunk; and one of another length, in its own.
  rows.take(36);
  expect(lockedKb()).toBe(one);
  rows.take(20);
  expect(lockedKb() - one).toBeGreaterThanOrEqual(CHUNK_KB - 8);
  expect(first.every((byte) => byte === 0)).toBe(true);
  expect(lines).toEqual([]);
});

test('where the host refuses it, one line says what to change, and there are rows', () => {
  const { rows, lines } = lockWith({
    lockMemory: () => {
      throw new NativeError('mlock 65536 bytes: Cannot allocate memory', 'ENOMEM', 'mlock', '65536 bytes');
    },
  });
  expect(rows.take(36)).toHaveLength(36);
  expect(rows.take(20)).toHaveLength(20);
  expect(lines).toMatchObject([
    { level: 'warn', reason: 'ENOMEM', msg: expect.stringContaining('LimitMEMLOCK=') as unknown },
  ]);
});

test('a defect is no refusal', () => {
  const { rows } = lockWith({
    lockMemory: () => {
      throw new TypeError('memory: expected a Uint8Array');
    },
  });
  expect(() => rows.take(36)).toThrow(TypeError);
});
