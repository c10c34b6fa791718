import { describe, expect, it } from 'vitest';
import type { Iperf3Result } from '../../../../scripts/lab/iperf3.ts';
import { formatDrops, formatIperf3, formatPing, isOk, mergeDrops } from '../../../../scripts/lab/report.ts';

const tcp: Iperf3Result = { direction: 'a-to-b', protocol: 'tcp', mbitPerSecond: 1024.7 };
const udp: Iperf3Result = { direction: 'b-to-a', protocol: 'udp', mbitPerSecond: 94.25, lossPercent: 3.5 };

describe('the tables', () => {
  it('align columns', () => {
    expect(formatIperf3([tcp, udp])).toBe(
      [
        'iperf3  protocol  Mbit/s    loss',
        'a-to-b  tcp       1024.7',
        'b-to-a  udp         94.3  3.50 %',
      ].join('\n'),
    );
    expect(formatDrops({ 'outbound-no-policy': 6, replay: 1234 })).toBe(
      [
        'drops                 packets',
        'outbound-no-policy          6',
        'replay                   1234',
      ].join('\n'),
    );
    expect(formatDrops({})).toBe('drops: none');
  });

  it('name the median only where there is one', () => {
    const sent = 'ping hostA -> hostB: 20 sent';
    expect(formatPing({ sent: 20, received: 19, rttMedianMs: 0.5 })).toBe(
      `${sent}, 19 received, median 0.50 ms`,
    );
    expect(formatPing({ sent: 20, received: 0, rttMedianMs: null })).toBe(`${sent}, 0 received`);
  });
});

it('adds the drops of the gateways by reason', () => {
  expect(mergeDrops([{ replay: 2, 'no-sa': 1 }, {}, { replay: 3 }])).toEqual({ replay: 5, 'no-sa': 1 });
});

describe('isOk', () => {
  const ping = { sent: 20, received: 20, rttMedianMs: 1 };
  const wan = { forwarded: 1000, inClear: 0 };

  it('asks for every ping, for traffic in every run, and for protection', () => {
    expect(isOk(ping, [tcp, udp], wan)).toBe(true);
    expect(isOk({ ...ping, received: 19 }, [tcp, udp], wan)).toBe(false);
    expect(isOk({ sent: 0, received: 0, rttMedianMs: null }, [tcp, udp], wan)).toBe(false);
    expect(isOk(ping, [tcp, { ...udp, mbitPerSecond: 0 }], wan)).toBe(false);
    expect(isOk(ping, [], wan)).toBe(false);
    expect(isOk(ping, [tcp, udp], { forwarded: 0, inClear: 0 })).toBe(false);
    expect(isOk(ping, [tcp, udp], { forwarded: 1000, inClear: 1 })).toBe(false);
  });
});
