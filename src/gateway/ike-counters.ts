// Counts messages of IKE by what they are and which way they go, under strongSwan's names; and what was done. RFC 7296
// §3.1. A message in fragments counts once (RFC 7383 §2.5), one that is repeated each time. What comes in is counted
// before anybody knows whether it is authentic.

import type { IkeDrops } from '../ike/ike-engine-parts.ts';
import { ExchangeType, PayloadType } from '../wire/ike/iana.ts';

const EXCHANGES: ReadonlyMap<number, string> = new Map([
  [ExchangeType.IKE_SA_INIT, 'ike-init'],
  [ExchangeType.IKE_AUTH, 'ike-auth'],
  [ExchangeType.CREATE_CHILD_SA, 'create-child'],
  [ExchangeType.INFORMATIONAL, 'info'],
]);
const HEADER_BYTES = 28;
const NEXT_PAYLOAD_AT = 16;
const EXCHANGE_TYPE_AT = 18;
const FLAGS_AT = 19;
const RESPONSE_FLAG = 0x20;
/** Behind the generic payload header, where the first payload is a fragment. */
const FRAGMENT_NUMBER_AT = HEADER_BYTES + 4;

export type DoneName = 'ike-rekey-init' | 'ike-rekey-resp' | 'child-rekey';

export class IkeCounters {
  readonly #counts = new Map<string, number>([
    ...['ike-rekey-init', 'ike-rekey-resp', 'child-rekey'].map((name) => [name, 0] as const),
    ...[...EXCHANGES.values()].flatMap((exchange) =>
      ['in-req', 'in-resp', 'out-req', 'out-resp'].map((way) => [`${exchange}-${way}`, 0] as const),
    ),
  ]);
  /** At the last {@link reset}. */
  #before: ReadonlyMap<string, number> = new Map();
  #dropsBefore = { malformed: 0, unknownSpi: 0 };

  /** Since the start, whoever resets. */
  get totals(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  message(bytes: Uint8Array, direction: 'in' | 'out'): void {
    const exchange = EXCHANGES.get(bytes[EXCHANGE_TYPE_AT] ?? 0);
    if (exchange === undefined || bytes.length < HEADER_BYTES || isLaterFragment(bytes)) return;
    const isResponse = ((bytes[FLAGS_AT] ?? 0) & RESPONSE_FLAG) !== 0;
    this.#count(`${exchange}-${direction}-${isResponse ? 'resp' : 'req'}`);
  }

  done(name: DoneName): void {
    this.#count(name);
  }

  /** @param drops since the start */
  read({ malformed, unknownSpi }: Readonly<IkeDrops>): ReadonlyMap<string, number> {
    return new Map([
      ...[...this.#counts].map(([name, count]) => [name, count - (this.#before.get(name) ?? 0)] as const),
      ['invalid', malformed - this.#dropsBefore.malformed],
      ['invalid-spi', unknownSpi - this.#dropsBefore.unknownSpi],
    ]);
  }

  reset({ malformed, unknownSpi }: Readonly<IkeDrops>): void {
    this.#before = new Map(this.#counts);
    this.#dropsBefore = { malformed, unknownSpi };
  }

  #count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}

function isLaterFragment(bytes: Uint8Array): boolean {
  if (bytes[NEXT_PAYLOAD_AT] !== PayloadType.SKF) return false;
  const number = (bytes[FRAGMENT_NUMBER_AT] ?? 0) * 256 + (bytes[FRAGMENT_NUMBER_AT + 1] ?? 0);
  return number !== 1;
}
