// What a cookie is asked for with, found by payload headers alone (RFC 7296 §2.6, §3.2).

import { describe, expect, test } from 'vitest';
import { notify } from '../../../../src/ike/payloads.ts';
import { ExchangeType, NotifyType } from '../../../../src/wire/ike/iana.ts';
import { NO_IKE_SPI, toIkeSpi } from '../../../../src/wire/ike/ike-spi.ts';
import { encodeMessage } from '../../../../src/wire/ike/message.ts';
import type { Payload } from '../../../../src/wire/ike/payload.ts';
import { scanFirstMessage } from '../../../../src/wire/ike/scan-first-message.ts';

const NONCE = Uint8Array.from({ length: 32 }, (_, at) => at + 1);
const COOKIE = Uint8Array.of(7, 8, 9);
const KE: Payload = { type: 'KE', group: 19, publicValue: new Uint8Array(64) };
const HEADER_BYTES = 28;

function init(payloads: readonly Payload[]): Uint8Array {
  return encodeMessage(
    {
      initiatorSpi: toIkeSpi(new Uint8Array(8).fill(5)),
      responderSpi: NO_IKE_SPI,
      majorVersion: 2,
      minorVersion: 0,
      exchangeType: ExchangeType.IKE_SA_INIT,
      isFromInitiator: true,
      hasHigherVersion: false,
      isResponse: false,
      messageId: 0,
    },
    payloads,
  );
}

describe('scanFirstMessage', () => {
  test('finds the nonce behind others, and a cookie that stands first', () => {
    const nonce: Payload = { type: 'NONCE', nonce: NONCE };
    expect(scanFirstMessage(init([KE, nonce]))).toEqual({ nonce: NONCE, cookie: undefined });
    const cookie = notify(NotifyType.COOKIE, COOKIE);
    expect(scanFirstMessage(init([cookie, KE, nonce]))).toEqual({ nonce: NONCE, cookie: COOKIE });
    expect(scanFirstMessage(init([KE, cookie, nonce]))).toEqual({ nonce: NONCE, cookie: undefined });
    const other = notify(NotifyType.NAT_DETECTION_SOURCE_IP, COOKIE);
    expect(scanFirstMessage(init([other, nonce]))).toEqual({ nonce: NONCE, cookie: undefined });
  });

  test('RFC 7296 §2.10: a nonce has 16 to 256 octets', () => {
    const found = [15, 16, 256, 257].map((bytes) => {
      // As KE, which has a header of four octets more, may be that long and a nonce may not.
      const message = init([{ ...KE, publicValue: new Uint8Array(bytes - 4) }]);
      message[16] = 40;
      return scanFirstMessage(message)?.nonce.length;
    });
    expect(found).toEqual([undefined, 16, 256, undefined]);
  });

  test('no nonce, a chain that is cut, and one that never ends are nothing', () => {
    expect(scanFirstMessage(init([KE]))).toBeUndefined();
    const whole = init([KE, { type: 'NONCE', nonce: NONCE }]);
    for (let length = HEADER_BYTES; length < whole.length; length++)
      expect(scanFirstMessage(whole.subarray(0, length))).toBeUndefined();
    const endless = Uint8Array.from(whole);
    endless.set([34, 0, 0, 0], HEADER_BYTES);
    expect(scanFirstMessage(endless)).toBeUndefined();
    expect(scanFirstMessage(init(new Array<Payload>(40).fill(KE)))).toBeUndefined();
  });
});
