// What is shown between the two VMs: hosts behind the gateways reach each other, also while the SAs are replaced, and
// again after one side was switched off and on.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { EnvironmentError } from '../../src/base/errors.ts';
import { parseIperf3 } from '../lab/iperf3.ts';
import { makeVmImage } from './vm-image.ts';
import { Vm, type Answer } from './vm.ts';

const PINGS = 10;
/** Longer than a rekey takes in an emulated processor. */
const PINGS_WHILE_REKEYING = 150;
const IPERF3_SECONDS = 5;
const HOST_B = '10.0.2.7';
const ON_HOST = 'ip netns exec host';

export interface VmReport {
  readonly kernel: string;
  /** From power on until hosts reach each other. */
  readonly startSeconds: number;
  /** Answers of {@link PINGS}. */
  readonly pingLost: number;
  readonly mbitPerSecond: number;
  readonly rekeys: number;
  readonly pingLostWhileRekeying: number;
  /** From the reset of site B until hosts reach each other again. */
  readonly rebootSeconds: number;
}

/** @param tell what happens now, for who waits */
export async function runVmLab(tell: (line: string) => void): Promise<VmReport> {
  const directory = await mkdtemp(join(tmpdir(), 'isthmus-vm-'));
  const vms: Vm[] = [];
  try {
    tell('making a Debian with the gateway, and its kernel');
    const image = await makeVmImage(directory);
    tell('booting two VMs');
    const startMs = performance.now();
    const a = await Vm.start('a', image, directory);
    vms.push(a);
    const b = await Vm.start('b', image, directory);
    vms.push(b);
    await Promise.all([a.booted(), b.booted()]);
    await hostsMeet(a);
    const startSeconds = secondsSince(startMs);
    tell('ping, iperf3 and a rekey');
    const kernel = (await a.run('uname -r')).output.trim();
    const pingLost = lost(await a.run(`${ON_HOST} ping -c ${String(PINGS)} -i 0.2 -W 10 ${HOST_B}`));
    const iperf3 = await a.run(`${ON_HOST} iperf3 -c ${HOST_B} -t ${String(IPERF3_SECONDS)} --json`);
    const { mbitPerSecond } = parseIperf3(iperf3.output);
    const { rekeys, pingLostWhileRekeying } = await rekey(a);
    tell('a reboot of site B');
    const resetMs = performance.now();
    b.tell('echo b > /proc/sysrq-trigger');
    await b.booted();
    await hostsMeet(a);
    const rebootSeconds = secondsSince(resetMs);
    return { kernel, startSeconds, pingLost, mbitPerSecond, rekeys, pingLostWhileRekeying, rebootSeconds };
  } finally {
    for (const vm of vms) await vm.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function hostsMeet(a: Vm): Promise<void> {
  const ends = 'kill -0 "$(cat /run/gateway.pid)" || { cat /run/gateway.log; exit 1; }';
  const { exitCode, output } = await a.run(
    `until ${ON_HOST} ping -c 1 -W 2 ${HOST_B} > /dev/null; do ${ends}; sleep 0.2; done`,
  );
  if (exitCode !== 0) throw new EnvironmentError(`the gateway of site a has ended\n${output}`);
}

async function rekey(a: Vm): Promise<Pick<VmReport, 'rekeys' | 'pingLostWhileRekeying'>> {
  const ping = `${ON_HOST} ping -c ${String(PINGS_WHILE_REKEYING)} -i 0.2 -W 10 ${HOST_B}`;
  const answer = await a.run(`${ping} > /run/ping & isthmus rekey site-a-to-site-b; wait; cat /run/ping`);
  const told = await a.run("grep -c 'Child SA rekeyed' /run/gateway.log");
  return { rekeys: Number(told.output), pingLostWhileRekeying: lost(answer) };
}

/** Of what ping says at its end; all, where it says nothing. */
function lost({ output }: Answer): number {
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(output) ?? [];
  return sent === undefined ? Infinity : Number(sent) - Number(received);
}

function secondsSince(ms: number): number {
  return Math.round((performance.now() - ms) / 100) / 10;
}
