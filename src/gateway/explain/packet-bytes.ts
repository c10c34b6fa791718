// The bytes of an imagined packet, as far as the SPD reads them: IP header and ports, or ICMP type. RFC 791 §3.1, RFC 8200
// §3. It is never sent, so there are no checksums.

import { formatAddress, type Address } from '../../base/address.ts';
import type { ImaginedPacket } from '../../management/vici/extensions/explain.ts';
import { PROTOCOL_NUMBERS, PROTOCOLS_WITH_PORTS } from '../../management/config/protocol-names.ts';
import { writeUint16 } from '../../wire/bytes.ts';
import {
  IPV4_DESTINATION,
  IPV4_HEADER_BYTES,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TOTAL_LENGTH,
} from '../../wire/ipv4.ts';
import {
  IPV6_DESTINATION,
  IPV6_HEADER_BYTES,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
} from '../../wire/ipv6.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../../wire/protocol-numbers.ts';

/** Room for the header of TCP. */
const PAYLOAD_BYTES = 20;
/** RFC 792, RFC 4443 §4: what answers a request. */
const ANSWERS: ReadonlyMap<number, ReadonlyMap<number, number>> = new Map([
  [
    PROTOCOL_ICMP,
    new Map([
      [8, 0],
      [13, 14],
    ]),
  ],
  [PROTOCOL_ICMPV6, new Map([[128, 129]])],
]);

export function packetBytes({ from, to, protocol, source, destination }: ImaginedPacket): Uint8Array {
  const isIpv4 = from.family === 4;
  const header = isIpv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const bytes = new Uint8Array(header + PAYLOAD_BYTES);
  if (isIpv4) {
    bytes[0] = 0x45;
    writeUint16(bytes, IPV4_TOTAL_LENGTH, bytes.length);
    bytes[IPV4_PROTOCOL] = protocol;
    bytes.set(from.bytes, IPV4_SOURCE);
    bytes.set(to.bytes, IPV4_DESTINATION);
  } else {
    bytes[0] = 0x60;
    writeUint16(bytes, IPV6_PAYLOAD_LENGTH, PAYLOAD_BYTES);
    bytes[IPV6_NEXT_HEADER] = protocol;
    bytes.set(from.bytes, IPV6_SOURCE);
    bytes.set(to.bytes, IPV6_DESTINATION);
  }
  if (isIcmp(protocol)) {
    bytes[header] = source;
    bytes[header + 1] = destination;
  } else if (PROTOCOLS_WITH_PORTS.has(protocol)) {
    writeUint16(bytes, header, source);
    writeUint16(bytes, header + 2, destination);
  }
  return bytes;
}

/** The packet that comes back. */
export function answerTo(packet: ImaginedPacket): ImaginedPacket {
  const { from, to, protocol, source, destination } = packet;
  if (!isIcmp(protocol)) return { from: to, to: from, protocol, source: destination, destination: source };
  const type = ANSWERS.get(protocol)?.get(source) ?? source;
  return { from: to, to: from, protocol, source: type, destination };
}

/** `10.0.1.5:49152 -> 10.0.2.7:443 tcp`. */
export function packetText({ from, to, protocol, source, destination }: ImaginedPacket): string {
  const name = [...PROTOCOL_NUMBERS].find(([, number]) => number === protocol)?.[0] ?? `protocol ${protocol}`;
  const ends = `${formatAddress(from)} -> ${formatAddress(to)} ${name}`;
  if (isIcmp(protocol)) return `${ends} type ${source}`;
  if (!PROTOCOLS_WITH_PORTS.has(protocol)) return ends;
  return `${endText(from, source)} -> ${endText(to, destination)} ${name}`;
}

function endText(address: Address, port: number): string {
  const text = formatAddress(address);
  return address.family === 6 ? `[${text}]:${port}` : `${text}:${port}`;
}

function isIcmp(protocol: number): boolean {
  return protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
}
