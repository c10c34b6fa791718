// Every reason for which the data plane drops a packet: one table for counters and logs. A super-packet that is
// dropped before it is cut counts once. `auditable` follows RFC 4301 §4.4 and RFC 4303 §4.

export type Direction = 'outbound' | 'inbound';

export interface DropReasonInfo {
  /** Name of the counter. */
  readonly name: string;
  readonly direction: Direction;
  /** What happened, for a person. */
  readonly sentence: string;
  /** The rule that asks for the drop. */
  readonly source: string;
  readonly auditable: boolean;
}

/** A row of {@link DROP_REASONS}; 0 means that the packet goes on. */
export type DropReason = number;

export const PASS = 0;

/** Numbers of the rows below. */
export const Drop = {
  outboundMalformed: 1,
  outboundUnsplittable: 2,
  outboundNoPolicy: 3,
  outboundDiscard: 4,
  outboundClearFailed: 5,
  outboundFragmentPorts: 6,
  outboundNoSa: 7,
  outboundOutsideSelectors: 8,
  outboundSequenceExhausted: 9,
  outboundSequenceGuard: 10,
  outboundSendFailed: 11,
  outboundSendBufferFull: 12,
  inboundTruncated: 13,
  inboundIkeUnsupported: 14,
  inboundUnknownSpi: 15,
  inboundEspTooShort: 16,
  inboundReplay: 17,
  inboundTooOld: 18,
  inboundIcvMismatch: 19,
  inboundPadding: 20,
  inboundDummy: 21,
  inboundNextHeader: 22,
  inboundMalformed: 23,
  inboundFragmentPorts: 24,
  inboundOutsideSelectors: 25,
  inboundNoPolicy: 26,
  inboundDiscard: 27,
  inboundWrongSa: 28,
  inboundEcn: 29,
  inboundTunWriteFailed: 30,
  inboundNoSequence: 31,
  outboundQueueFull: 32,
  inboundQueueFull: 33,
  outboundLifetime: 34,
  inboundLifetime: 35,
  outboundTooBig: 36,
  outboundNoAddress: 37,
  outboundHidingFragment: 38,
  inboundHidingFragment: 39,
  outboundMulticast: 40,
  inboundMulticast: 41,
  outboundIcmpErrorCut: 42,
  inboundIcmpErrorCut: 43,
  outboundIcmpError: 44,
  inboundIcmpError: 45,
  inboundIkeBacklog: 46,
} as const;

const row = (
  name: string,
  direction: Direction,
  sentence: string,
  source: string,
  auditable = false,
): DropReasonInfo => ({ name, direction, sentence, source, auditable });

