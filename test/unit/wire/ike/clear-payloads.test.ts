// What stands in clear is bounded by its headers alone, before any of it is decoded.

import { describe, expect, it } from 'vitest';
import { boundClearPayloads } from '../../../../src/wire/ike/clear-payloads.ts';
import { ExchangeType, PayloadType } from '../../../../src/wire/ike/iana.ts';
import { IKE_HEADER_BYTES, type IkeHeader } from '../../../../src/wire/ike/ike-header.ts';
import { NO_IKE_SPI } from '../../../../src/wire/ike/ike-spi.ts';

type Type = keyof typeof PayloadType;

/** A chain of payloads with zeros in them. */
function bound(...payloads: readonly (readonly [type: Type | number, bodyBytes: number])[]): void {
  const numbers = payloads.map(([type]) => (typeof type === 'number' ? type : PayloadType[type]));
  const chain = payloads.flatMap(([, bodyBytes], index) => {
    const length = 4 + bodyBytes;
    return [
      Uint8Array.of(numbers[index + 1] ?? 0, 0, length >> 8, length & 0xff),
      new Uint8Array(Math.max(0, bodyBytes)),
    ];
  });
  const bytes = Buffer.concat([new Uint8Array(IKE_HEADER_BYTES), ...chain]);
  const header: IkeHeader = {
    initiatorSpi: NO_IKE_SPI,
    responderSpi: NO_IKE_SPI,
    nextPayload: numbers[0] ?? 0,
    majorVersion: 2,
    minorVersion: 0,
    exchangeType: ExchangeType.IKE_SA_INIT,
    isFromInitiator: true,
    hasHigherVersion: false,
    isResponse: false,
    messageId: 0,
    length: bytes.length,
  };
  boundClearPayloads(header, bytes);
}

describe('passes', () => {
  it('IKE_SA_INIT with requests for certificates of 700 authorities', () => {
    bound(['SA', 40], ['KE', 260], ['NONCE', 32], ['N', 20], ['N', 20], ['V', 16], ['CERTREQ', 1 + 700 * 20]);
  });

  it('an encrypted message of any length', () => {
    bound(['SK', 65_000]);
    bound(['N', 0], ['SKF', 65_000]);
  });

  it('payloads that are not known', () => {
    bound([200, 100], [201, 100]);
  });

  it('what is no chain of payloads: the decoder refuses it', () => {
    bound(['N', -4]);
    bound(['N', -1]);
    expect(() => bound()).not.toThrow();
  });
});

describe('refuses', () => {
  it.each(['IDi', 'IDr', 'CERT', 'AUTH', 'D', 'TSi', 'TSr', 'CP', 'EAP'] as const)('%s in clear', (type) => {
    expect(() => bound(['SA', 40], [type, 8])).toThrow(/in clear/);
    expect(() => bound([type, 8], ['SK', 40])).toThrow(/in clear/);
  });

  it.each(['SA', 'KE', 'NONCE'] as const)('%s twice', (type) => {
    expect(() => bound([type, 40], ['N', 0], [type, 40])).toThrow(/in clear twice/);
  });

  it('more than 16 KiB, of whatever', () => {
    expect(() => bound(['SA', 16_384 - 4])).not.toThrow();
    expect(() => bound(['SA', 16_384 - 3])).toThrow(/more than 16384 bytes in clear/);
    expect(() => bound([200, 10_000], ['V', 10_000])).toThrow(/more than 16384 bytes in clear/);
    expect(() => bound(['V', 20_000], ['SK', 40])).toThrow(/more than 16384 bytes in clear/);
  });
});
