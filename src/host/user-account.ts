// Users and groups as the host's name service knows them, which may be more than /etc/passwd does.

import { EnvironmentError } from '../base/errors.ts';
import { runProgram } from './run-program.ts';

export interface UserAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** All that it is a member of, `gid` included. */
  readonly groups: readonly number[];
}

/** @throws EnvironmentError where there is no such user */
export async function findAccount(name: string): Promise<UserAccount> {
  const [line, groups] = await Promise.all([
    ask('getent', ['passwd', name], 'libc-bin'),
    ask('id', ['-G', '--', name], 'coreutils'),
  ]);
  const [found, , uid, gid] = line?.split(':') ?? [];
  if (found === undefined || groups === undefined)
    throw new EnvironmentError(
      `there is no user ${name}: make it with useradd --system --no-create-home --shell /usr/sbin/nologin ${name}, or mend gateway.user`,
    );
  return { name: found, uid: Number(uid), gid: Number(gid), groups: groups.trim().split(' ').map(Number) };
}

/** @returns undefined where it answers with an error */
async function ask(program: string, args: readonly string[], source: string): Promise<string | undefined> {
  const missing = `the command '${program}' is missing: apt-get install ${source}`;
  const { code, output } = await runProgram(program, args, '', missing);
  return code === 0 ? output : undefined;
}
