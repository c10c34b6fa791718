// One iperf3 run from hostA to hostB, with a server that serves this run only.

import { Daemon } from '../daemon.ts';
import type { Topology } from '../../topology/topology.ts';
import { SITES } from '../sites.ts';

const RUN_LIMIT_MS = 120_000;

/** @returns iperf3's own report; Error with its complaint where it fails */
export async function runIperf3<Report>(topology: Topology, args: readonly string[]): Promise<Report> {
  const server = new Daemon(topology, 'hostB', ['iperf3', '--server', '--one-off', '--forceflush']);
  try {
    await server.waitUntil(() => server.output.includes('Server listening'), 'line "Server listening"');
    const command = ['iperf3', '--client', SITES.gwB.hostAddress, '--json', '--connect-timeout', '5000'];
    const result = await topology.run('hostA', [...command, ...args], { timeoutMs: RUN_LIMIT_MS });
    const report = JSON.parse(result.stdout || '{}') as Report & { readonly error?: string };
    if (result.exitCode !== 0) throw new Error(`iperf3: ${report.error ?? result.stderr.trim()}`);
    return report;
  } finally {
    await server.stop();
  }
}
