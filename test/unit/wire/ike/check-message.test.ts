import { describe, expect, it } from 'vitest';
import { checkMessage } from '../../../../src/wire/ike/check-message.ts';
import { ExchangeType, NotifyType, ProtocolId } from '../../../../src/wire/ike/iana.ts';
import type { Payload } from '../../../../src/wire/ike/payload.ts';

const none = new Uint8Array();
const { IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL } = ExchangeType;

const notify = (notifyType: number): Payload => ({
  type: 'N',
  protocolId: 0,
  spi: none,
  notifyType,
  data: none,
});
const sa = (protocolId: number): Payload => ({
  type: 'SA',
  proposals: [{ number: 1, protocolId, spi: none, transforms: [] }],
});
const unknown = (critical: boolean): Payload => ({ type: 'unknown', payloadType: 200, critical, body: none });
const P = {
  SA: sa(ProtocolId.ESP),
  SAi: sa(ProtocolId.IKE),
  KE: { type: 'KE', group: 19, publicValue: none },
  No: { type: 'NONCE', nonce: new Uint8Array(32) },
  IDi: { type: 'IDi', idType: 2, data: none },
  IDr: { type: 'IDr', idType: 2, data: none },
  CERT: { type: 'CERT', encoding: 4, data: none },
  CERTREQ: { type: 'CERTREQ', encoding: 4, data: none },
  AUTH: { type: 'AUTH', method: 2, data: none },
  TSi: { type: 'TSi', selectors: [] },
  TSr: { type: 'TSr', selectors: [] },
  CP: { type: 'CP', cfgType: 1, attributes: [] },
  EAP: { type: 'EAP', data: none },
  D: { type: 'D', protocolId: 1, spiBytes: 0, spis: [] },
  V: { type: 'V', vendorId: none },
  COOKIE: notify(NotifyType.COOKIE),
  STATUS: notify(NotifyType.INITIAL_CONTACT),
  ERROR: notify(NotifyType.NO_PROPOSAL_CHOSEN),
  NEW: unknown(false),
} as const satisfies Record<string, Payload>;
type Name = keyof typeof P;

const list = (names: string): readonly Payload[] =>
  names === '' ? [] : names.split(' ').map((name) => P[name as Name]);

/** Clear where the exchange is, and inside SK where it must be. */
function check(exchangeType: number, direction: '-->' | '<--', names: string): string | undefined {
  const header = { exchangeType, isResponse: direction === '<--' };
  const payloads = list(names);
  const fault =
    exchangeType === IKE_SA_INIT
      ? checkMessage(header, { clear: payloads })
      : checkMessage(header, { clear: [], encrypted: payloads });
  return fault?.text;
}

describe('RFC 7296 §C: the exchanges of the appendix are allowed', () => {
  it.each([
    // §C.1
    [IKE_SA_INIT, '-->', 'SA KE No'],
    [IKE_SA_INIT, '-->', 'COOKIE SA KE No STATUS STATUS V V'],
    [IKE_SA_INIT, '<--', 'SA KE No STATUS CERTREQ CERTREQ V'],
    [IKE_SA_INIT, '<--', 'COOKIE'],
    [IKE_SA_INIT, '<--', 'ERROR V'],
    // §C.2
    [IKE_AUTH, '-->', 'IDi CERT CERT STATUS CERTREQ IDr AUTH CP SA TSi TSr STATUS V'],
    [IKE_AUTH, '-->', 'IDi AUTH SA TSi TSr'],
    [IKE_AUTH, '<--', 'IDr CERT AUTH CP SA TSi TSr STATUS'],
    [IKE_AUTH, '<--', 'IDr AUTH ERROR'],
    [IKE_AUTH, '<--', 'ERROR'],
    // §C.3: the first request for EAP, which is then refused
    [IKE_AUTH, '-->', 'IDi SA TSi TSr'],
    // RFC 6023 §3
    [IKE_AUTH, '-->', 'IDi AUTH'],
    [IKE_AUTH, '<--', 'IDr AUTH'],
    // §C.4
    [CREATE_CHILD_SA, '-->', 'STATUS SA No KE TSi TSr'],
    [CREATE_CHILD_SA, '-->', 'SA No TSi TSr'],
    [CREATE_CHILD_SA, '<--', 'CP STATUS SA No KE TSi TSr'],
    [CREATE_CHILD_SA, '<--', 'ERROR'],
    // §C.5
    [CREATE_CHILD_SA, '-->', 'SAi No KE V'],
    [CREATE_CHILD_SA, '<--', 'SAi No KE'],
    // §C.6
    [INFORMATIONAL, '-->', ''],
    [INFORMATIONAL, '<--', ''],
    [INFORMATIONAL, '-->', 'STATUS D D CP'],
    [INFORMATIONAL, '<--', 'D'],
  ] as const)('%i %s %s', (exchangeType, direction, names) => {
    expect(check(exchangeType, direction, names)).toBeUndefined();
    // The order is free (RFC 7296 §2), and what is not known and not critical is not there (§2.5).
    const reversed = [...names.split(' ').reverse(), 'NEW'].filter((name) => name !== '').join(' ');
    expect(check(exchangeType, direction, reversed)).toBeUndefined();
  });
});

