// Checks that several scenarios make.

import type { Place } from '../../topology/plan.ts';
import { canConnect } from '../tcp-probe.ts';
import type { Check, RunningLab } from './scenario.ts';

/** @param options of ping(8): a size, a source */
export async function canPing(
  { topology, signal }: RunningLab,
  from: Place,
  address: string,
  options: readonly string[] = [],
): Promise<Check> {
  const command = ['ping', '-n', '-c', '3', '-i', '0.2', '-W', '2', ...options, address];
  const { stdout } = await topology.run(from, command, { signal, timeoutMs: 15_000 });
  const received = Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
  return {
    what: `${['ping', ...options].join(' ')} from ${from} to ${address} is answered`,
    holds: received === 3,
    seen: `${received} of 3`,
  };
}

export async function cannotPing(
  lab: RunningLab,
  from: Place,
  address: string,
  options: readonly string[] = [],
): Promise<Check> {
  const { what, seen } = await canPing(lab, from, address, [...options, '-W', '1']);
  return { what: what.replace('is answered', 'is not answered'), holds: seen.startsWith('0 '), seen };
}

/** @param expected whether TCP connects */
export async function connects(
  { topology }: RunningLab,
  from: Place,
  address: string,
  port: number,
  expected: boolean,
): Promise<Check> {
  const connected = await canConnect(topology, from, address, port);
  return {
    what: `TCP from ${from} to ${address} port ${port} ${expected ? 'connects' : 'does not connect'}`,
    holds: connected === expected,
    seen: connected ? 'connected' : 'no connection',
  };
}

export async function nothingInClear(lab: RunningLab): Promise<Check> {
  const { inClear } = await lab.wan();
  return {
    what: 'no packet of one site for another travels in clear',
    holds: inClear === 0,
    seen: `${inClear} packets`,
  };
}
