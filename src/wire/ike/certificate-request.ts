// The Certificate Request payload, RFC 7296 §3.7.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Cert Encoding |                                               |
// +-+-+-+-+-+-+-+-+                                               |
// ~                    Certification Authority                    ~
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { CertificateRequestPayload } from './payload.ts';

export function decodeCertificateRequest(reader: ByteReader): CertificateRequestPayload {
  return { type: 'CERTREQ', encoding: reader.uint8('Cert Encoding'), data: reader.rest() };
}

export function encodeCertificateRequest(payload: CertificateRequestPayload, writer: ByteWriter): void {
  writer.uint8(payload.encoding, 'Cert Encoding');
  writer.bytes(payload.data);
}
