// Who else does IPsec on this host: daemons in the same network namespace, states and policies in the kernel, and whoever
// has the ports of IKE. Reads only.

import { readdir, readFile, readlink } from 'node:fs/promises';

import { EnvironmentError } from '../../base/errors.ts';
import { runIp } from '../ip-command.ts';
import { runProgram } from '../run-program.ts';

export interface HostProgram {
  readonly name: string;
  readonly processId: number;
}

export interface PortOwner {
  readonly port: number;
  /** As `ss` writes it. */
  readonly address: string;
  /** Undefined where it may not be known. */
  readonly owner: HostProgram | undefined;
}

const DAEMONS = /^(charon(-systemd|-nm)?|starter|pluto|iked|racoon|ipsec-starter)$/;

/** IPsec daemons in the network namespace of this process. */
export async function findIpsecDaemons(): Promise<readonly HostProgram[]> {
  const own = await linkOf('/proc/self/ns/net');
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    ids.map(async (id): Promise<readonly HostProgram[]> => {
      const name = (await textOf(`/proc/${id}/comm`)).trim();
      if (!DAEMONS.test(name)) return [];
      const other = await linkOf(`/proc/${id}/ns/net`);
      return other === undefined || other === own ? [{ name, processId: Number(id) }] : [];
    }),
  );
  return found.flat();
}

/** How many states and policies the kernel's IPsec has; undefined where this may not be asked. */
export async function countKernelIpsec(): Promise<
  { readonly states: number; readonly policies: number } | undefined
> {
  const [states, policies] = await Promise.all([runIp(['xfrm', 'state']), runIp(['xfrm', 'policy'])]);
  if (states.code !== 0 || policies.code !== 0) return undefined;
  const blocks = policies.output.split(/^(?=src )/m).filter((block) => block.startsWith('src '));
  return {
    states: states.output.split('\n').filter((line) => line.startsWith('src ')).length,
    // A socket's own are no policies for packets that go through.
    policies: blocks.filter((block) => !/^\s+socket /m.test(block)).length,
  };
}

/** Who listens on UDP ports; undefined where `ss` is not there. */
export async function findPortOwners(ports: readonly number[]): Promise<readonly PortOwner[] | undefined> {
  try {
    const { code, output } = await runProgram('ss', ['-H', '-u', '-l', '-n', '-p'], '', 'ss is missing');
    return code === 0 ? parsePortOwners(output, ports) : undefined;
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    return undefined;
  }
}

/** @param text of `ss -Hulnp` */
export function parsePortOwners(text: string, ports: readonly number[]): readonly PortOwner[] {
  return text.split('\n').flatMap((line) => {
    const [, , , local = ''] = line.trim().split(/\s+/);
    const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(local) ?? [];
    if (!ports.includes(Number(port))) return [];
    const [, name, id] = /users:\(\("([^"]*)",pid=(\d+)/.exec(line) ?? [];
    const owner = name === undefined ? undefined : { name, processId: Number(id) };
    return [{ port: Number(port), address, owner }];
  });
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // A process that has ended meanwhile, or is not ours to look at.
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
}

async function linkOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