describe('a payload that is missing is named', () => {
  it.each([
    [IKE_SA_INIT, '-->', 'KE No', 'IKE_SA_INIT request: SA is missing'],
    [IKE_SA_INIT, '-->', 'SA No', 'IKE_SA_INIT request: KE is missing'],
    [IKE_SA_INIT, '-->', 'SA KE', 'IKE_SA_INIT request: NONCE is missing'],
    [IKE_SA_INIT, '-->', 'COOKIE', 'IKE_SA_INIT request: SA is missing'],
    [IKE_SA_INIT, '-->', 'ERROR', 'IKE_SA_INIT request: SA is missing'],
    [IKE_SA_INIT, '<--', 'SA KE STATUS', 'IKE_SA_INIT response: NONCE is missing'],
    [IKE_AUTH, '-->', 'AUTH SA TSi TSr', 'IKE_AUTH request: IDi is missing'],
    [IKE_AUTH, '-->', 'IDi AUTH SA TSi', 'IKE_AUTH request: TSr is missing, but SA is there'],
    [IKE_AUTH, '-->', 'IDi AUTH TSi TSr', 'IKE_AUTH request: SA is missing, but TSi is there'],
    [IKE_AUTH, '<--', 'IDr SA TSi TSr', 'IKE_AUTH response: AUTH is missing'],
    [IKE_AUTH, '<--', 'AUTH SA TSi TSr', 'IKE_AUTH response: IDr is missing'],
    [IKE_AUTH, '<--', 'COOKIE', 'IKE_AUTH response: IDr is missing'],
    [CREATE_CHILD_SA, '-->', '', 'CREATE_CHILD_SA request (Child SA): SA is missing'],
    [CREATE_CHILD_SA, '-->', 'SA No TSi', 'CREATE_CHILD_SA request (Child SA): TSr is missing'],
    [CREATE_CHILD_SA, '<--', 'SA TSi TSr', 'CREATE_CHILD_SA response (Child SA): NONCE is missing'],
    [CREATE_CHILD_SA, '-->', 'SAi No', 'CREATE_CHILD_SA request (IKE SA): KE is missing'],
    [CREATE_CHILD_SA, '<--', 'SAi KE', 'CREATE_CHILD_SA response (IKE SA): NONCE is missing'],
  ] as const)('%i %s %s', (exchangeType, direction, names, text) => {
    expect(check(exchangeType, direction, names)).toBe(text);
  });
});

describe('a payload that is there too often, or should not be there, is named', () => {
  it.each([
    [IKE_SA_INIT, '-->', 'SA SA KE No', 'IKE_SA_INIT request: SA is there 2 times; at most 1 may be'],
    [
      IKE_SA_INIT,
      '-->',
      'SA KE No CERTREQ',
      'IKE_SA_INIT request: CERTREQ is there 1 times; at most 0 may be',
    ],
    [IKE_SA_INIT, '<--', 'ERROR KE KE', 'IKE_SA_INIT response: KE is there 2 times; at most 1 may be'],
    [IKE_AUTH, '-->', 'IDi IDi AUTH', 'IKE_AUTH request: IDi is there 2 times; at most 1 may be'],
    [IKE_AUTH, '-->', 'IDi AUTH AUTH', 'IKE_AUTH request: AUTH is there 2 times; at most 1 may be'],
    [IKE_AUTH, '-->', 'IDi EAP', 'IKE_AUTH request: EAP is there 1 times; at most 0 may be'],
    [IKE_AUTH, '<--', 'IDr AUTH EAP', 'IKE_AUTH response: EAP is there 1 times; at most 0 may be'],
    [IKE_AUTH, '<--', 'IDr AUTH IDi', 'IKE_AUTH response: IDi is there 1 times; at most 0 may be'],
    [
      CREATE_CHILD_SA,
      '-->',
      'SAi No KE TSi TSr',
      'CREATE_CHILD_SA request (IKE SA): TSi is there 1 times; at most 0 may be',
    ],
    [
      CREATE_CHILD_SA,
      '<--',
      'ERROR AUTH',
      'CREATE_CHILD_SA response (Child SA): AUTH is there 1 times; at most 0 may be',
    ],
    [INFORMATIONAL, '-->', 'SA', 'INFORMATIONAL request: SA is there 1 times; at most 0 may be'],
  ] as const)('%i %s %s', (exchangeType, direction, names, text) => {
    expect(check(exchangeType, direction, names)).toBe(text);
  });

  it('certificates and notifies have a bound too', () => {
    const many = Array.from({ length: 65 }, () => 'CERT').join(' ');
    expect(check(IKE_AUTH, '-->', `IDi AUTH ${many}`)).toMatch(/CERT is there 65 times; at most 64/);
  });
});

