import { describe, expect, it } from 'vitest';

import { capabilityNames, readPrivileges } from '../../../src/host/process-privileges.ts';

// As Linux 6.1 writes it, of a process that systemd started with two capabilities.
const STATUS = `Name:	node
Umask:	0022
Uid:	1000	997	997	997
Gid:	100	996	996	996
CapInh:	0000000000001400
CapPrm:	0000000000001400
CapEff:	0000000000001000
CapBnd:	000001ffffffffff
NoNewPrivs:	1
Seccomp:	0
`;

describe('readPrivileges', () => {
  it('takes the user in force and the permitted set', () => {
    expect(readPrivileges(STATUS)).toEqual({ uid: 997, permitted: 0x1400n, hasNoNewPrivileges: true });
  });

  it('reads this process', () => {
    expect(readPrivileges().uid).toBe(process.geteuid?.());
  });
});

describe('capabilityNames', () => {
  it.each([
    [0n, []],
    [1n << 12n, ['net_admin']],
    [0x1400n, ['net_bind_service', 'net_admin']],
    [(1n << 40n) | 1n, ['chown', 'checkpoint_restore']],
    // Of a kernel to come.
    [1n << 41n, ['41']],
  ])('of %s', (set, names) => {
    expect(capabilityNames(set)).toEqual(names);
  });
});
