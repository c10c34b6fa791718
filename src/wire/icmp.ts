// ICMP and ICMPv6 messages, RFC 792 and RFC 4443 §2.1: type and code are the selectors that a policy may name.

export const ICMP_HEADER_BYTES = 8;
export const ICMP_TYPE = 0;
export const ICMP_CODE = 1;
