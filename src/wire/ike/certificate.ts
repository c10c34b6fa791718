// The Certificate payload, RFC 7296 §3.6. The certificate itself is read by whoever authenticates.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Cert Encoding |                                               |
// +-+-+-+-+-+-+-+-+                                               |
// ~                       Certificate Data                        ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { CertificatePayload } from './payload.ts';

export function decodeCertificate(reader: ByteReader): CertificatePayload {
  return { type: 'CERT', encoding: reader.uint8('Cert Encoding'), data: reader.rest() };
}

export function encodeCertificate(payload: CertificatePayload, writer: ByteWriter): void {
  writer.uint8(payload.encoding, 'Cert Encoding');
  writer.bytes(payload.data);
}
