import { describe, expect, it } from 'vitest';
import { median, parsePing } from '../../../../scripts/lab/ping.ts';

const head = 'PING 10.0.2.7 (10.0.2.7) 56(84) bytes of data.';
const reply = (sequence: number, ms: string): string =>
  `64 bytes from 10.0.2.7: icmp_seq=${sequence} ttl=62 time=${ms} ms`;

describe('parsePing', () => {
  it('takes counts from the summary and the median from the replies', () => {
    const output = [
      head,
      reply(1, '4.33'),
      reply(2, '0.717'),
      reply(4, '0.993'),
      '',
      '--- 10.0.2.7 ping statistics ---',
      '4 packets transmitted, 3 received, 25% packet loss, time 3005ms',
      'rtt min/avg/max/mdev = 0.717/2.013/4.330/1.642 ms',
    ].join('\n');
    expect(parsePing(output)).toEqual({ sent: 4, received: 3, rttMedianMs: 0.993 });
  });

  it('leaves duplicates out of the median', () => {
    const output = [
      head,
      reply(1, '1.00'),
      `${reply(1, '90.0')} (DUP!)`,
      `${reply(1, '91.0')} (DUP!)`,
      '1 packets transmitted, 1 received, +2 duplicates, 0% packet loss, time 0ms',
    ].join('\n');
    expect(parsePing(output)).toEqual({ sent: 1, received: 1, rttMedianMs: 1 });
  });

  it('says so where nothing came back', () => {
    const output = `${head}
From 10.0.1.1 icmp_seq=1 Destination Net Unreachable

--- 10.0.2.7 ping statistics ---
20 packets transmitted, 0 received, +1 errors, 100% packet loss, time 1900ms
`;
    expect(parsePing(output)).toEqual({ sent: 20, received: 0, rttMedianMs: null });
  });

  it('is all zero where ping did not run', () => {
    expect(parsePing('')).toEqual({ sent: 0, received: 0, rttMedianMs: null });
  });
});

describe('median', () => {
  it.each([
    [[], null],
    [[3], 3],
    [[10, 9], 9.5],
    [[10, 9, 1], 9],
    [[0.1, 0.2], 0.15],
  ])('of %j is %j', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});
