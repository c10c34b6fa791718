// Selectors (RFC 4301 §4.4.1.1) made ready for comparison with flows.

import type { AddressRange } from '../base/address.ts';
import { readInt32 } from '../wire/bytes.ts';
import { FlowWord, PORTS_UNKNOWN, PROTOCOL_UNKNOWN, type Flow } from './flow.ts';
import type { NumberRange, Selectors } from './policy.ts';

/** How a flow meets selectors; `unknownPorts`: everything else matches, but the packet does not show its ports or protocol. */
export const Match = { no: 0, yes: 1, unknownPorts: 2 } as const;
export type Match = (typeof Match)[keyof typeof Match];

/** Inclusive ranges as unsigned words: [first, last] for IPv4, four words each for IPv6. */
interface AddressMatcher {
  readonly ipv4: Uint32Array;
  readonly ipv6: Uint32Array;
}

const WORDS = { 4: 1, 6: 4 } as const;

export class SelectorMatcher {
  readonly #local: AddressMatcher | undefined;
  readonly #remote: AddressMatcher | undefined;
  readonly #protocol: number | undefined;
  readonly #localPort: readonly NumberRange[] | undefined;
  readonly #remotePort: readonly NumberRange[] | undefined;
  readonly #icmp: readonly NumberRange[] | undefined;

  constructor(selectors: Selectors) {
    this.#local = compile(selectors.localAddress);
    this.#remote = compile(selectors.remoteAddress);
    this.#protocol = selectors.protocol;
    this.#localPort = selectors.localPort;
    this.#remotePort = selectors.remotePort;
    this.#icmp = selectors.icmp;
  }

  match(flow: Flow): Match {
    const protocolWord = flow[FlowWord.protocol]!;
    const family = (protocolWord >>> 8) & 0xff;
    const protocolUnknown = this.#protocol !== undefined && (protocolWord & PROTOCOL_UNKNOWN) !== 0;
    if (this.#protocol !== undefined && !protocolUnknown && this.#protocol !== (protocolWord & 0xff))
      return Match.no;
    if (!matchesAddress(this.#local, flow, FlowWord.localAddress, family)) return Match.no;
    if (!matchesAddress(this.#remote, flow, FlowWord.remoteAddress, family)) return Match.no;
    if (protocolUnknown) return Match.unknownPorts;
    if (this.#localPort === undefined && this.#remotePort === undefined && this.#icmp === undefined)
      return Match.yes;
    if ((protocolWord & PORTS_UNKNOWN) !== 0) return Match.unknownPorts;
    const ports = flow[FlowWord.ports]!;
    const matches =
      contains(this.#localPort, ports >>> 16) &&
      contains(this.#remotePort, ports & 0xffff) &&
      contains(this.#icmp, ports & 0xffff);
    return matches ? Match.yes : Match.no;
  }
}

function compile(ranges: readonly AddressRange[] | undefined): AddressMatcher | undefined {
  if (ranges === undefined) return undefined;
  const words = (family: 4 | 6): Uint32Array =>
    Uint32Array.from(
      ranges
        .filter((range) => range.first.family === family)
        .flatMap((range) => [range.first, range.last])
        .flatMap(({ bytes }) =>
          Array.from({ length: WORDS[family] }, (_, i) => readInt32(bytes, 4 * i) >>> 0),
        ),
    );
  return { ipv4: words(4), ipv6: words(6) };
}

function matchesAddress(
  matcher: AddressMatcher | undefined,
  flow: Flow,
  addressWord: number,
  family: number,
): boolean {
  if (matcher === undefined) return true;
  const ranges = family === 4 ? matcher.ipv4 : matcher.ipv6;
  const words = family === 4 ? 1 : 4;
  for (let at = 0; at < ranges.length; at += 2 * words) {
    if (
      compareWords(flow, addressWord, ranges, at, words) >= 0 &&
      compareWords(flow, addressWord, ranges, at + words, words) <= 0
    )
      return true;
  }
  return false;
}

function compareWords(
  flow: Flow,
  flowAt: number,
  ranges: Uint32Array,
  rangeAt: number,
  words: number,
): number {
  for (let i = 0; i < words; i++) {
    const difference = (flow[flowAt + i]! >>> 0) - ranges[rangeAt + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function contains(ranges: readonly NumberRange[] | undefined, value: number): boolean {
  if (ranges === undefined) return true;
  for (const range of ranges) if (range.first <= value && value <= range.last) return true;
  return false;
}
