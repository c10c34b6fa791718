// The choice of a packet generator: the batching one, or iperf3 where the native addon is not built.

import { findAddon } from '../../../src/dataplane/native/load-addon.ts';
import type { Topology } from '../../topology/topology.ts';
import type { UdpGenerator } from './generator.ts';
import { iperf3Generator } from './iperf3-generator.ts';
import { openNativeGenerator } from './native-generator.ts';

/** What the report says of the generator. */
export function generatorName(): string {
  return 'missing' in findAddon()
    ? 'iperf3 -u (at most about 200 000 packets/s)'
    : 'the native addon: one flow, up to 64 datagrams a call, which the kernel of the sending host cuts';
}

export async function openUdpGenerator(topology: Topology): Promise<UdpGenerator> {
  return 'missing' in findAddon() ? iperf3Generator(topology) : openNativeGenerator(topology);
}
