import { describe, expect, it } from 'vitest';
import { parseBenchOptions } from '../../../scripts/bench/options.ts';

describe('parseBenchOptions', () => {
  it('measures everything three times, five seconds each, by default', () => {
    expect(parseBenchOptions([])).toEqual({
      peers: [],
      tests: ['tcp1', 'tcp4', 'udp64', 'udp1372', 'udp64loss', 'udp1372loss', 'ping', 'cpu'],
      runs: 3,
      seconds: 5,
      offloads: ['on', 'off'],
      json: false,
      svg: 'bench.svg',
      installPeers: false,
      node: process.execPath,
    });
  });

  it('takes lists and numbers', () => {
    const options = parseBenchOptions(
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
    expect(parseBenchOptions(['--json']).svg).toBeUndefined();
    expect(parseBenchOptions(['--json', '--svg', 'a.svg']).svg).toBe('a.svg');
  });
});
