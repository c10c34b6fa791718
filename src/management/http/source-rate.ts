// Rates by source, so that one who asks without end takes nothing from the others, and a bound for all of them together.
// What is kept of sources has an end: the one that was heard least lately goes first.

import { parseAddress } from '../../base/address.ts';
import { RequestRate } from './request-rate.ts';

const MOST_SOURCES = 256;
/** This host, with whatever proxy it has: a socket does not say which user it is of. */
export const THIS_HOST = 'this host';
const LOOPBACK_IPV4 = 127;
/** RFC 6177 §2: no site has less, so an address more tells nobody apart. */
const SITE_BYTES = 8;
const MAPPED_BYTES = 12;

/** @param address as node:net says it; undefined of a UNIX socket @returns an IPv4 address, a /64 of IPv6, or this host */
export function sourceOf(address: string | undefined): string {
  const [plain = ''] = (address ?? '').split('%');
  const bytes = parseAddress(plain)?.bytes;
  if (bytes === undefined) return THIS_HOST;
  const ipv4 = bytes.length === 4 ? bytes : mappedOf(bytes);
  if (ipv4 !== undefined) return ipv4[0] === LOOPBACK_IPV4 ? THIS_HOST : ipv4.join('.');
  if (bytes.every((byte, index) => byte === (index === bytes.length - 1 ? 1 : 0))) return THIS_HOST;
  return Buffer.from(bytes.subarray(0, SITE_BYTES)).toString('hex');
}

/** RFC 4291 §2.5.5.2: ::ffff:0:0/96. */
function mappedOf(bytes: Uint8Array): Uint8Array | undefined {
  const isMapped = bytes.subarray(0, MAPPED_BYTES).every((byte, index) => byte === (index < 10 ? 0 : 0xff));
  return isMapped ? bytes.subarray(MAPPED_BYTES) : undefined;
}

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export class SourceRate {
  readonly #each: Rate;
  readonly #all: RequestRate;
  /** The least lately heard first. */
  readonly #ofSource = new Map<string, RequestRate>();

  constructor(each: Rate, all: Rate) {
    this.#each = each;
    this.#all = new RequestRate(all.perSecond, all.burst);
  }

  /** @param nowMs monotonic milliseconds @returns false where it is too much of one, or of all */
  take(source: string, nowMs: number): boolean {
    const rate = this.#ofSource.get(source) ?? new RequestRate(this.#each.perSecond, this.#each.burst);
    this.#ofSource.delete(source);
    this.#ofSource.set(source, rate);
    if (this.#ofSource.size > MOST_SOURCES)
      for (const [oldest] of this.#ofSource) {
        this.#ofSource.delete(oldest);
        break;
      }
    // What one has too much does not count for all.
    return rate.take(nowMs) && this.#all.take(nowMs);
  }
}
