// The fixed parts of an ESP packet, RFC 4303 §2, and how it shares UDP port 4500 with IKE, RFC 3948 §2.
//
//   SPI (4) | Sequence Number (4) | IV | Payload | Padding | Pad Length (1) | Next Header (1) | ICV

export const ESP_SPI = 0;
export const ESP_SEQUENCE_NUMBER = 4;

/** RFC 3948 §2.2: four zero bytes where ESP has its SPI mean IKE. */
export const NON_ESP_MARKER_BYTES = 4;
/** RFC 3948 §2.3: a NAT keepalive is this single byte. */
export const NAT_KEEPALIVE_BYTE = 0xff;
