import { expect, it } from 'vitest';

import { isReadOnlyMount, mountIdOf } from '../../../../src/management/config/read-only-mount.ts';

const MOUNTINFO = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
23 22 0:21 / /run/secrets ro,nosuid - tmpfs tmpfs rw,size=64k
24 22 0:22 / /mnt/image rw,relatime shared:3 master:1 - squashfs /dev/loop0 ro
`;

it.each([
  ['22', false],
  ['23', true],
  ['24', true],
  ['2', false],
  [undefined, false],
])('mount %s is read-only: %s', (id, readOnly) => {
  expect(isReadOnlyMount(MOUNTINFO, id)).toBe(readOnly);
});

it('finds the mount of a descriptor', () => {
  expect(mountIdOf('pos:\t0\nflags:\t0100000\nmnt_id:\t23\nino:\t5\n')).toBe('23');
  expect(mountIdOf('pos:\t0\n')).toBeUndefined();
});
