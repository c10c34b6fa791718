import { expect, test } from 'vitest';

import { EnvironmentError, InvariantError } from '../../../src/base/errors.ts';
import { explainStateError } from '../../../src/state/state-errors.ts';

const failed = (code: string, path: string): Error =>
  Object.assign(new Error(`${code}: failed`), { code, path });

test.each([
  ['ENOENT', '/s does not exist: make it with mkdir -p -m 700 /s'],
  ['ENOTDIR', '/s or something in it is not a directory (/s/x)'],
  ['EACCES', '/s/x cannot be written by user'],
  ['EPERM', '/s/x cannot be written by user'],
  ['EROFS', '/s/x is on a read-only file system'],
  ['ENOSPC', 'no space is left for /s/x'],
  ['EDQUOT', 'no space is left for /s/x'],
  ['EIO', '/s/x: EIO: failed'],
])('%s names the path and the mend in one line', (code, expected) => {
  const error = explainStateError(failed(code, '/s/x'), '/s');
  expect(error).toBeInstanceOf(EnvironmentError);
  expect((error as Error).message).toContain('need a writable state directory');
  expect((error as Error).message).toContain(expected);
  expect((error as Error).message).not.toContain('\n');
});

test('what is no system error stays what it is', () => {
  const defect = new InvariantError('x');
  expect(explainStateError(defect, '/s')).toBe(defect);
});
