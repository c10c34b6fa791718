// The Traffic Selector payloads TSi and TSr, RFC 7296 §3.13 and §3.13.1. Narrowing (§2.9) is not here. The payload
// begins with the number of selectors (1) and three reserved octets; each selector is:
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |   TS Type     |IP Protocol ID |       Selector Length         |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |           Start Port          |           End Port            |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                         Starting Address                      ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// ~                         Ending Address                        ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import { compareAddresses, type Address, type AddressFamily } from '../../base/address.ts';
import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { InvariantError } from '../../base/errors.ts';
import { TrafficSelectorType } from './iana.ts';
import type { TrafficSelector, TrafficSelectorPayload, UnknownTrafficSelector } from './payload.ts';

const SELECTOR_HEADER_BYTES = 4;
const HIGHEST_PORT = 65_535;

export function decodeTrafficSelectors(
  reader: ByteReader,
  type: TrafficSelectorPayload['type'],
): TrafficSelectorPayload {
  const count = reader.uint8('Number of TSs');
  // RFC 7296 §2.9: there is at least one.
  if (count === 0) throw reader.malformed('Number of TSs is 0');
  reader.skip(3, 'RESERVED');
  const selectors: TrafficSelector[] = [];
  const unknownSelectors: UnknownTrafficSelector[] = [];
  for (let index = 1; index <= count; index++) {
    const selectorType = reader.uint8('TS Type');
    const protocol = reader.uint8('IP Protocol ID');
    const length = reader.uint16('Selector Length');
    if (length < SELECTOR_HEADER_BYTES) throw reader.malformed(`Selector Length is ${length}, less than 4`);
    const selector = reader.part(length - SELECTOR_HEADER_BYTES, 'selector', index);
    const family = familyOf(selectorType);
    if (family === undefined) unknownSelectors.push({ selectorType, protocol, body: selector.rest() });
    else selectors.push({ protocol, ...decodeRanges(selector, family) });
  }
  reader.expectEnd();
  return { type, selectors, ...(unknownSelectors.length > 0 && { unknownSelectors }) };
}

function familyOf(selectorType: number): AddressFamily | undefined {
  if (selectorType === TrafficSelectorType.TS_IPV4_ADDR_RANGE) return 4;
  if (selectorType === TrafficSelectorType.TS_IPV6_ADDR_RANGE) return 6;
  return undefined;
}

function decodeRanges(reader: ByteReader, family: AddressFamily): Omit<TrafficSelector, 'protocol'> {
  const startPort = reader.uint16('Start Port');
  const endPort = reader.uint16('End Port');
  const first = decodeAddress(reader, family, 'Starting Address');
  const last = decodeAddress(reader, family, 'Ending Address');
  reader.expectEnd();
  // RFC 7296 §3.13.1: only OPAQUE, 65535 to 0, is a range from a higher port to a lower one.
  if (startPort > endPort && !(startPort === HIGHEST_PORT && endPort === 0)) {
    throw reader.malformed(`ports ${startPort} to ${endPort} are no range`);
  }
  if (compareAddresses(first, last) > 0) throw reader.malformed('Starting Address is above Ending Address');
  return { startPort, endPort, first, last };
}

function decodeAddress(reader: ByteReader, family: AddressFamily, field: string): Address {
  return { family, bytes: reader.bytes(family === 4 ? 4 : 16, field) };
}

export function encodeTrafficSelectors(payload: TrafficSelectorPayload, writer: ByteWriter): void {
  const unknownSelectors = payload.unknownSelectors ?? [];
  const count = payload.selectors.length + unknownSelectors.length;
  if (count === 0) throw new InvariantError(`${payload.type} without a selector cannot be sent`);
  writer.uint8(count, 'Number of TSs');
  writer.zeros(3);
  for (const selector of payload.selectors) encodeSelector(selector, writer);
  for (const { selectorType, protocol, body } of unknownSelectors) {
    writer.uint8(selectorType, 'TS Type');
    writer.uint8(protocol, 'IP Protocol ID');
    writer.withLength16(2, 'Selector Length', () => writer.bytes(body));
  }
}

function encodeSelector(
  { protocol, startPort, endPort, first, last }: TrafficSelector,
  writer: ByteWriter,
): void {
  if (first.family !== last.family) throw new InvariantError('a traffic selector has two address families');
  const { TS_IPV4_ADDR_RANGE, TS_IPV6_ADDR_RANGE } = TrafficSelectorType;
  writer.uint8(first.family === 4 ? TS_IPV4_ADDR_RANGE : TS_IPV6_ADDR_RANGE, 'TS Type');
  writer.uint8(protocol, 'IP Protocol ID');
  writer.withLength16(2, 'Selector Length', () => {
    writer.uint16(startPort, 'Start Port');
    writer.uint16(endPort, 'End Port');
    writer.bytes(first.bytes);
    writer.bytes(last.bytes);
  });
}
