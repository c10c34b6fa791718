// The Vendor ID payload, RFC 7296 §3.12: its body is the identifier.

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { VendorIdPayload } from './payload.ts';

export function decodeVendorId(reader: ByteReader): VendorIdPayload {
  return { type: 'V', vendorId: reader.rest() };
}

export function encodeVendorId(payload: VendorIdPayload, writer: ByteWriter): void {
  writer.bytes(payload.vendorId);
}