describe('RFC 7296 §2.5: the critical bit', () => {
  it.each([
    ['clear', { clear: [...list('SA KE No'), unknown(true)] }],
    ['encrypted', { clear: [], encrypted: [unknown(true)] }],
    ['clear in front of SK', { clear: [unknown(true)], encrypted: [] }],
  ])('names the payload type: %s', (_where, payloads) => {
    expect(checkMessage({ exchangeType: INFORMATIONAL, isResponse: false }, payloads)).toEqual({
      notify: 'UNSUPPORTED_CRITICAL_PAYLOAD',
      payloadType: 200,
      text: 'payload type 200 is critical and not known',
    });
  });
});

describe('what must be encrypted is', () => {
  const header = (exchangeType: number, isResponse = false) => ({ exchangeType, isResponse });

  it.each([IKE_AUTH, CREATE_CHILD_SA])('a request of exchange %i', (exchangeType) => {
    const fault = checkMessage(header(exchangeType), { clear: list('IDi AUTH STATUS') });
    expect(fault?.text).toMatch(/ request: it is not encrypted$/);
  });

  it.each([IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL])(
    'a response of exchange %i without a notify',
    (exchangeType) => {
      expect(checkMessage(header(exchangeType, true), { clear: [] })?.text).toMatch(/N is missing/);
      const fault = checkMessage(header(exchangeType, true), { clear: list('ERROR IDr AUTH') });
      expect(fault?.text).toMatch(/IDr is there 1 times; at most 0 may be/);
    },
  );

  it('a payload in front of SK', () => {
    const fault = checkMessage(header(IKE_AUTH), { clear: list('IDi'), encrypted: list('AUTH') });
    expect(fault).toEqual({ notify: 'INVALID_SYNTAX', text: 'IKE_AUTH request: IDi is not encrypted' });
    expect(checkMessage(header(INFORMATIONAL), { clear: [unknown(false)], encrypted: [] })).toBeUndefined();
  });

  it('RFC 7296 §1.5: but a notify without an IKE SA', () => {
    expect(checkMessage(header(INFORMATIONAL), { clear: list('ERROR') })).toBeUndefined();
    for (const exchangeType of [IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL]) {
      expect(checkMessage(header(exchangeType, true), { clear: list('ERROR') })).toBeUndefined();
    }
    expect(checkMessage(header(INFORMATIONAL), { clear: list('D') })?.text).toMatch(
      'unprotected INFORMATIONAL request: D is there 1 times; at most 0 may be',
    );
  });

  it('but IKE_SA_INIT is not', () => {
    const fault = checkMessage(header(IKE_SA_INIT), { clear: [], encrypted: list('SA KE No') });
    expect(fault?.text).toBe('IKE_SA_INIT request: there is no such message under an IKE SA');
    const closed: Payload = { type: 'SK', firstPayload: 0, body: none };
    expect(checkMessage(header(IKE_SA_INIT), { clear: [...list('SA KE No'), closed] })?.text).toMatch(
      /SK is there 1/,
    );
  });

  it.each([
    [{ clear: [], encrypted: [] }, 'exchange 38 request: there is no such message under an IKE SA'],
    [{ clear: [] }, 'exchange 38 request: it is not encrypted'],
  ])('an unknown exchange is refused', (payloads, text) => {
    expect(checkMessage(header(38), payloads)?.text).toBe(text);
  });
});
