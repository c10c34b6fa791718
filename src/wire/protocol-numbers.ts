// Next layer protocol numbers, from IANA "Assigned Internet Protocol Numbers"; the ones the packet path knows.

export const PROTOCOL_HOP_BY_HOP = 0;
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_IPV4 = 4;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_DCCP = 33;
export const PROTOCOL_IPV6 = 41;
export const PROTOCOL_ROUTING = 43;
export const PROTOCOL_FRAGMENT = 44;
export const PROTOCOL_AH = 51;
export const PROTOCOL_ICMPV6 = 58;
/** Also the next header of an ESP dummy packet (RFC 4303 §2.6). */
export const PROTOCOL_NO_NEXT_HEADER = 59;
export const PROTOCOL_DESTINATION_OPTIONS = 60;
export const PROTOCOL_SCTP = 132;
export const PROTOCOL_MOBILITY = 135;
export const PROTOCOL_UDPLITE = 136;
