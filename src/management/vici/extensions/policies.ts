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
  /** Of PROTECT. */
  readonly peer: string | undefined;
  /** Identities that the entry selects by (RFC 4301 §4.4.1.1). */
  readonly names: readonly string[];
  readonly local: readonly string[];
  readonly remote: readonly string[];
  /** Pairs of SAs; of PROTECT. */
  readonly childSas: number | undefined;
  /**
   * Since the start. Of PROTECT: what its SAs carried. Of BYPASS and DISCARD: what met the entry on the TUN or came by an SA;
   * what arrives in clear from outside the kernel judges.
   */
  readonly traffic: Traffic;
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
  traffic: record<Traffic>({ packetsIn: whole, bytesIn: whole, packetsOut: whole, bytesOut: whole }),
});
