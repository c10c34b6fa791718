// What the benchmark reads from the kernel, from programs and from apt's files.

import { describe, expect, it } from 'vitest';
import { mirrorIn } from '../../../scripts/bench/install-peers.ts';
import { parseArrivals } from '../../../scripts/bench/measure/arrivals.ts';
import { cpuSeconds, parseCpuSeconds } from '../../../scripts/bench/measure/cpu-time.ts';
import { parseResidentBytes } from '../../../scripts/bench/measure/memory.ts';
import { parsePingTimes } from '../../../scripts/bench/measure/ping.ts';
import { parseAnswerMs } from '../../../scripts/bench/measure/start.ts';
import { parseProcessorTimes, withheldShare } from '../../../scripts/bench/measure/processor-times.ts';
import { parseReceivedBytes } from '../../../scripts/bench/measure/tcp-stream.ts';

describe('memory', () => {
  it('is what is resident, of a process that lives', () => {
    expect(parseResidentBytes('VmPeak:\t  900 kB\nVmRSS:\t  2048 kB\nRssAnon:\t 9 kB\n')).toBe(2 * 2 ** 20);
    expect(() => parseResidentBytes('State:\tZ (zombie)\n')).toThrow('it has ended');
  });
});

describe('CPU time', () => {
  it('is user and system time, also where the name holds spaces and parentheses', () => {
    const stat = '42 (a) b (c)) S 1 42 42 0 -1 4194304 100 0 0 0 1250 750 9 9 20 0 5 0 1000 0 0';
    expect(parseCpuSeconds(stat)).toBe(20);
  });

  it('grows as this process works', () => {
    const before = cpuSeconds([process.pid]);
    const started = process.cpuUsage();
    let used = process.cpuUsage(started);
    while (used.user + used.system < 50_000) used = process.cpuUsage(started);
    const spent = cpuSeconds([process.pid]) - before;
    expect(spent).toBeGreaterThanOrEqual(0.03);
    expect(cpuSeconds([process.pid, process.pid])).toBeGreaterThan(before * 2);
  });
});

describe('parsePingTimes', () => {
  it('takes the time of each answer and leaves the summary', () => {
    const output = [
      'PING 10.0.2.7 (10.0.2.7) 56(84) bytes of data.',
      '64 bytes from 10.0.2.7: icmp_seq=1 ttl=62 time=0.215 ms',
      '64 bytes from 10.0.2.7: icmp_seq=2 ttl=62 time=12 ms',
      '2 packets transmitted, 2 received, 0% packet loss, time 10ms',
      'rtt min/avg/max/mdev = 0.215/6.107/12.000/5.892 ms',
    ].join('\n');
    expect(parsePingTimes(output)).toEqual([0.215, 12]);
  });
});

describe('parseAnswerMs', () => {
  it('takes the time at which an answer came', () => {
    expect(parseAnswerMs('[1795318860.2885] 64 bytes from 10.0.2.7: icmp_seq=9 ttl=62 time=0.4 ms')).toBe(
      1795318860288.5,
    );
  });

  it.each([
    'PING 10.0.2.7 (10.0.2.7) 56(84) bytes of data.',
    '[1795318860.288192] From 10.0.1.1 icmp_seq=3 Destination Host Unreachable',
  ])('is about an answer alone: %s', (line) => {
    expect(parseAnswerMs(line)).toBeUndefined();
  });
});

describe('parseArrivals', () => {
  it('takes received packets, not sent ones', () => {
    const output =
      '[{"ifname":"eth0","stats64":{"rx":{"bytes":900,"packets":7},"tx":{"bytes":1,"packets":3}}}]';
    expect(parseArrivals(output)).toBe(7);
  });

  it('refuses an answer without a link', () => {
    expect(() => parseArrivals('[]')).toThrow('eth0');
  });
});

describe('mirrorIn', () => {
  it('finds the main archive in the deb822 format, not that of security updates', () => {
    const sources = `Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security

Types: deb
# http://elsewhere.example/debian
URIs: http://mirror.example/debian/
Suites: bookworm
`;
    expect(mirrorIn(sources)).toBe('http://mirror.example/debian');
  });

  it('finds it in the one-line format, with options', () => {
    const sources = `# deb http://old.example/debian bookworm main
deb [signed-by=/usr/share/keyrings/a.gpg] https://mirror.example/debian bookworm main
`;
    expect(mirrorIn(sources)).toBe('https://mirror.example/debian');
  });

  it('finds nothing in the sources of others', () => {
    expect(mirrorIn('deb https://packages.example/apt stable main\n')).toBeUndefined();
  });
});

describe('processor times', () => {
  const before = 'cpu  100 0 50 800 10 0 5 35 0 0\ncpu0 50 0 25 400 5 0 2 17 0 0\n';
  const after = 'cpu  150 0 60 820 10 0 5 55 0 0\n';

  it('has the part that the host of a virtual machine withheld', () => {
    const times = parseProcessorTimes(before);
    expect(times).toEqual({ total: 1000, withheld: 35 });
    expect(withheldShare(times, parseProcessorTimes(after))).toBe(0.2);
    expect(withheldShare(times, times)).toBe(0);
  });

  it('is an error where the kernel counts otherwise', () => {
    expect(() => parseProcessorTimes('cpu  100 0 50 800\n')).toThrow('/proc/stat');
  });
});

describe('parseReceivedBytes', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop
    lo:     111       1    0    0    0     0          0         0      222       1    0    0
  eth0: 12345678    9000    0    0    0     0          0         0     4321      50    0    0
`;

  it('takes the first figure of the interface', () => {
    expect(parseReceivedBytes(text, 'eth0')).toBe(12_345_678);
    expect(() => parseReceivedBytes(text, 'eth1')).toThrow('no line of eth1');
  });
});
