// Selectors (RFC 4301 §4.4.1.1) as a row of words that is compared with flows. Words can lie in shared memory and
// need no unpacking in a worker; addresses lie so that signed comparison is their order.
//
//   protocol or ANY | counts: IPv4 local, IPv4 remote, IPv6 local, IPv6 remote, local ports, remote ports, ICMP
//   | IPv4 ranges, 2 words each | IPv6 ranges, 8 words each | numbers, 2 words each

import type { Address, AddressFamily, AddressRange } from '../base/address.ts';
import { readInt32 } from '../wire/bytes.ts';
import { FlowWord, PORTS_UNKNOWN, PROTOCOL_UNKNOWN, type Flow } from './flow.ts';
import { coveredRanges } from './multicast.ts';
import { isOpaque, type NumberRange, type Selectors } from './policy.ts';

/** How a flow meets selectors; `unknownPorts`: everything else matches, but the packet does not show its ports or protocol. */
export const Match = { no: 0, yes: 1, unknownPorts: 2 } as const;
export type Match = (typeof Match)[keyof typeof Match];

const ANY = -1;
/** Count of a number selector that is OPAQUE. */
const OPAQUE_COUNT = -2;

const HEADER_WORDS = 8;
const SIGN = 1 << 31;

/** Packs selectors into words. */
export function packSelectors(selectors: Selectors): number[] {
  const words: number[] = [selectors.protocol ?? ANY, 0, 0, 0, 0, 0, 0, 0];
  const local = coveredRanges(selectors.localAddress);
  const remote = coveredRanges(selectors.remoteAddress);
  words[1] = appendAddresses(words, local, 4);
  words[2] = appendAddresses(words, remote, 4);
  words[3] = appendAddresses(words, local, 6);
  words[4] = appendAddresses(words, remote, 6);
  words[5] = appendNumbers(words, selectors.localPort);
  words[6] = appendNumbers(words, selectors.remotePort);
  words[7] = appendNumbers(words, selectors.icmp);
  return words;
}

/** @returns how many ranges are of the family */
function appendAddresses(words: number[], ranges: readonly AddressRange[], family: AddressFamily): number {
  let count = 0;
  for (const { first, last } of ranges) {
    if (first.family !== family) continue;
    words.push(...orderedWords(first), ...orderedWords(last));
    count++;
  }
  return count;
}

function appendNumbers(words: number[], ranges: readonly NumberRange[] | undefined): number {
  if (ranges === undefined) return ANY;
  if (ranges.some(isOpaque)) return OPAQUE_COUNT;
  for (const { first, last } of ranges) words.push(first, last);
  return ranges.length;
}

/** The words of an address with the first bit of each turned, so that signed comparison is unsigned. */
export function orderedWords({ bytes }: Address): readonly number[] {
  const words: number[] = [];
  for (let at = 0; at < bytes.length; at += 4) words.push(readInt32(bytes, at) ^ SIGN);
  return words;
}

/** The protocol that selectors at `at` name; undefined where it is any. */
export function protocolOfSelectors(words: Int32Array, at: number): number | undefined {
  const protocol = words[at]!;
  return protocol === ANY ? undefined : protocol;
}

/** Compares a flow with the selectors that lie at `at`. */
export function matchSelectors(words: Int32Array, at: number, flow: Flow): Match {
  const protocol = words[at]!;
  const protocolWord = flow[FlowWord.protocol]!;
  const protocolUnknown = protocol !== ANY && (protocolWord & PROTOCOL_UNKNOWN) !== 0;
  if (protocol !== ANY && !protocolUnknown && protocol !== (protocolWord & 0xff)) return Match.no;
  const local4 = words[at + 1]!;
  const remote4 = words[at + 2]!;
  const local6 = words[at + 3]!;
  const remote6 = words[at + 4]!;
  const ipv4At = at + HEADER_WORDS;
  const ipv6At = ipv4At + 2 * (local4 + remote4);
  if (((protocolWord >>> 8) & 0xff) === 4) {
    if (!inIpv4Ranges(words, ipv4At, local4, flow[FlowWord.localAddress]!)) return Match.no;
    if (!inIpv4Ranges(words, ipv4At + 2 * local4, remote4, flow[FlowWord.remoteAddress]!)) return Match.no;
  } else {
    if (!inIpv6Ranges(words, ipv6At, local6, flow, FlowWord.localAddress)) return Match.no;
    if (!inIpv6Ranges(words, ipv6At + 8 * local6, remote6, flow, FlowWord.remoteAddress)) return Match.no;
  }
  if (protocolUnknown) return Match.unknownPorts;
  return matchNumbers(words, at, ipv6At + 8 * (local6 + remote6), flow);
}

/** RFC 4301 §4.4.1.1: ANY takes what is not there as well, OPAQUE takes nothing else. */
function matchNumbers(words: Int32Array, at: number, numbersAt: number, flow: Flow): Match {
  const localPorts = words[at + 5]!;
  const remotePorts = words[at + 6]!;
  const icmp = words[at + 7]!;
  if (localPorts === ANY && remotePorts === ANY && icmp === ANY) return Match.yes;
  if ((flow[FlowWord.protocol]! & PORTS_UNKNOWN) !== 0)
    return localPorts < 0 && remotePorts < 0 && icmp < 0 ? Match.yes : Match.unknownPorts;
  const ports = flow[FlowWord.ports]!;
  const remoteAt = numbersAt + 2 * Math.max(0, localPorts);
  const icmpAt = remoteAt + 2 * Math.max(0, remotePorts);
  const matches =
    inNumbers(words, numbersAt, localPorts, ports >>> 16) &&
    inNumbers(words, remoteAt, remotePorts, ports & 0xffff) &&
    inNumbers(words, icmpAt, icmp, ports & 0xffff);
  return matches ? Match.yes : Match.no;
}

function inIpv4Ranges(words: Int32Array, at: number, count: number, address: number): boolean {
  const ordered = address ^ SIGN;
  for (let range = at; range < at + 2 * count; range += 2) {
    if (words[range]! <= ordered && ordered <= words[range + 1]!) return true;
  }
  return false;
}

function inIpv6Ranges(
  words: Int32Array,
  at: number,
  count: number,
  flow: Flow,
  addressWord: number,
): boolean {
  for (let range = at; range < at + 8 * count; range += 8) {
    if (
      compareIpv6(flow, addressWord, words, range) >= 0 &&
      compareIpv6(flow, addressWord, words, range + 4) <= 0
    )
      return true;
  }
  return false;
}

/** Compares the address of a flow with {@link orderedWords}. @returns negative, 0 or positive */
export function compareIpv6(flow: Flow, addressWord: number, words: Int32Array, at: number): number {
  for (let i = 0; i < 4; i++) {
    const one = flow[addressWord + i]! ^ SIGN;
    const other = words[at + i]!;
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}

function inNumbers(words: Int32Array, at: number, count: number, value: number): boolean {
  if (count === ANY) return true;
  for (let range = at; range < at + 2 * count; range += 2) {
    if (words[range]! <= value && value <= words[range + 1]!) return true;
  }
  return false;
}

/** The selectors of one SA. */
export class SelectorMatcher {
  readonly #words: Int32Array;

  constructor(selectors: Selectors) {
    this.#words = Int32Array.from(packSelectors(selectors));
  }

  match(flow: Flow): Match {
    return matchSelectors(this.#words, 0, flow);
  }
}
