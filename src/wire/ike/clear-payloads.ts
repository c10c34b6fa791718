// What stands in clear in a message, looked at by its payload headers alone (RFC 7296 §3.2): anybody can send it, so it is
// bounded before any of it is decoded. Whether the payloads fit their exchange is check-message.ts's business.

import { ByteReader } from '../../base/byte-reader.ts';
import { nameOfPayload, PayloadType } from './iana.ts';
import { IKE_HEADER_BYTES, type IkeHeader } from './ike-header.ts';
import { PAYLOAD_HEADER_BYTES } from './payload-chain.ts';

/** Certificate requests of hundreds of authorities have room; a datagram could be four times as long. */
const MOST_CLEAR_BYTES = 16_384;

const { SA, KE, NONCE, N, V, CERTREQ, SK, SKF } = PayloadType;
/** RFC 7296 §1.2, §1.5: IKE_SA_INIT, and notifies without an IKE SA. All else is encrypted. */
const IN_CLEAR: ReadonlySet<number> = new Set([SA, KE, NONCE, N, V, CERTREQ]);
const ONCE: ReadonlySet<number> = new Set([SA, KE, NONCE]);
const KNOWN: ReadonlySet<number> = new Set(Object.values(PayloadType));

/**
 * Throws MalformedMessageError where more stands in clear than ever does. What is not a chain of payloads is left to the
 * decoder.
 */
export function boundClearPayloads(header: IkeHeader, bytes: Uint8Array): void {
  const reader = new ByteReader(bytes, 'IKE message');
  reader.skip(IKE_HEADER_BYTES, 'header');
  const seen = new Set<number>();
  let payloadType = header.nextPayload;
  let clearBytes = 0;
  while (payloadType !== PayloadType.NONE && payloadType !== SK && payloadType !== SKF) {
    const isRepeated = ONCE.has(payloadType) && seen.has(payloadType);
    if (isRepeated || (KNOWN.has(payloadType) && !IN_CLEAR.has(payloadType)))
      throw reader.malformed(`${nameOfPayload(payloadType)} in clear${isRepeated ? ' twice' : ''}`);
    seen.add(payloadType);
    const nextPayload = reader.uint8('Next Payload');
    reader.skip(1, 'flags');
    const length = reader.uint16('Payload Length');
    // The decoder says it better; and a length of 0 would never end.
    if (length < PAYLOAD_HEADER_BYTES || length - PAYLOAD_HEADER_BYTES > reader.remaining) return;
    clearBytes += length;
    if (clearBytes > MOST_CLEAR_BYTES) throw reader.malformed(`more than ${MOST_CLEAR_BYTES} bytes in clear`);
    reader.skip(length - PAYLOAD_HEADER_BYTES, 'payload');
    payloadType = nextPayload;
  }
}
