// What `isthmus-explain` says: the way of an imagined packet and of its answer, decision by decision. An extension of vici.

import type { Address } from '../../../base/address.ts';
import { optional, record, records, text, whole, word, type RecordCodec } from './codec.ts';
import type { Outcome } from './outcome.ts';

/** A packet that nobody sends. */
export interface ImaginedPacket {
  readonly from: Address;
  readonly to: Address;
  /** IANA number. */
  readonly protocol: number;
  /** Ports; of ICMP the type and the code. 0 where the protocol has neither. */
  readonly source: number;
  readonly destination: number;
}

export interface Decision {
  readonly database: 'SPD-O' | 'SAD' | 'SPD-I' | 'guard';
  readonly outcome: Outcome;
  readonly verdict: string;
  /** Undefined where no policy decided. */
  readonly policy: string | undefined;
  /** Of the policy, in the configuration. */
  readonly line: number | undefined;
  /** What would have to change; undefined where it passes. */
  readonly mend: string | undefined;
}

/** A packet in one direction. */
export interface Way {
  readonly direction: 'outbound' | 'inbound';
  readonly packet: string;
  readonly outcome: Outcome;
  readonly decisions: readonly Decision[];
}

export interface Explanation {
  /** Of both ways, the worse one. */
  readonly outcome: Outcome;
  /** The packet, then its answer. */
  readonly ways: readonly Way[];
}

const outcome = word<Outcome>('passes', 'waits', 'dropped');

export const EXPLANATION: RecordCodec<Explanation> = record<Explanation>({
  outcome,
  ways: records(
    record<Way>({
      direction: word('outbound', 'inbound'),
      packet: text,
      outcome,
      decisions: records(
        record<Decision>({
          database: word('SPD-O', 'SAD', 'SPD-I', 'guard'),
          outcome,
          verdict: text,
          policy: optional(text),
          line: optional(whole),
          mend: optional(text),
        }),
      ),
    }),
  ),
});
