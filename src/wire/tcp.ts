// The TCP header, RFC 9293 §3.1, as far as a gateway looks into it.

export const TCP_HEADER_BYTES = 20;
export const TCP_SOURCE_PORT = 0;
export const TCP_DESTINATION_PORT = 2;
export const TCP_SEQUENCE_NUMBER = 4;
export const TCP_ACKNOWLEDGMENT_NUMBER = 8;
export const TCP_DATA_OFFSET = 12;
export const TCP_FLAGS = 13;
export const TCP_WINDOW = 14;
export const TCP_CHECKSUM = 16;
export const TCP_URGENT_POINTER = 18;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
/** Congestion window reduced, RFC 3168 §6.1. */
export const TCP_CWR = 0x80;

export const TCP_OPTION_END = 0;
export const TCP_OPTION_NO_OPERATION = 1;
export const TCP_OPTION_MAXIMUM_SEGMENT_SIZE = 2;

/** Data offset in bytes. */
export function tcpHeaderLength(bytes: Uint8Array, header: number): number {
  return (bytes[header + TCP_DATA_OFFSET]! >>> 4) << 2;
}
