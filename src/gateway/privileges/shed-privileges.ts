// Before anything else of `isthmus run`: what needs privileges is done, and the process becomes one that has none but
// CAP_NET_ADMIN, in all of its threads, by a single exec of itself through setpriv(1). It keeps its number, its log and
// the open devices.

import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

import { EnvironmentError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { LogLevels } from '../../base/log-levels.ts';
import { findAddon } from '../../dataplane/native/load-addon.ts';
import { findBarrier } from '../../host/barrier.ts';
import { keptCapabilities, planPrivileges } from '../../host/privilege-plan.ts';
import { capabilityNames, readPrivileges } from '../../host/process-privileges.ts';
import { SEARCH_PATH } from '../../host/run-program.ts';
import { findAccount, type UserAccount } from '../../host/user-account.ts';
import type { GatewayConfig } from '../../management/config/gateway-config.ts';
import { groupIdOf } from '../../management/vici/socket-file.ts';
import { openRawDevices, rawDescriptors } from '../open-devices.ts';
import { refuseUsedTun } from '../refuse-used-tun.ts';
import { wantsIke } from '../wants-ike.ts';
import { giveDirectories } from './give-directories.ts';
import { areDevicesHanded, handOver } from './handed-devices.ts';

/**
 * Returns where there is nothing to give away, or in the process that has given it away.
 * @param user to become; undefined: the one that the configuration names
 */
export async function shedPrivileges(
  config: GatewayConfig,
  log: Logger,
  user: string | undefined = config.user,
): Promise<void> {
  const addon = findAddon();
  if ('missing' in addon) {
    if (user === undefined) return;
    throw new EnvironmentError(`gateway.user needs the native addon: ${addon.missing}`);
  }
  addon.hardenProcess();
  if (areDevicesHanded()) return;
  const own = readPrivileges();
  const account = user === undefined ? undefined : await findAccount(user);
  const groups = await Promise.all(socketGroups(config).map(groupIdOf));
  const args = planPrivileges(own, account, groups);
  if (args === undefined) return;
  if (account !== undefined) refuseUnreadableProgram(account);
  await refuseUsedTun(config);
  const devices = openRawDevices(
    addon,
    config,
    new LogLevels(log, config.logLevels).of('esp'),
    wantsIke(config),
  );
  giveDirectories(
    config,
    account ?? { name: `number ${String(own.uid)}`, uid: own.uid, gid: process.getgid?.() ?? 0 },
  );
  addon.replaceProcess(
    findSetpriv(),
    ['setpriv', ...args, '--', process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    [...Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`), handOver(devices)],
    rawDescriptors(devices),
  );
}

/** What the process can do from now on, for the log. */
export function reportPrivileges(log: Logger): void {
  const own = readPrivileges();
  const { uid, permitted, hasNoNewPrivileges: noNewPrivileges } = own;
  const capabilities = capabilityNames(permitted).join(' ');
  if (permitted === keptCapabilities(own, false))
    log.info({ uid, capabilities, noNewPrivileges }, 'privileges');
  else
    log.warn(
      { uid, capabilities, noNewPrivileges },
      'the gateway has more privileges than it needs, and could not give them away: start it with CAP_NET_ADMIN alone',
    );
}

function socketGroups({ vici, http }: GatewayConfig): readonly string[] {
  const listen = http?.listen;
  return [vici?.group, listen !== undefined && 'path' in listen ? listen.group : undefined].filter(
    (group) => group !== undefined,
  );
}

/** It would end with a stack of Node. */
function refuseUnreadableProgram(account: UserAccount): void {
  for (const path of [process.execPath, process.argv[1] ?? '']) {
    const barrier = findBarrier(path, account);
    if (barrier !== undefined)
      throw new EnvironmentError(
        `user ${account.name} cannot read ${path}, because of ${barrier.path}: install Isthmus where everybody can read it`,
      );
  }
}

/** execve(2) looks nowhere by itself. */
function findSetpriv(): string {
  for (const directory of `${SEARCH_PATH}:/usr/bin:/bin`.split(':').filter((one) => one !== '')) {
    const path = join(directory, 'setpriv');
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not there.
    }
  }
  throw new EnvironmentError("the command 'setpriv' is missing: apt-get install util-linux");
}
