import { describe, expect, it } from 'vitest';
import { type BenchOptions, parseBenchRequest } from '../../../scripts/bench/options.ts';
import type { SpdOptions } from '../../../scripts/bench/spd/options.ts';

function trafficOptions(argv: readonly string[]): BenchOptions {
  const request = parseBenchRequest(argv);
  if (request.command !== 'traffic') throw new Error('another command');
  return request.options;
}

function spdOptions(argv: readonly string[]): SpdOptions {
  const request = parseBenchRequest(['spd', ...argv]);
  if (request.command !== 'spd') throw new Error('another command');
  return request.options;
}

describe('npm run bench', () => {
  it('measures everything three times, five seconds each, by default', () => {
    expect(trafficOptions([])).toEqual({
      peers: [],
      tests: [
        'tcp1',
        'tcp4',
        'tcpboth',
        'udp64',
        'udp1372',
        'udp64loss',
        'udp1372loss',
        'ping',
        'start',
        'cpu',
        'memory',
      ],
      runs: 3,
      seconds: 5,
      offloads: ['on', 'off'],
      json: false,
      svg: 'bench.svg',
      installPeers: false,
      profile: false,
      node: process.execPath,
      workers: [1],
    });
  });

  it('takes lists and numbers', () => {
    const options = trafficOptions(
      '--peers plain,isthmus --tests ping,tcp1 --runs 1 --seconds 2 --offloads off'.split(' '),
    );
    expect(options).toMatchObject({
      peers: ['plain', 'isthmus'],
      tests: ['tcp1', 'ping'],
      runs: 1,
      seconds: 2,
      offloads: ['off'],
    });
  });

  it('writes no chart with --json unless a file is named', () => {
    expect(trafficOptions(['--json']).svg).toBeUndefined();
    expect(trafficOptions(['--json', '--svg', 'a.svg']).svg).toBe('a.svg');
  });
});

describe('npm run bench -- spd', () => {
  it('measures fifteen times and draws a chart, by default', () => {
    expect(spdOptions([])).toEqual({ runs: 15, json: false, svg: 'spd.svg' });
  });

  it('has options of its own, though some are named as those of the whole', () => {
    expect(spdOptions(['--runs', '2', '--json'])).toEqual({ runs: 2, json: true, svg: undefined });
    expect(spdOptions(['--json', '--svg', 'a.svg'])).toEqual({ runs: 15, json: true, svg: 'a.svg' });
  });
});

it('npm run bench -- ciphers has its own options', () => {
  expect(parseBenchRequest(['ciphers', '--runs', '3', '--json'])).toEqual({
    command: 'ciphers',
    options: { runs: 3, json: true },
  });
});
