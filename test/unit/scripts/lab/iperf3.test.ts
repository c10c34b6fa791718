// The reports are shortened ones of iperf 3.12.

import { describe, expect, it } from 'vitest';
import { iperf3Runs, parseIperf3 } from '../../../../scripts/lab/iperf3.ts';

describe('parseIperf3', () => {
  it('takes of TCP what was received, not what was sent', () => {
    const report = {
      end: {
        sum_sent: { bits_per_second: 16_932_099_256.05, retransmits: 3, sender: true },
        sum_received: { bits_per_second: 16_878_204_517.23, sender: true },
      },
    };
    expect(parseIperf3(JSON.stringify(report))).toEqual({ mbitPerSecond: 16878.2 });
  });

  it('takes of UDP what arrived of the offered rate', () => {
    const report = {
      end: {
        sum: { bits_per_second: 493_924_383.18, lost_packets: 7779, packets: 52016, lost_percent: 14.955 },
        sum_sent: { bits_per_second: 493_924_383.18, lost_packets: 0, packets: 52016 },
      },
    };
    expect(parseIperf3(JSON.stringify(report))).toEqual({ mbitPerSecond: 420.1, lossPercent: 14.96 });
  });

  it('counts UDP of which nothing arrived as lost', () => {
    const report = { end: { sum: { bits_per_second: 5e8, lost_packets: 0, packets: 0 } } };
    expect(parseIperf3(JSON.stringify(report))).toEqual({ mbitPerSecond: 0, lossPercent: 100 });
  });

  it('gives the error and no traffic where iperf3 failed', () => {
    const report = { intervals: [], end: {}, error: 'unable to connect to server: Network is unreachable' };
    expect(parseIperf3(JSON.stringify(report))).toEqual({
      mbitPerSecond: 0,
      failure: 'unable to connect to server: Network is unreachable',
    });
    const unreadable = { mbitPerSecond: 0, failure: 'the report of iperf3 is not readable' };
    expect(parseIperf3('{"start":{')).toEqual(unreadable);
    expect(parseIperf3('{"end":{"sum":{"bits_per_second":"much"}}}')).toEqual(unreadable);
    expect(parseIperf3('{"end":{}}')).toEqual({ mbitPerSecond: 0, failure: 'iperf3 reported no result' });
  });
});

it('runs each protocol in each direction, TCP before UDP', () => {
  expect(iperf3Runs.map(({ protocol, direction }) => `${protocol} ${direction}`)).toEqual([
    'tcp a-to-b',
    'tcp b-to-a',
    'udp a-to-b',
    'udp b-to-a',
  ]);
});
