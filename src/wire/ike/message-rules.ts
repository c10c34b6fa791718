// Which payloads a message has, how often, and whether they are encrypted: RFC 7296 §1.2 to §1.5 and appendix C, as a
// table; check-message.ts holds messages against it. The order of payloads is free. EAP (RFC 7296 §2.16) is in no
// row, because it is refused.

import { ExchangeType, nameOfExchange } from './iana.ts';
import type { KnownPayload } from './payload.ts';

export type PayloadName = KnownPayload['type'];

/** Payload, how often at least, how often at most. */
export type PayloadRule = readonly [payload: PayloadName, min: number, max: number];

export interface MessageRule {
  /** How log lines call the message. */
  readonly name: string;
  readonly exchangeType: number;
  readonly isResponse: boolean;
  /** What its SA payload proposes, where the exchange is for either. */
  readonly subject?: 'Child SA' | 'IKE SA';
  /** True: all payloads are inside SK. False: there is no SK. */
  readonly encrypted: boolean;
  /** What is not listed must not be there. */
  readonly payloads: readonly PayloadRule[];
  /** All of these or none. */
  readonly together?: readonly PayloadName[];
}

/** For payloads that may be repeated, with the certificates of a chain and the addresses of MOBIKE in mind. */
const SEVERAL = 64;
const NOTIFY: PayloadRule = ['N', 0, SEVERAL];
const VENDOR_ID: PayloadRule = ['V', 0, SEVERAL];

const { IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL } = ExchangeType;

// RFC 7296 §1.3.1, §1.3.3, §C.4
const CREATE_OR_REKEY_CHILD_SA: readonly PayloadRule[] = [
  ['SA', 1, 1],
  ['NONCE', 1, 1],
  ['KE', 0, 1],
  ['TSi', 1, 1],
  ['TSr', 1, 1],
  ['CP', 0, 1],
  NOTIFY,
  VENDOR_ID,
];

// RFC 7296 §1.3.2, §C.5
const REKEY_IKE_SA: readonly PayloadRule[] = [['SA', 1, 1], ['NONCE', 1, 1], ['KE', 1, 1], NOTIFY, VENDOR_ID];

const createChildSa = (
  isResponse: boolean,
  subject: 'Child SA' | 'IKE SA',
  payloads: readonly PayloadRule[],
): MessageRule => ({
  name: `CREATE_CHILD_SA ${isResponse ? 'response' : 'request'} (${subject})`,
  exchangeType: CREATE_CHILD_SA,
  isResponse,
  subject,
  encrypted: true,
  payloads,
});

const informational = (isResponse: boolean): MessageRule => ({
  name: `INFORMATIONAL ${isResponse ? 'response' : 'request'}`,
  exchangeType: INFORMATIONAL,
  isResponse,
  encrypted: true,
  // RFC 7296 §1.4, §C.6; with nothing inside it is a liveness check.
  payloads: [NOTIFY, ['D', 0, SEVERAL], ['CP', 0, 1], VENDOR_ID],
});

/** RFC 7296 §1.5: a notify without an IKE SA. It proves nothing. */
const unprotected = (exchangeType: number, isResponse: boolean): MessageRule => ({
  name: `unprotected ${nameOfExchange(exchangeType)} ${isResponse ? 'response' : 'request'}`,
  exchangeType,
  isResponse,
  encrypted: false,
  payloads: [['N', 1, SEVERAL], VENDOR_ID],
});

export const MESSAGE_RULES: readonly MessageRule[] = [
  {
    name: 'IKE_SA_INIT request',
    exchangeType: IKE_SA_INIT,
    isResponse: false,
    encrypted: false,
    // RFC 7296 §1.2, §C.1
    payloads: [['SA', 1, 1], ['KE', 1, 1], ['NONCE', 1, 1], NOTIFY, VENDOR_ID],
  },
  {
    name: 'IKE_SA_INIT response',
    exchangeType: IKE_SA_INIT,
    isResponse: true,
    encrypted: false,
    // RFC 7296 §1.2, §C.1
    payloads: [['SA', 1, 1], ['KE', 1, 1], ['NONCE', 1, 1], ['CERTREQ', 0, SEVERAL], NOTIFY, VENDOR_ID],
  },
  {
    name: 'IKE_AUTH request',
    exchangeType: IKE_AUTH,
    isResponse: false,
    encrypted: true,
    // RFC 7296 §1.2, §C.2
    payloads: [
      ['IDi', 1, 1],
      ['CERT', 0, SEVERAL],
      ['CERTREQ', 0, SEVERAL],
      ['IDr', 0, 1],
      // RFC 7296 §2.16: without AUTH the peer asks for EAP, and is told AUTHENTICATION_FAILED.
      ['AUTH', 0, 1],
      ['CP', 0, 1],
      ['SA', 0, 1],
      ['TSi', 0, 1],
      ['TSr', 0, 1],
      NOTIFY,
      VENDOR_ID,
    ],
    // RFC 6023 §3: an IKE SA without a Child SA has none of them.
    together: ['SA', 'TSi', 'TSr'],
  },
  {
    name: 'IKE_AUTH response',
    exchangeType: IKE_AUTH,
    isResponse: true,
    encrypted: true,
    // RFC 7296 §1.2, §C.2
    payloads: [
      ['IDr', 1, 1],
      ['CERT', 0, SEVERAL],
      ['AUTH', 1, 1],
      ['CP', 0, 1],
      ['SA', 0, 1],
      ['TSi', 0, 1],
      ['TSr', 0, 1],
      NOTIFY,
      VENDOR_ID,
    ],
    // RFC 7296 §1.2: where the Child SA fails there are none of them, and a notify says why.
    together: ['SA', 'TSi', 'TSr'],
  },
  createChildSa(false, 'Child SA', CREATE_OR_REKEY_CHILD_SA),
  createChildSa(true, 'Child SA', CREATE_OR_REKEY_CHILD_SA),
  createChildSa(false, 'IKE SA', REKEY_IKE_SA),
  createChildSa(true, 'IKE SA', REKEY_IKE_SA),
  informational(false),
  informational(true),
  // RFC 7296 §1.5: INVALID_SPI is a request; INVALID_IKE_SPI answers with the exchange type that was asked with.
  unprotected(INFORMATIONAL, false),
  unprotected(IKE_AUTH, true),
  unprotected(CREATE_CHILD_SA, true),
  unprotected(INFORMATIONAL, true),
];
