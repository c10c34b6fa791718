// The facts about the machine without which figures mean nothing.

import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { runOrThrow } from '../topology/command.ts';

export interface Host {
  readonly cpuModel: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly distribution: string;
  /** The Node that runs Isthmus; differs from the benchmark's own with `--node`. */
  readonly node: string;
  /** Start of the benchmark, ISO 8601 in UTC. */
  readonly date: string;
  readonly runs: number;
}

/** With what host-to-host measurements need besides. */
export interface Machine extends Host {
  readonly iperf3: string;
  /** Of TCP in the hosts, which is the machine's: `bbr`, `cubic`. */
  readonly congestionControl: string;
  /** What sends the UDP of the udp tests. */
  readonly udpGenerator: string;
  readonly secondsPerRun: number;
}

export interface MachineInputs {
  readonly nodePath: string;
  readonly udpGenerator: string;
  readonly runs: number;
  readonly secondsPerRun: number;
}

export async function describeMachine(inputs: MachineInputs): Promise<Machine> {
  const nodeVersion = await runOrThrow([inputs.nodePath, '--version']);
  const iperf3Version = await runOrThrow(['iperf3', '--version']);
  return {
    ...describeHost(nodeVersion.trim(), inputs.runs),
    iperf3: /iperf (\S+)/.exec(iperf3Version)?.[1] ?? 'unknown',
    // New network namespaces begin with that of the first.
    congestionControl: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
    udpGenerator: inputs.udpGenerator,
    secondsPerRun: inputs.secondsPerRun,
  };
}

/** @param node as `node --version` says it */
export function describeHost(node: string, runs: number): Host {
  return {
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    kernel: release(),
    distribution: distributionName(),
    node,
    date: new Date().toISOString(),
    runs,
  };
}

/** os-release(5) is missing in the smallest containers. */
function distributionName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
