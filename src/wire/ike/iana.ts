// Numbers of IANA's "Internet Key Exchange Version 2 (IKEv2) Parameters", under the names that stand there.
// Where a name begins with a digit or holds a hyphen, an underscore is in its place.

export const ExchangeType = {
  IKE_SA_INIT: 34,
  IKE_AUTH: 35,
  CREATE_CHILD_SA: 36,
  INFORMATIONAL: 37,
} as const;

/** RFC 7296 §3.2, RFC 7383 §2.5. */
export const PayloadType = {
  /** In a Next Payload field: nothing follows. */
  NONE: 0,
  SA: 33,
  KE: 34,
  IDi: 35,
  IDr: 36,
  CERT: 37,
  CERTREQ: 38,
  AUTH: 39,
  NONCE: 40,
  N: 41,
  D: 42,
  V: 43,
  TSi: 44,
  TSr: 45,
  SK: 46,
  CP: 47,
  EAP: 48,
  SKF: 53,
} as const;

/** RFC 7296 §3.3.1. */
export const ProtocolId = { IKE: 1, AH: 2, ESP: 3 } as const;

/** RFC 7296 §3.3.2; KE is the Diffie-Hellman group. */
export const TransformType = { ENCR: 1, PRF: 2, INTEG: 3, KE: 4, ESN: 5 } as const;

/** RFC 7296 §3.3.5. */
export const TransformAttribute = { KEY_LENGTH: 14 } as const;

export const EncryptionId = {
  ENCR_DES: 2,
  ENCR_3DES: 3,
  ENCR_NULL: 11,
  ENCR_AES_CBC: 12,
  ENCR_AES_CTR: 13,
  ENCR_AES_CCM_8: 14,
  ENCR_AES_CCM_12: 15,
  ENCR_AES_CCM_16: 16,
  ENCR_AES_GCM_8: 18,
  ENCR_AES_GCM_12: 19,
  ENCR_AES_GCM_16: 20,
  ENCR_NULL_AUTH_AES_GMAC: 21,
  ENCR_CAMELLIA_CBC: 23,
  ENCR_CAMELLIA_CTR: 24,
  ENCR_CAMELLIA_CCM_8: 25,
  ENCR_CAMELLIA_CCM_12: 26,
  ENCR_CAMELLIA_CCM_16: 27,
  ENCR_CHACHA20_POLY1305: 28,
} as const;

export const PrfId = {
  PRF_HMAC_MD5: 1,
  PRF_HMAC_SHA1: 2,
  PRF_AES128_XCBC: 4,
  PRF_HMAC_SHA2_256: 5,
  PRF_HMAC_SHA2_384: 6,
  PRF_HMAC_SHA2_512: 7,
  PRF_AES128_CMAC: 8,
} as const;

export const IntegrityId = {
  NONE: 0,
  AUTH_HMAC_MD5_96: 1,
  AUTH_HMAC_SHA1_96: 2,
  AUTH_AES_XCBC_96: 5,
  AUTH_AES_CMAC_96: 8,
  AUTH_AES_128_GMAC: 9,
  AUTH_AES_192_GMAC: 10,
  AUTH_AES_256_GMAC: 11,
  AUTH_HMAC_SHA2_256_128: 12,
  AUTH_HMAC_SHA2_384_192: 13,
  AUTH_HMAC_SHA2_512_256: 14,
} as const;

export const GroupId = {
  NONE: 0,
  MODP_768: 1,
  MODP_1024: 2,
  MODP_1536: 5,
  MODP_2048: 14,
  MODP_3072: 15,
  MODP_4096: 16,
  MODP_6144: 17,
  MODP_8192: 18,
  ECP_256: 19,
  ECP_384: 20,
  ECP_521: 21,
  MODP_1024_160: 22,
  MODP_2048_224: 23,
  MODP_2048_256: 24,
  ECP_192: 25,
  ECP_224: 26,
  BRAINPOOL_P224R1: 27,
  BRAINPOOL_P256R1: 28,
  BRAINPOOL_P384R1: 29,
  BRAINPOOL_P512R1: 30,
  CURVE25519: 31,
  CURVE448: 32,
} as const;

