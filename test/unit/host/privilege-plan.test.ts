import { describe, expect, it } from 'vitest';

import { planPrivileges } from '../../../src/host/privilege-plan.ts';

const ALL = (1n << 41n) - 1n;
const NET_ADMIN = 1n << 12n;
const NET_BIND_SERVICE = 1n << 10n;
const account = { name: 'gw', uid: 997, gid: 996, groups: [996, 20] };
const none = { uid: 0, hasNoNewPrivileges: false };
const sets = ['--inh-caps=-all,+net_admin', '--ambient-caps=-all,+net_admin'];
const bounding = '--bounding-set=-all,+net_admin';
/** Of root that stays root. */
const withFiles = ['inh-caps', 'ambient-caps', 'bounding-set'].map(
  (name) => `--${name}=-all,+dac_override,+net_admin`,
);
const rest = ['--no-new-privs', '--pdeathsig', 'keep'];

describe('planPrivileges', () => {
  it('root becomes the user, with its groups and those of the sockets', () => {
    expect(planPrivileges({ ...none, permitted: ALL }, account, [33])).toEqual([
      ...['--reuid', '997', '--regid', '996', '--groups', '996,20,33'],
      ...[...sets, bounding, ...rest],
    ]);
  });

  it('root stays root, and keeps what it needs to read the files of others', () => {
    expect(planPrivileges({ ...none, permitted: ALL }, undefined, [])).toEqual([...withFiles, ...rest]);
  });

  it('root by name has CAP_NET_ADMIN alone', () => {
    const root = { name: 'root', uid: 0, gid: 0, groups: [0] };
    expect(planPrivileges({ ...none, permitted: ALL }, root, [])).toEqual([...sets, bounding, ...rest]);
  });

  it('root joins the group of its socket, which it could not give it to later', () => {
    const groups = [...(process.getgroups?.() ?? []), 4711].join(',');
    expect(planPrivileges({ ...none, permitted: ALL }, undefined, [4711])).toEqual([
      ...['--groups', groups],
      ...[...withFiles, ...rest],
    ]);
  });

  it('a user with two capabilities keeps one; its bounding set is not its to change', () => {
    const own = { uid: 997, permitted: NET_ADMIN | NET_BIND_SERVICE, hasNoNewPrivileges: true };
    expect(planPrivileges(own, undefined, [])).toEqual([...sets, ...rest]);
    expect(planPrivileges(own, account, [])).toEqual([...sets, ...rest]);
  });

  it.each([
    ['there is nothing to give away', { uid: 997, permitted: NET_ADMIN, hasNoNewPrivileges: true }],
    ['root has given it away', { uid: 0, permitted: NET_ADMIN | 2n, hasNoNewPrivileges: true }],
    ['it cannot run anyway', { uid: 997, permitted: 0n, hasNoNewPrivileges: false }],
  ])('none where %s', (_what, own) => {
    expect(planPrivileges(own, undefined, [])).toBeUndefined();
  });

  it('a user that cannot become another one hears so', () => {
    expect(() =>
      planPrivileges({ uid: 1, permitted: NET_ADMIN, hasNoNewPrivileges: true }, account, []),
    ).toThrow('user 1 cannot become gw: start the gateway as root, or as gw with CAP_NET_ADMIN');
  });
});
