// `isthmus-explain`, an extension: walks an imagined packet, and its answer, through the live databases. It sends nothing,
// asks no peer and changes nothing.

import { parseAddress, type Address } from '../../../base/address.ts';
import { ICMP, ICMPV6, PROTOCOL_NUMBERS, PROTOCOLS_WITH_PORTS } from '../../config/protocol-names.ts';
import type { Command } from '../command.ts';
import { EXPLANATION, type ImaginedPacket } from '../extensions/explain.ts';
import { integerOf, textOf, ViciRequestError, type ViciSection } from '../message.ts';

/** The first of those that nobody has for long (RFC 6335 §6). */
const EPHEMERAL_PORT = 49_152;
const MOST_PORT = 65_535;
/** Echo request: RFC 792, RFC 4443 §4.1. */
const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
const MOST_TYPE = 255;

export const isthmusExplain: Command = (gateway, request) =>
  EXPLANATION.encode(gateway.explain(readImaginedPacket(request)));

/** @throws ViciRequestError */
export function readImaginedPacket(request: ViciSection): ImaginedPacket {
  const from = readAddress(request, 'from');
  const to = readAddress(request, 'to');
  if (from.family !== to.family)
    throw new ViciRequestError('found one IPv4 and one IPv6 address, expected two of one kind');
  const protocol = readProtocol(textOf(request, 'protocol') ?? 'icmp', from);
  const port = integerOf(request, 'port');
  if (PROTOCOLS_WITH_PORTS.has(protocol)) {
    if (port === undefined) throw new ViciRequestError('found no port, expected the one at the destination');
    const source = integerOf(request, 'source-port') ?? EPHEMERAL_PORT;
    return { from, to, protocol, source: within(source, MOST_PORT), destination: within(port, MOST_PORT) };
  }
  if (protocol === ICMP || protocol === ICMPV6) {
    const type = within(port ?? ECHO_REQUEST[from.family], MOST_TYPE);
    return { from, to, protocol, source: type, destination: 0 };
  }
  if (port !== undefined) throw new ViciRequestError(`found a port, but protocol ${protocol} has none`);
  return { from, to, protocol, source: 0, destination: 0 };
}

function readAddress(request: ViciSection, name: string): Address {
  const text = textOf(request, name) ?? '';
  const address = parseAddress(text);
  if (address === undefined)
    throw new ViciRequestError(`found ${JSON.stringify(text.slice(0, 64))}, expected an address`);
  return address;
}

function readProtocol(text: string, { family }: Address): number {
  // Who says ICMP means the one of the addresses.
  if (text === 'icmp') return family === 4 ? ICMP : ICMPV6;
  const number = /^\d{1,3}$/.test(text) ? Number(text) : PROTOCOL_NUMBERS.get(text);
  if (number !== undefined && number <= 255) return number;
  throw new ViciRequestError(
    `found the protocol ${JSON.stringify(text.slice(0, 64))}, expected tcp, udp, icmp … or a number`,
  );
}

function within(number: number, most: number): number {
  if (number >= 0 && number <= most) return number;
  throw new ViciRequestError(`found ${number}, expected a number from 0 to ${most}`);
}
