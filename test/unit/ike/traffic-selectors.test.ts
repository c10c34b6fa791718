// Narrowing, and what of it one SA can have: RFC 7296 §2.9, RFC 4301 §4.4.1.2.

import { describe, expect, test } from 'vitest';

import { parseAddress, prefixRange, type Address } from '../../../src/base/address.ts';
import { forOneSa, narrow, selectorsOf } from '../../../src/ike/traffic-selectors.ts';
import { selectorsText } from '../../../src/wire/ike/selector-text.ts';
import type { TrafficSelector } from '../../../src/wire/ike/payload.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new RangeError(text);
  return parsed;
}

const on = (text: string, bits: number, protocol = 0, first = 0, last = 65_535): TrafficSelector => ({
  protocol,
  startPort: first,
  endPort: last,
  ...prefixRange(address(text), bits),
});
const web = (text: string): TrafficSelector => on(text, 24, 6, 80, 80);
const tls = (text: string): TrafficSelector => on(text, 24, 6, 443, 443);

describe('RFC 7296 §2.9: narrow', () => {
  test('what holds the first selector of the offer is the first of the answer', () => {
    const packet = on('10.0.2.7', 32, 6, 50_000, 50_000);
    const offer = [packet, on('10.0.1.0', 24), on('10.0.2.0', 24)];
    expect(selectorsText(narrow(offer, [on('10.0.0.0', 16)]))).toBe('10.0.2.0/24 10.0.1.0/24');
  });

  test('what lies in another selector is left out, and of two that are the same one', () => {
    const offer = [on('10.0.1.0', 24), on('10.0.1.9', 32), on('10.0.1.0', 24)];
    expect(narrow(offer, [on('10.0.0.0', 8)])).toEqual([on('10.0.1.0', 24)]);
  });
});

describe('RFC 4301 §4.4.1.2: for one SA', () => {
  test('addresses and ports that all go together stay whole', () => {
    const all = [web('10.0.1.0'), tls('10.0.1.0'), web('10.0.2.0'), tls('10.0.2.0')];
    expect(forOneSa(all)).toEqual(all);
    expect(selectorsOf(forOneSa([on('10.9.0.0', 16, 6)]), all)).toEqual({
      localAddress: [prefixRange(address('10.9.0.0'), 16)],
      remoteAddress: [prefixRange(address('10.0.1.0'), 24), prefixRange(address('10.0.2.0'), 24)],
      protocol: 6,
      localPort: undefined,
      remotePort: [
        { first: 80, last: 80 },
        { first: 443, last: 443 },
      ],
      icmp: undefined,
    });
  });

  test('what would make the SA wider than what was agreed upon is left out, never the first', () => {
    expect(forOneSa([tls('10.0.1.0'), web('10.0.2.0'), tls('10.0.2.0')])).toEqual([
      tls('10.0.1.0'),
      tls('10.0.2.0'),
    ]);
    expect(forOneSa([web('10.0.2.0'), tls('10.0.2.0'), tls('10.0.1.0')])).toEqual([
      web('10.0.2.0'),
      tls('10.0.2.0'),
    ]);
  });

  test('another protocol than that of the first is left out', () => {
    const icmp = on('10.0.1.0', 24, 1, 0x0800, 0x08ff);
    expect(forOneSa([icmp, tls('10.0.1.0')])).toEqual([icmp]);
    expect(selectorsOf([icmp], [icmp])).toMatchObject({
      protocol: 1,
      localPort: undefined,
      remotePort: undefined,
      icmp: [{ first: 0x0800, last: 0x08ff }],
    });
  });

  test('nothing is nothing', () => {
    expect(forOneSa([])).toEqual([]);
  });
});
