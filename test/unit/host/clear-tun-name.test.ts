import { expect, test } from 'vitest';

import { clearTunNameOf } from '../../../src/host/clear-tun-name.ts';

test('a short name is told by its end', () => {
  expect(clearTunNameOf('isthmus0')).toBe('isthmus0-clear');
});

test('a long name still makes an interface name, and one of its own', () => {
  const names = ['isthmus0-site-a', 'isthmus0-site-b', 'isthmus0-s', 'abcdefghij'].map(clearTunNameOf);
  expect(names.every((name) => name.length <= 15 && name.endsWith('-clear'))).toBe(true);
  expect(new Set(names).size).toBe(names.length);
});