export const EsnId = { NO_ESN: 0, ESN: 1 } as const;

/** RFC 7296 §3.5. */
export const IdType = {
  ID_IPV4_ADDR: 1,
  ID_FQDN: 2,
  ID_RFC822_ADDR: 3,
  ID_IPV6_ADDR: 5,
  ID_DER_ASN1_DN: 9,
  ID_DER_ASN1_GN: 10,
  ID_KEY_ID: 11,
  ID_FC_NAME: 12,
  ID_NULL: 13,
} as const;

/** RFC 7296 §3.6, RFC 7670 §4. */
export const CertificateEncoding = {
  PKCS7_WRAPPED_X509: 1,
  PGP: 2,
  DNS_SIGNED_KEY: 3,
  X509_SIGNATURE: 4,
  KERBEROS_TOKEN: 6,
  CRL: 7,
  ARL: 8,
  SPKI: 9,
  X509_ATTRIBUTE: 10,
  RAW_RSA_KEY: 11,
  HASH_AND_URL_X509: 12,
  HASH_AND_URL_BUNDLE: 13,
  OCSP_CONTENT: 14,
  RAW_PUBLIC_KEY: 15,
} as const;

/** RFC 7296 §3.8, RFC 4754 §4, RFC 7427 §3. */
export const AuthMethod = {
  RSA_DIGITAL_SIGNATURE: 1,
  SHARED_KEY_MIC: 2,
  DSS_DIGITAL_SIGNATURE: 3,
  ECDSA_SHA256_P256: 9,
  ECDSA_SHA384_P384: 10,
  ECDSA_SHA512_P521: 11,
  GENERIC_SECURE_PASSWORD: 12,
  NULL_AUTHENTICATION: 13,
  DIGITAL_SIGNATURE: 14,
} as const;

/** RFC 7296 §3.13.1. */
export const TrafficSelectorType = {
  TS_IPV4_ADDR_RANGE: 7,
  TS_IPV6_ADDR_RANGE: 8,
  TS_FC_ADDR_RANGE: 9,
  TS_SECLABEL: 10,
} as const;

/** RFC 7296 §3.15. */
export const ConfigurationType = { CFG_REQUEST: 1, CFG_REPLY: 2, CFG_SET: 3, CFG_ACK: 4 } as const;

