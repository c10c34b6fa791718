// Who is one source, and that one takes nothing from another.

import { describe, expect, test } from 'vitest';
import { SourceRate, sourceOf, THIS_HOST } from '../../../../src/management/http/source-rate.ts';

describe('a source', () => {
  test.each([[undefined], ['127.0.0.1'], ['127.8.8.8'], ['::ffff:127.0.0.1'], ['::1'], ['']])(
    '%s is this host',
    (address) => {
      expect(sourceOf(address)).toBe(THIS_HOST);
    },
  );

  test('is an IPv4 address, in whatever form', () => {
    expect(sourceOf('192.0.2.7')).toBe('192.0.2.7');
    expect(sourceOf('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(sourceOf('::ffff:c000:207')).toBe('192.0.2.7');
    expect(sourceOf('192.0.2.8')).not.toBe(sourceOf('192.0.2.7'));
  });

  test('is a /64 of IPv6, with a zone or without', () => {
    expect(sourceOf('2001:db8:1:2::1')).toBe(sourceOf('2001:db8:1:2:ffff::'));
    expect(sourceOf('2001:db8:1:2::1')).not.toBe(sourceOf('2001:db8:1:3::1'));
    expect(sourceOf('fe80::1%eth0')).toBe(sourceOf('fe80::2'));
    expect(sourceOf('fe80::1%eth0')).not.toBe(THIS_HOST);
  });
});

describe('rates', () => {
  const takeAll = (rate: SourceRate, source: string, nowMs: number): number => {
    let taken = 0;
    while (taken < 1000 && rate.take(source, nowMs)) taken++;
    return taken;
  };

  test('what one has too much is not taken from others, nor from all', () => {
    const rate = new SourceRate({ perSecond: 1, burst: 10 }, { perSecond: 2, burst: 25 });
    for (let time = 0; time < 3; time++) takeAll(rate, 'a', 1000);
    expect(rate.take('a', 1000)).toBe(false);
    expect(takeAll(rate, 'b', 1000)).toBe(10);
    expect(takeAll(rate, 'c', 1000)).toBe(5);
    expect(rate.take('d', 1000)).toBe(false);
    expect(rate.take('b', 2000)).toBe(true);
  });

  test('of many sources together there are no more than of all', () => {
    const rate = new SourceRate({ perSecond: 1, burst: 10 }, { perSecond: 20, burst: 200 });
    let taken = 0;
    for (let second = 0; second < 100; second++)
      for (let source = 0; source < 500; source++)
        if (rate.take(`${second}.${source}`, second * 1000)) taken++;
    expect(taken).toBeLessThanOrEqual(200 + 20 * 100);
  });

  test('sources that are forgotten are those that were heard least lately', () => {
    const rate = new SourceRate({ perSecond: 0, burst: 1 }, { perSecond: 0, burst: 1e6 });
    for (const source of ['kept', 'lost']) rate.take(source, 0);
    for (let source = 0; source < 255; source++) {
      rate.take(`other ${source}`, 0);
      rate.take('kept', 0);
    }
    expect(rate.take('kept', 0)).toBe(false);
    expect(rate.take('lost', 0)).toBe(true);
  });
});
