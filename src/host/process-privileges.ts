// What this process may do: its user and its capabilities (capabilities(7)), as /proc/self/status has them.

import { readFileSync } from 'node:fs';

/** Bits of a set are the kernel's numbers of capabilities. */
export interface ProcessPrivileges {
  /** Of the user in force. */
  readonly uid: number;
  readonly permitted: bigint;
  /** No program that it runs can gain what it has not (PR_SET_NO_NEW_PRIVS). */
  readonly hasNoNewPrivileges: boolean;
}

export const CAP_DAC_OVERRIDE = 1n;
export const CAP_SETGID = 6n;
export const CAP_SETUID = 7n;
export const CAP_SETPCAP = 8n;
export const CAP_NET_ADMIN = 12n;

/** In the kernel's order (linux/capability.h). */
const NAMES = (
  'chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service ' +
  'net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin ' +
  'sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override ' +
  'mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore'
).split(' ');

export function readPrivileges(
  status: string = readFileSync('/proc/self/status', 'utf8'),
): ProcessPrivileges {
  const field = (pattern: RegExp): string => pattern.exec(status)?.[1] ?? '0';
  return {
    uid: Number(field(/^Uid:\s*\d+\s+(\d+)/m)),
    permitted: BigInt(`0x${field(/^CapPrm:\s*([0-9a-f]+)$/m)}`),
    hasNoNewPrivileges: field(/^NoNewPrivs:\s*(\d)$/m) === '1',
  };
}

export function hasCapability(set: bigint, capability: bigint): boolean {
  return ((set >> capability) & 1n) === 1n;
}

/** Without the prefix `cap_`; a number where the kernel is newer than this list. */
export function capabilityNames(set: bigint): readonly string[] {
  const found: string[] = [];
  for (let number = 0; set >> BigInt(number) > 0n; number++)
    if (hasCapability(set, BigInt(number))) found.push(NAMES[number] ?? String(number));
  return found;
}
