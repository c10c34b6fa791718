// Names of next layer protocols and ICMP messages, from the IANA registries "Protocol Numbers",
// "ICMP Type Numbers", "ICMPv6 type Numbers" and
// "Mobility Header Types": those that a selector may want to name.

export const ICMP = 1;
export const ICMPV6 = 58;
export const MOBILITY_HEADER = 135;

export const PROTOCOL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['icmp', ICMP],
  ['igmp', 2],
  ['ipv4', 4],
  ['ipip', 4],
  ['tcp', 6],
  ['egp', 8],
  ['igp', 9],
  ['udp', 17],
  ['dccp', 33],
  ['ipv6', 41],
  ['rsvp', 46],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['icmpv6', ICMPV6],
  ['ipv6-icmp', ICMPV6],
  ['eigrp', 88],
  ['ospf', 89],
  ['pim', 103],
  ['ipcomp', 108],
  ['vrrp', 112],
  ['l2tp', 115],
  ['sctp', 132],
  ['mobility-header', MOBILITY_HEADER],
  ['udplite', 136],
  ['mpls-in-ip', 137],
]);

/** Protocols whose first four bytes are two ports (RFC 4301 §4.4.1.1). */
export const PROTOCOLS_WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

/** RFC 792, RFC 1256. */
export const ICMP_TYPES: ReadonlyMap<string, number> = new Map([
  ['echo-reply', 0],
  ['destination-unreachable', 3],
  ['redirect', 5],
  ['echo-request', 8],
  ['router-advertisement', 9],
  ['router-solicitation', 10],
  ['time-exceeded', 11],
  ['parameter-problem', 12],
  ['timestamp-request', 13],
  ['timestamp-reply', 14],
]);

/** RFC 4443, RFC 4861, RFC 2710, RFC 3810. */
export const ICMPV6_TYPES: ReadonlyMap<string, number> = new Map([
  ['destination-unreachable', 1],
  ['packet-too-big', 2],
  ['time-exceeded', 3],
  ['parameter-problem', 4],
  ['echo-request', 128],
  ['echo-reply', 129],
  ['multicast-listener-query', 130],
  ['multicast-listener-report', 131],
  ['multicast-listener-done', 132],
  ['router-solicitation', 133],
  ['router-advertisement', 134],
  ['neighbor-solicitation', 135],
  ['neighbor-advertisement', 136],
  ['redirect', 137],
  ['multicast-listener-report-v2', 143],
]);

/** RFC 6275 §6.1, RFC 5568, RFC 5142, RFC 5847, RFC 5846. */
export const MOBILITY_HEADER_TYPES: ReadonlyMap<string, number> = new Map([
  ['binding-refresh-request', 0],
  ['home-test-init', 1],
  ['care-of-test-init', 2],
  ['home-test', 3],
  ['care-of-test', 4],
  ['binding-update', 5],
  ['binding-acknowledgement', 6],
  ['binding-error', 7],
  ['fast-binding-update', 8],
  ['fast-binding-acknowledgement', 9],
  ['fast-neighbor-advertisement', 10],
  ['home-agent-switch', 12],
  ['heartbeat', 13],
  ['handover-initiate', 14],
  ['handover-acknowledge', 15],
  ['binding-revocation', 16],
]);
