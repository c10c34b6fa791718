// The body of each payload type, RFC 7296 §3.2: which function reads it and which writes it.

import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { decodeAuthentication, encodeAuthentication } from './authentication.ts';
import { decodeCertificateRequest, encodeCertificateRequest } from './certificate-request.ts';
import { decodeCertificate, encodeCertificate } from './certificate.ts';
import { decodeConfiguration, encodeConfiguration } from './configuration.ts';
import { decodeDelete, encodeDelete } from './delete.ts';
import { decodeEap, encodeEap } from './eap.ts';
import {
  decodeEncrypted,
  decodeEncryptedFragment,
  encodeEncryptedBody,
  encodeEncryptedFragmentBody,
} from './encrypted-payload.ts';
import { PayloadType } from './iana.ts';
import { decodeIdentification, encodeIdentification } from './identification.ts';
import { decodeKeyExchange, encodeKeyExchange } from './key-exchange.ts';
import { decodeNonce, encodeNonce } from './nonce.ts';
import { decodeNotify, encodeNotify } from './notify.ts';
import type { Payload } from './payload.ts';
import { decodeSecurityAssociation, encodeSecurityAssociation } from './security-association.ts';
import { decodeTrafficSelectors, encodeTrafficSelectors } from './traffic-selector.ts';
import { decodeVendorId, encodeVendorId } from './vendor-id.ts';

/** The generic payload header of RFC 7296 §3.2. */
export interface PayloadHeader {
  readonly payloadType: number;
  readonly nextPayload: number;
  readonly critical: boolean;
}

/** @param reader of the body alone */
export function decodePayloadBody(reader: ByteReader, header: PayloadHeader): Payload {
  switch (header.payloadType) {
    case PayloadType.SA:
      return decodeSecurityAssociation(reader);
    case PayloadType.KE:
      return decodeKeyExchange(reader);
    case PayloadType.IDi:
      return decodeIdentification(reader, 'IDi');
    case PayloadType.IDr:
      return decodeIdentification(reader, 'IDr');
    case PayloadType.CERT:
      return decodeCertificate(reader);
    case PayloadType.CERTREQ:
      return decodeCertificateRequest(reader);
    case PayloadType.AUTH:
      return decodeAuthentication(reader);
    case PayloadType.NONCE:
      return decodeNonce(reader);
    case PayloadType.N:
      return decodeNotify(reader);
    case PayloadType.D:
      return decodeDelete(reader);
    case PayloadType.V:
      return decodeVendorId(reader);
    case PayloadType.TSi:
      return decodeTrafficSelectors(reader, 'TSi');
    case PayloadType.TSr:
      return decodeTrafficSelectors(reader, 'TSr');
    case PayloadType.SK:
      return decodeEncrypted(reader, header.nextPayload);
    case PayloadType.CP:
      return decodeConfiguration(reader);
    case PayloadType.EAP:
      return decodeEap(reader);
    case PayloadType.SKF:
      return decodeEncryptedFragment(reader, header.nextPayload);
    default:
      // RFC 7296 §2.5: skipped, or the reason to reject the message; message-rules.ts says which.
      return {
        type: 'unknown',
        payloadType: header.payloadType,
        critical: header.critical,
        body: reader.rest(),
      };
  }
}

export function encodePayloadBody(payload: Payload, writer: ByteWriter): void {
  switch (payload.type) {
    case 'SA': {
      encodeSecurityAssociation(payload, writer);
      return;
    }
    case 'KE': {
      encodeKeyExchange(payload, writer);
      return;
    }
    case 'IDi':
    case 'IDr': {
      encodeIdentification(payload, writer);
      return;
    }
    case 'CERT': {
      encodeCertificate(payload, writer);
      return;
    }
    case 'CERTREQ': {
      encodeCertificateRequest(payload, writer);
      return;
    }
    case 'AUTH': {
      encodeAuthentication(payload, writer);
      return;
    }
    case 'NONCE': {
      encodeNonce(payload, writer);
      return;
    }
    case 'N': {
      encodeNotify(payload, writer);
      return;
    }
    case 'D': {
      encodeDelete(payload, writer);
      return;
    }
    case 'V': {
      encodeVendorId(payload, writer);
      return;
    }
    case 'TSi':
    case 'TSr': {
      encodeTrafficSelectors(payload, writer);
      return;
    }
    case 'SK': {
      encodeEncryptedBody(payload, writer);
      return;
    }
    case 'SKF': {
      encodeEncryptedFragmentBody(payload, writer);
      return;
    }
    case 'CP': {
      encodeConfiguration(payload, writer);
      return;
    }
    case 'EAP': {
      encodeEap(payload, writer);
      return;
    }
    case 'unknown': {
      writer.bytes(payload.body);
      return;
    }
  }
}
