// What the udp tests need of a packet generator between the hosts, and the choice of one.

import { findAddon } from '../../../src/dataplane/native/load-addon.ts';
import type { Topology } from '../../topology/topology.ts';
import { iperf3Generator } from './iperf3-generator.ts';
import { openNativeGenerator } from './native-generator.ts';

export interface Sent {
  readonly packets: number;
  readonly seconds: number;
}

/** Sends one flow of UDP from hostA to hostB. */
export interface UdpGenerator {
  /**
   * @param payloadBytes UDP payload of each datagram
   * @param ratePerSecond datagrams per second; undefined = as fast as it can
   */
  send(payloadBytes: number, ratePerSecond: number | undefined, seconds: number): Promise<Sent>;
  close(): Promise<void>;
}

/** What the report says of the generator. */
export function generatorName(): string {
  return 'missing' in findAddon()
    ? 'iperf3 -u (at most about 200 000 packets/s)'
    : 'sendmmsg by the native addon: one flow, 64 single datagrams a call, no UDP_SEGMENT';
}

export async function openUdpGenerator(topology: Topology): Promise<UdpGenerator> {
  return 'missing' in findAddon() ? iperf3Generator(topology) : openNativeGenerator(topology);
}
