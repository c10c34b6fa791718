// Why the guard drops a packet that arrives in clear on an unprotected interface: names for counters, with the
// sentence that a person reads. The kernel counts them; what the data plane drops is in dataplane/drop-reasons.ts.

export interface GuardReason {
  readonly name: string;
  readonly sentence: string;
  /** The rule that asks for the drop. */
  readonly source: string;
}

export type GuardReasonKey = 'protect' | 'discard' | 'nothing' | 'fragment' | 'loop';

/** By the prefix of the counter's name in the ruleset. */
export const GUARD_REASONS: Readonly<Record<GuardReasonKey, GuardReason>> = {
  protect: {
    name: 'guard-protect',
    sentence: 'A packet arrived in clear, and its policy says PROTECT.',
    source: 'RFC 4301 §5.2',
  },
  discard: {
    name: 'guard-discard',
    sentence: 'A packet arrived in clear, and its policy says DISCARD.',
    source: 'RFC 4301 §5.2',
  },
  nothing: {
    name: 'guard-no-policy',
    sentence: 'A packet arrived in clear, and no policy matches it.',
    source: 'RFC 4301 §4.4.1',
  },
  fragment: {
    name: 'guard-fragment-ports',
    sentence:
      'A later fragment arrived in clear, and a policy that may match selects by what it does not show.',
    source: 'RFC 4301 §7',
  },
  loop: {
    name: 'guard-loop',
    sentence:
      'A packet that had left the TUN in clear, or a datagram of the gateway, was routed into the TUN.',
    source: 'RFC 4301 §5.1',
  },
};
