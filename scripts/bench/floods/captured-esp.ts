// Packets of the tunnel as they arrive at gateway B, to be sent again by whoever has seen them.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { siteAddresses } from '../../topology/plan.ts';
import { runIperf3 } from '../measure/iperf3.ts';
import { Daemon } from '../daemon.ts';
import type { FloodSite } from './flood-site.ts';

const PACKETS = 512;
const MARGIN_SECONDS = 2;
/** pcap: of the file, and of each packet. */
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;
/** In an IPv4 packet without options. */
const UDP_CHECKSUM_AT = 26;

/** @returns IP packets with ESP in UDP, from gateway A to gateway B */
export async function captureEsp({ topology }: FloodSite, directory: string): Promise<readonly Uint8Array[]> {
  const file = join(directory, 'replay.pcap');
  // A veth carries a train of datagrams as one packet; a wire does not.
  const setTrains = (state: string): Promise<string> =>
    topology.runOrThrow('gwA', ['ethtool', '-K', 'outside', 'tx-udp-segmentation', state]);
  await setTrains('off');
  const filter = `udp src port 4500 and src host ${siteAddresses.gwA.outside.ipv4} and greater 1000`;
  const command = ['tcpdump', '-Z', 'root', '-i', 'toA', '-w', file, '-c', String(PACKETS), filter];
  const tcpdump = new Daemon(topology, 'wan', command);
  await tcpdump.waitUntil(() => tcpdump.output.includes('listening on'), 'line "listening on"');
  await runIperf3(topology, ['--time', '1']);
  await tcpdump.waitUntil(
    () => /captured/.test(tcpdump.output),
    `${PACKETS} packets of the tunnel`,
    MARGIN_SECONDS * 1000,
  );
  await setTrains('on');
  return readPackets(await readFile(file));
}

/** @param pcap with native numbers in little-endian order and Ethernet frames */
function readPackets(pcap: Buffer): readonly Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES < pcap.length;) {
    const length = pcap.readUInt32LE(at + 8);
    const frame = pcap.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + length);
    const packet = frame.subarray(ETHERNET_BYTES);
    // The sender left it to an interface that never computed it; 0 is none (RFC 768).
    packet.writeUInt16BE(0, UDP_CHECKSUM_AT);
    packets.push(packet);
    at += RECORD_HEADER_BYTES + length;
  }
  return packets;
}
