// The segmentation offloads of the links, by ethtool.

import type { Topology } from '../topology/topology.ts';
import type { Offloads } from './results.ts';
import { GATEWAYS } from './sites.ts';

// Checksum offload stays: it is what nearly every network interface has, segmentation of UDP is not.
const SEGMENTATION = ['tso', 'gso', 'gro', 'tx-udp-segmentation'];

/** Makes the link between the gateways one that segments by itself, as veth does, or one that cannot. */
export async function setLinkOffloads(topology: Topology, offloads: Offloads): Promise<void> {
  // A veth carries a super-packet whole, and counts it as one. The generator's trains are cut where they leave hostA; where
  // hostB is counted, each datagram has to arrive as one.
  await topology.runOrThrow('hostA', ['ethtool', '-K', 'eth0', 'tx-udp-segmentation', 'off']);
  await topology.runOrThrow('gwB', ['ethtool', '-K', 'inside', 'tx-udp-segmentation', 'off']);
  if (offloads === 'on') return;
  const changes = SEGMENTATION.flatMap((feature) => [feature, 'off']);
  for (const gateway of GATEWAYS) {
    await topology.runOrThrow(gateway, ['ethtool', '-K', 'outside', ...changes]);
  }
}
