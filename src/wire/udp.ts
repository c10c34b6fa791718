// The UDP header, RFC 768.

export const UDP_HEADER_BYTES = 8;
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;
