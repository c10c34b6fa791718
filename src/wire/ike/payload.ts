// What an IKE message can contain, RFC 7296 §3.2 to §3.16 and RFC 7383 §2.5, as plain values. Each owns its bytes.

import type { Address } from '../../base/address.ts';

/** RFC 7296 §3.3.2. */
export interface Transform {
  /** `TransformType` of iana.ts. */
  readonly type: number;
  readonly id: number;
  /** The Key Length attribute (RFC 7296 §3.3.5). */
  readonly keyBits: number | undefined;
  /** RFC 7296 §3.3.6: a transform with an attribute that is not understood must not be chosen. */
  readonly hasUnknownAttribute: boolean;
}

/** RFC 7296 §3.3.1. */
export interface Proposal {
  readonly number: number;
  readonly protocolId: number;
  readonly spi: Uint8Array;
  readonly transforms: readonly Transform[];
}

/** RFC 7296 §3.13.1. */
export interface TrafficSelector {
  /** 0 for any. */
  readonly protocol: number;
  /** Any port: 0 to 65535. OPAQUE: 65535 to 0. ICMP: type × 256 + code. */
  readonly startPort: number;
  readonly endPort: number;
  readonly first: Address;
  readonly last: Address;
}

/** A traffic selector of a TS Type that is not known; narrowing leaves it out (RFC 7296 §2.9). */
export interface UnknownTrafficSelector {
  readonly selectorType: number;
  readonly protocol: number;
  readonly body: Uint8Array;
}

export interface ConfigurationAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

export interface SecurityAssociationPayload {
  readonly type: 'SA';
  readonly proposals: readonly Proposal[];
}

export interface KeyExchangePayload {
  readonly type: 'KE';
  readonly group: number;
  readonly publicValue: Uint8Array;
}

export interface IdentificationPayload {
  readonly type: 'IDi' | 'IDr';
  readonly idType: number;
  readonly data: Uint8Array;
}

export interface CertificatePayload {
  readonly type: 'CERT';
  readonly encoding: number;
  readonly data: Uint8Array;
}

export interface CertificateRequestPayload {
  readonly type: 'CERTREQ';
  readonly encoding: number;
  /** SHA-1 hashes of the public keys of trusted CAs, one after another. */
  readonly data: Uint8Array;
}

export interface AuthenticationPayload {
  readonly type: 'AUTH';
  readonly method: number;
  readonly data: Uint8Array;
}

export interface NoncePayload {
  readonly type: 'NONCE';
  readonly nonce: Uint8Array;
}

export interface NotifyPayload {
  readonly type: 'N';
  /** 0 where there is no SPI. */
  readonly protocolId: number;
  readonly spi: Uint8Array;
  readonly notifyType: number;
  readonly data: Uint8Array;
}

export interface DeletePayload {
  readonly type: 'D';
  readonly protocolId: number;
  /** 0 for the IKE SA that carries the message, 4 for AH and ESP. */
  readonly spiBytes: number;
  readonly spis: readonly Uint8Array[];
}

export interface VendorIdPayload {
  readonly type: 'V';
  readonly vendorId: Uint8Array;
}

export interface TrafficSelectorPayload {
  readonly type: 'TSi' | 'TSr';
  readonly selectors: readonly TrafficSelector[];
  /** There only where the peer sent some. */
  readonly unknownSelectors?: readonly UnknownTrafficSelector[];
}

export interface EncryptedPayload {
  readonly type: 'SK';
  /** Of the payloads inside. */
  readonly firstPayload: number;
  /** IV, ciphertext, ICV. */
  readonly body: Uint8Array;
}

/** RFC 7383 §2.5. */
export interface EncryptedFragmentPayload {
  readonly type: 'SKF';
  /** Of the payloads inside; 0 in all fragments but the first. */
  readonly firstPayload: number;
  /** From 1 to `totalFragments`. */
  readonly fragmentNumber: number;
  readonly totalFragments: number;
  readonly body: Uint8Array;
}

export interface ConfigurationPayload {
  readonly type: 'CP';
  readonly cfgType: number;
  readonly attributes: readonly ConfigurationAttribute[];
}

export interface EapPayload {
  readonly type: 'EAP';
  readonly data: Uint8Array;
}

export interface UnknownPayload {
  readonly type: 'unknown';
  readonly payloadType: number;
  /** RFC 7296 §2.5: who does not know the type must reject the message. */
  readonly critical: boolean;
  readonly body: Uint8Array;
}

export type Payload =
  | SecurityAssociationPayload
  | KeyExchangePayload
  | IdentificationPayload
  | CertificatePayload
  | CertificateRequestPayload
  | AuthenticationPayload
  | NoncePayload
  | NotifyPayload
  | DeletePayload
  | VendorIdPayload
  | TrafficSelectorPayload
  | EncryptedPayload
  | EncryptedFragmentPayload
  | ConfigurationPayload
  | EapPayload
  | UnknownPayload;

/** The payloads that RFC 7296 and RFC 7383 define. */
export type KnownPayload = Exclude<Payload, UnknownPayload>;
