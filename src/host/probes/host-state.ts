// Plain facts of the host, each read by itself: the TUN device file, who this process is, limits, the clock, offloads. What
// cannot be known is undefined. Reads only: opening /dev/net/tun makes no device.

import { open, readFile } from 'node:fs/promises';

import { EnvironmentError } from '../../base/errors.ts';
import { queryIp } from '../ip-command.ts';
import { runProgram } from '../run-program.ts';

export interface HostState {
  /** Of opening /dev/net/tun: `ENOENT`, `EACCES` …; undefined: it can be opened. */
  readonly tunProblem: string | undefined;
  /** CAP_NET_ADMIN. */
  readonly hasNetAdmin: boolean;
  /** net.core.rmem_max, net.core.wmem_max. */
  readonly mostReceiveBytes: number;
  readonly mostSendBytes: number;
  /** undefined: nobody tells. */
  readonly isClockSynchronized: boolean | undefined;
  /** net.ipv4.conf.DEVICE.accept_redirects of all devices that were asked for. */
  readonly acceptsRedirects: readonly string[];
}

export interface DeviceState {
  readonly name: string;
  readonly mtu: number;
  readonly isUp: boolean;
  /** By the names that ethtool has; empty where it is not there. */
  readonly offloads: ReadonlyMap<string, boolean>;
}

const CAP_NET_ADMIN = 12n;

export async function readHostState(devices: readonly string[]): Promise<HostState> {
  const [tunProblem, status, receive, send, clock, redirects] = await Promise.all([
    tunProblemOf(),
    readFile('/proc/self/status', 'utf8'),
    numberOf('net/core/rmem_max'),
    numberOf('net/core/wmem_max'),
    readClock(),
    Promise.all(devices.map((name) => numberOf(`net/ipv4/conf/${name}/accept_redirects`))),
  ]);
  const [, capabilities = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  return {
    tunProblem,
    hasNetAdmin: ((BigInt(`0x${capabilities}`) >> CAP_NET_ADMIN) & 1n) === 1n,
    mostReceiveBytes: receive ?? 0,
    mostSendBytes: send ?? 0,
    isClockSynchronized: clock,
    acceptsRedirects: devices.filter((_, index) => redirects[index] === 1),
  };
}

/** @returns undefined where there is no such device */
export async function readDevice(name: string): Promise<DeviceState | undefined> {
  const [link] = await queryIp(['link', 'show', 'dev', name]);
  if (link === undefined) return undefined;
  const flags = Array.isArray(link['flags']) ? (link['flags'] as string[]) : [];
  const { code, output } = await tryProgram('ethtool', ['-k', name]);
  const offloads = new Map(
    (code === 0 ? output : '').split('\n').flatMap((line): readonly [string, boolean][] => {
      const [, feature, state] = /^\s*([\w-]+): (on|off)/.exec(line) ?? [];
      return feature === undefined ? [] : [[feature, state === 'on']];
    }),
  );
  return { name, mtu: Number(link['mtu']), isUp: flags.includes('UP'), offloads };
}

async function tunProblemOf(): Promise<string | undefined> {
  try {
    const file = await open('/dev/net/tun', 'r+');
    await file.close();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

async function readClock(): Promise<boolean | undefined> {
  const { code, output } = await tryProgram('timedatectl', ['show', '-p', 'NTPSynchronized', '--value']);
  return code === 0 ? output.trim() === 'yes' : undefined;
}

async function tryProgram(
  program: string,
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  try {
    return await runProgram(program, args, '', `${program} is missing`);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    return { code: -1, output: '' };
  }
}

/** Below /proc/sys. */
async function numberOf(path: string): Promise<number | undefined> {
  try {
    return Number(await readFile(`/proc/sys/${path}`, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