export const DROP_REASONS: readonly DropReasonInfo[] = [
  row('pass', 'outbound', 'The packet was not dropped.', ''),
  row(
    'outbound-malformed',
    'outbound',
    'A packet from the TUN is neither a whole IPv4 nor a whole IPv6 packet.',
    'RFC 791 §3.1, RFC 8200 §3',
  ),
  row(
    'outbound-unsplittable',
    'outbound',
    'A super-packet from the TUN describes itself in a way that cannot be cut into packets.',
    'virtio 1.2 §5.1.6',
  ),
  row('outbound-no-policy', 'outbound', 'No policy matches the packet.', 'RFC 4301 §4.4.1', true),
  row(
    'outbound-discard',
    'outbound',
    'A policy with action DISCARD matches the packet.',
    'RFC 4301 §5.1',
    true,
  ),
  row(
    'outbound-clear-failed',
    'outbound',
    'A policy with action BYPASS matches, but the device for packets in clear did not take it.',
    'RFC 4301 §5.1',
  ),
  row(
    'outbound-fragment-ports',
    'outbound',
    'A policy selects by port, the later fragment shows none, and its first fragment was not seen.',
    'RFC 4301 §7',
  ),
  row('outbound-no-sa', 'outbound', 'A PROTECT policy matches, but it has no SA yet.', 'RFC 4301 §5.1'),
  row(
    'outbound-outside-selectors',
    'outbound',
    'The policy matches, but its SA was made for narrower selectors.',
    'RFC 4301 §4.4.2',
  ),
  row(
    'outbound-sequence-exhausted',
    'outbound',
    'The sequence numbers reserved for the SA are used up.',
    'RFC 4303 §3.3.3',
    true,
  ),
  row(
    'outbound-sequence-guard',
    'outbound',
    'The engine refused a sequence number that was not reserved or not rising: a defect of this program.',
    'RFC 4303 §3.3.3',
    true,
  ),
  row('outbound-send-failed', 'outbound', 'The UDP socket refused the datagram.', 'udp(7)'),
  row('outbound-send-buffer-full', 'outbound', 'The UDP send buffer stayed full.', 'udp(7)'),
  row(
    'inbound-truncated',
    'inbound',
    'A datagram on the ESP port is too short for an SPI or a non-ESP marker.',
    'RFC 3948 §2',
  ),
  row(
    'inbound-ike-unsupported',
    'inbound',
    'An IKE message arrived, and no policy is keyed by IKE.',
    'RFC 3948 §2.2',
  ),
  row('inbound-unknown-spi', 'inbound', 'No inbound SA has the SPI of the packet.', 'RFC 4303 §3.4.2', true),
  row(
    'inbound-esp-too-short',
    'inbound',
    'The ESP packet is shorter than its SA’s header, IV, trailer and ICV, or not aligned.',
    'RFC 4303 §2',
    true,
  ),
  row('inbound-replay', 'inbound', 'The sequence number was received before.', 'RFC 4303 §3.4.3', true),
  row(
    'inbound-too-old',
    'inbound',
    'The sequence number lies left of the anti-replay window.',
    'RFC 4303 §3.4.3',
    true,
  ),
  row(
    'inbound-icv-mismatch',
    'inbound',
    'The packet is not authentic: it was changed, or the keys of the two sides differ.',
    'RFC 4303 §3.4.4',
    true,
  ),
  row(
    'inbound-padding',
    'inbound',
    'The padding is not 1, 2, 3 … or longer than the packet.',
    'RFC 4303 §2.4',
    true,
  ),
  row(
    'inbound-dummy',
    'inbound',
    'A dummy packet (next header 59), discarded as its sender meant.',
    'RFC 4303 §2.6',
  ),
  row(
    'inbound-next-header',
    'inbound',
    'The next header of a tunnel-mode SA is neither IPv4 nor IPv6.',
    'RFC 4303 §2.6',
    true,
  ),
  row(
    'inbound-malformed',
    'inbound',
    'The decrypted bytes are not a whole IPv4 or IPv6 packet.',
    'RFC 791 §3.1, RFC 8200 §3',
    true,
  ),
  row(
    'inbound-fragment-ports',
    'inbound',
    'The SA or a policy selects by port, the later fragment shows none, and its first was not accepted.',
    'RFC 4301 §7',
    true,
  ),
  row(
    'inbound-outside-selectors',
    'inbound',
    'The decrypted packet is outside the selectors of its SA.',
    'RFC 4301 §5.2',
    true,
  ),
  row('inbound-no-policy', 'inbound', 'No policy matches the decrypted packet.', 'RFC 4301 §5.2', true),
  row(
    'inbound-discard',
    'inbound',
    'A policy with action DISCARD matches the decrypted packet.',
    'RFC 4301 §5.2',
    true,
  ),
  row(
    'inbound-wrong-sa',
    'inbound',
    'The policy of the decrypted packet asks for another SA than the one it came in.',
    'RFC 4301 §5.2',
    true,
  ),
  row(
    'inbound-ecn',
    'inbound',
    'The outer header reports congestion for a packet whose inner header cannot carry the report.',
    'RFC 6040 §4.2',
  ),
  row('inbound-tun-write-failed', 'inbound', 'The TUN refused the packet.', 'tuntap'),
  row('inbound-no-sequence', 'inbound', 'The sequence number 0 is never sent.', 'RFC 4303 §2.2', true),
  row(
    'outbound-queue-full',
    'outbound',
    'The portable devices had more packets from the TUN than they could take.',
    'tuntap',
  ),
  row(
    'inbound-queue-full',
    'inbound',
    'The portable devices had more datagrams than they could take.',
    'udp(7)',
  ),
  row(
    'outbound-lifetime',
    'outbound',
    'The packet would cross a hard limit of its SA’s lifetime; the SA has ended.',
    'RFC 4301 §4.4.2.1',
    true,
  ),
  row(
    'inbound-lifetime',
    'inbound',
    'The packet would cross a hard limit of its SA’s lifetime, or came behind one that did; the SA has ended.',
    'RFC 4301 §4.4.2.1',
    true,
  ),
  row(
    'outbound-too-big',
    'outbound',
    'The packet does not fit the path MTU and must not be fragmented; its sender is told by ICMP.',
    'RFC 4301 §8.2.1',
  ),
  row(
    'outbound-no-address',
    'outbound',
    'The address of the peer is not known before its first authenticated packet.',
    'RFC 7296 §2.23',
  ),
  row(
    'outbound-hiding-fragment',
    'outbound',
    'A fragment is so short, or begins so early, that it hides or could rewrite ports or flags.',
    'RFC 1858 §3, RFC 3128',
    true,
  ),
  row(
    'inbound-hiding-fragment',
    'inbound',
    'A decrypted fragment is so short, or begins so early, that it hides or could rewrite ports or flags.',
    'RFC 1858 §3, RFC 3128',
    true,
  ),
  row(
    'outbound-multicast',
    'outbound',
    'The destination is multicast or broadcast, and no policy names it.',
    'RFC 4301 §4.4.1',
  ),
  row(
    'inbound-multicast',
    'inbound',
    'The destination of the decrypted packet is multicast or broadcast, and its SA or policy does not name it.',
    'RFC 4301 §4.4.1',
    true,
  ),
  row(
    'outbound-icmp-error-cut',
    'outbound',
    'An ICMP error does not carry enough of the packet that it reports to be checked.',
    'RFC 4301 §6.2',
    true,
  ),
  row(
    'inbound-icmp-error-cut',
    'inbound',
    'A decrypted ICMP error does not carry enough of the packet that it reports to be checked.',
    'RFC 4301 §6.2',
    true,
  ),
  row(
    'outbound-icmp-error',
    'outbound',
    'An ICMP error reports a packet that no policy lets through.',
    'RFC 4301 §6.2',
    true,
  ),
  row(
    'inbound-icmp-error',
    'inbound',
    'A decrypted ICMP error reports a packet that its SA does not carry.',
    'RFC 4301 §6.2',
    true,
  ),
  row(
    'inbound-ike-backlog',
    'inbound',
    'More IKE messages arrived than the main thread could take.',
    'RFC 7296 §2.6',
  ),
];