/** RFC 7296 §3.10.1, and what later RFCs added: see each block. Below 16384 they report errors. */
export const NotifyType = {
  UNSUPPORTED_CRITICAL_PAYLOAD: 1,
  INVALID_IKE_SPI: 4,
  INVALID_MAJOR_VERSION: 5,
  INVALID_SYNTAX: 7,
  INVALID_MESSAGE_ID: 9,
  INVALID_SPI: 11,
  NO_PROPOSAL_CHOSEN: 14,
  INVALID_KE_PAYLOAD: 17,
  AUTHENTICATION_FAILED: 24,
  SINGLE_PAIR_REQUIRED: 34,
  NO_ADDITIONAL_SAS: 35,
  INTERNAL_ADDRESS_FAILURE: 36,
  FAILED_CP_REQUIRED: 37,
  TS_UNACCEPTABLE: 38,
  INVALID_SELECTORS: 39,
  TEMPORARY_FAILURE: 43,
  CHILD_SA_NOT_FOUND: 44,
  INITIAL_CONTACT: 16384,
  SET_WINDOW_SIZE: 16385,
  ADDITIONAL_TS_POSSIBLE: 16386,
  IPCOMP_SUPPORTED: 16387,
  NAT_DETECTION_SOURCE_IP: 16388,
  NAT_DETECTION_DESTINATION_IP: 16389,
  COOKIE: 16390,
  USE_TRANSPORT_MODE: 16391,
  HTTP_CERT_LOOKUP_SUPPORTED: 16392,
  REKEY_SA: 16393,
  ESP_TFC_PADDING_NOT_SUPPORTED: 16394,
  NON_FIRST_FRAGMENTS_ALSO: 16395,
  // RFC 4555 §4
  UNACCEPTABLE_ADDRESSES: 40,
  UNEXPECTED_NAT_DETECTED: 41,
  MOBIKE_SUPPORTED: 16396,
  ADDITIONAL_IP4_ADDRESS: 16397,
  ADDITIONAL_IP6_ADDRESS: 16398,
  NO_ADDITIONAL_ADDRESSES: 16399,
  UPDATE_SA_ADDRESSES: 16400,
  COOKIE2: 16401,
  NO_NATS_ALLOWED: 16402,
  // RFC 4478 §3
  AUTH_LIFETIME: 16403,
  // RFC 4739 §2
  MULTIPLE_AUTH_SUPPORTED: 16404,
  ANOTHER_AUTH_FOLLOWS: 16405,
  // RFC 5685 §3
  REDIRECT_SUPPORTED: 16406,
  REDIRECT: 16407,
  REDIRECTED_FROM: 16408,
  // RFC 5998 §4, RFC 6023 §3, RFC 6290 §4
  EAP_ONLY_AUTHENTICATION: 16417,
  CHILDLESS_IKEV2_SUPPORTED: 16418,
  QUICK_CRASH_DETECTION: 16419,
  // RFC 6311 §7
  IKEV2_MESSAGE_ID_SYNC_SUPPORTED: 16420,
  IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED: 16421,
  IKEV2_MESSAGE_ID_SYNC: 16422,
  IPSEC_REPLAY_COUNTER_SYNC: 16423,
  // RFC 7383 §2.3, RFC 7427 §4
  IKEV2_FRAGMENTATION_SUPPORTED: 16430,
  SIGNATURE_HASH_ALGORITHMS: 16431,
  // RFC 8784 §3, RFC 9242 §3, RFC 9370 §2
  USE_PPK: 16435,
  PPK_IDENTITY: 16436,
  NO_PPK_AUTH: 16437,
  INTERMEDIATE_EXCHANGE_SUPPORTED: 16438,
  STATE_NOT_FOUND: 47,
  ADDITIONAL_KEY_EXCHANGE: 16441,
} as const;

/** RFC 7296 §3.10.1: the first number of the status types. */
const FIRST_STATUS_TYPE = 16384;

export function isErrorNotify(notifyType: number): boolean {
  return notifyType < FIRST_STATUS_TYPE;
}

type NameOf = (value: number) => string;

/** @param kind what a number without a name is called: `notify 4711` */
function namesOf(numbers: Readonly<Record<string, number>>, kind: string): NameOf {
  const names = new Map(Object.entries(numbers).map(([name, value]) => [value, name]));
  return (value) => names.get(value) ?? `${kind} ${value}`;
}

// For log lines: the name, or the kind and the number.
export const nameOfExchange: NameOf = namesOf(ExchangeType, 'exchange');
export const nameOfPayload: NameOf = namesOf(PayloadType, 'payload');
export const nameOfProtocol: NameOf = namesOf(ProtocolId, 'protocol');
export const nameOfTransformType: NameOf = namesOf(TransformType, 'transform type');
export const nameOfEncryption: NameOf = namesOf(EncryptionId, 'encryption');
export const nameOfPrf: NameOf = namesOf(PrfId, 'PRF');
export const nameOfIntegrity: NameOf = namesOf(IntegrityId, 'integrity');
export const nameOfGroup: NameOf = namesOf(GroupId, 'group');
export const nameOfEsn: NameOf = namesOf(EsnId, 'ESN');
export const nameOfIdType: NameOf = namesOf(IdType, 'identity type');
export const nameOfCertificateEncoding: NameOf = namesOf(CertificateEncoding, 'certificate encoding');
export const nameOfAuthMethod: NameOf = namesOf(AuthMethod, 'authentication method');
export const nameOfTrafficSelectorType: NameOf = namesOf(TrafficSelectorType, 'traffic selector type');
export const nameOfConfigurationType: NameOf = namesOf(ConfigurationType, 'configuration type');
export const nameOfNotify: NameOf = namesOf(NotifyType, 'notify');
