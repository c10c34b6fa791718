// What setpriv(1) is told, so that the process it becomes, with all threads and all programs that it will run, has
// CAP_NET_ADMIN and nothing else; root that nobody makes somebody else may read the files of others, too. Capabilities belong to threads and Node has several before the first line of a program
// runs: what is given away must be given away before. They are ambient, so that `ip` and `nft` have them, too.

import { EnvironmentError } from '../base/errors.ts';
import {
  CAP_DAC_OVERRIDE,
  CAP_NET_ADMIN,
  CAP_SETGID,
  CAP_SETPCAP,
  CAP_SETUID,
  capabilityNames,
  hasCapability,
  type ProcessPrivileges,
} from './process-privileges.ts';
import type { UserAccount } from './user-account.ts';

/**
 * What the gateway keeps. Root without CAP_DAC_OVERRIDE could not read a secret that its owner keeps to himself, as it is
 * where a container is given the directory of a user; and what belongs to root it may write anyway.
 * @param isNamed somebody said whom to become
 */
export function keptCapabilities({ uid, permitted }: ProcessPrivileges, isNamed: boolean): bigint {
  const others = uid === 0 && !isNamed ? 1n << CAP_DAC_OVERRIDE : 0n;
  return permitted & ((1n << CAP_NET_ADMIN) | others);
}

/**
 * @param account to become; undefined: the user stays
 * @param moreGroups that its sockets are to be given to
 * @returns undefined where nothing is left to give away, or the gateway cannot run anyway
 * @throws EnvironmentError where the user cannot be changed
 */
export function planPrivileges(
  own: ProcessPrivileges,
  account: UserAccount | undefined,
  moreGroups: readonly number[],
): readonly string[] | undefined {
  const next = account?.uid === own.uid ? undefined : account;
  const { permitted, uid } = own;
  const mayChange = [CAP_SETUID, CAP_SETGID].every((one) => hasCapability(permitted, one));
  if (next !== undefined && !mayChange)
    throw new EnvironmentError(
      `user ${String(uid)} cannot become ${next.name}: start the gateway as root, or as ${next.name} with CAP_NET_ADMIN (AmbientCapabilities= of systemd)`,
    );
  // The first step that needs it says so.
  if (!hasCapability(permitted, CAP_NET_ADMIN)) return undefined;
  const kept = keptCapabilities(own, account !== undefined);
  const set = ['-all', ...capabilityNames(kept)].join(',+');
  if (next === undefined && permitted === kept && own.hasNoNewPrivileges) return undefined;
  return [
    ...(next === undefined ? [] : ['--reuid', String(next.uid), '--regid', String(next.gid)]),
    ...groupsOf(next, moreGroups, hasCapability(permitted, CAP_SETGID)),
    `--inh-caps=${set}`,
    `--ambient-caps=${set}`,
    // Without the capability the set cannot be made smaller, and no_new_privs says the same of everybody but root.
    ...(hasCapability(permitted, CAP_SETPCAP) ? [`--bounding-set=${set}`] : []),
    '--no-new-privs',
    ...['--pdeathsig', 'keep'],
  ];
}

/** What CAP_CHOWN would be needed for later, a member may do. */
function groupsOf(
  next: UserAccount | undefined,
  more: readonly number[],
  mayChange: boolean,
): readonly string[] {
  const held = next?.groups ?? process.getgroups?.() ?? [];
  const wanted = [...new Set([...held, ...more])];
  if (next === undefined && (!mayChange || wanted.length === held.length)) return [];
  return ['--groups', wanted.join(',')];
}
