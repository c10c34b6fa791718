// The generator where the native addon is not built: iperf3, one system call per datagram.

import type { Topology } from '../../topology/topology.ts';
import { runIperf3 } from '../measure/iperf3.ts';
import type { UdpGenerator } from './generator.ts';

interface UdpReport {
  readonly end: { readonly sum: { readonly packets: number; readonly seconds: number } };
}

export function iperf3Generator(topology: Topology): UdpGenerator {
  return {
    send: async (payloadBytes, ratePerSecond, seconds) => {
      const bitsPerSecond = ratePerSecond === undefined ? 0 : Math.round(ratePerSecond * payloadBytes * 8);
      const report = await runIperf3<UdpReport>(topology, [
        ...['--udp', '--length', String(payloadBytes), '--bitrate', String(bitsPerSecond)],
        ...['--time', String(Math.max(1, Math.round(seconds)))],
      ]);
      return { packets: report.end.sum.packets, seconds: report.end.sum.seconds };
    },
    close: () => Promise.resolve(),
  };
}
