// What `isthmus-policies` says: the SPD in order, one event `isthmus-policy` for each entry. An extension of vici.

import type { PolicyAction } from '../../../spd/policy.ts';
import { optional, record, text, texts, whole, word, type RecordCodec } from './codec.ts';
import type { Traffic } from './status.ts';

export interface PolicyStatus {
  readonly name: string;
  readonly action: PolicyAction;
  readonly priority: number;
  /** In the configuration. */
  readonly line: number;
  /** Of PROTECT, as all below. */
  readonly peer: string | undefined;
  /** Identities that the entry selects by (RFC 4301 §4.4.1.1). */
  readonly names: readonly string[];
  readonly local: readonly string[];
  readonly remote: readonly string[];
  /** Pairs of SAs. */
  readonly childSas: number | undefined;
  /** By SAs of the entry, since the start. Of BYPASS and DISCARD nobody counts it by entry. */
  readonly traffic: Traffic | undefined;
}

export const POLICY_STATUS: RecordCodec<PolicyStatus> = record<PolicyStatus>({
  name: text,
  action: word('PROTECT', 'BYPASS', 'DISCARD'),
  priority: whole,
  line: whole,
  peer: optional(text),
  names: texts,
  local: texts,
  remote: texts,
  childSas: optional(whole),
  traffic: optional(
    record<Traffic>({ packetsIn: whole, bytesIn: whole, packetsOut: whole, bytesOut: whole }),
  ),
});
