// What the packet path knows of the IP and UDP headers around a captured ESP or IKE datagram: sockets do not show the
// headers themselves. Whoever reads the capture makes headers of it.

import { readUint16, writeUint16 } from '../../wire/bytes.ts';

export const ENVELOPE_BYTES = 40;

const SOURCE = 0;
const DESTINATION = 16;
const SOURCE_PORT = 32;
const DESTINATION_PORT = 34;
const FAMILY = 36;
const TRAFFIC_CLASS = 37;
const DONT_FRAGMENT = 38;

export interface Envelope {
  /** 4 or 16 bytes in network order; all zeros where it is not known. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** DSCP and ECN. */
  readonly trafficClass: number;
  readonly dontFragment: boolean;
}

export function writeEnvelope(to: Uint8Array, envelope: Envelope): void {
  const { source, destination, sourcePort, destinationPort, trafficClass, dontFragment } = envelope;
  to.fill(0);
  to.set(source, SOURCE);
  to.set(destination, DESTINATION);
  writeUint16(to, SOURCE_PORT, sourcePort);
  writeUint16(to, DESTINATION_PORT, destinationPort);
  to[FAMILY] = source.length === 4 ? 4 : 6;
  to[TRAFFIC_CLASS] = trafficClass;
  to[DONT_FRAGMENT] = dontFragment ? 1 : 0;
}

export function readEnvelope(from: Uint8Array): Envelope {
  const addressBytes = from[FAMILY] === 4 ? 4 : 16;
  return {
    source: new Uint8Array(from.subarray(SOURCE, SOURCE + addressBytes)),
    destination: new Uint8Array(from.subarray(DESTINATION, DESTINATION + addressBytes)),
    sourcePort: readUint16(from, SOURCE_PORT),
    destinationPort: readUint16(from, DESTINATION_PORT),
    trafficClass: from[TRAFFIC_CLASS]!,
    dontFragment: from[DONT_FRAGMENT] === 1,
  };
}
