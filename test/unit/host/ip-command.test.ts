import type * as ChildProcess from 'node:child_process';

import { expect, test, vi } from 'vitest';

import { EnvironmentError } from '../../../src/base/errors.ts';
import { ipError, parseIpJson, runIp } from '../../../src/host/ip-command.ts';
import { isRule } from '../../../src/host/routing-state.ts';

vi.mock('node:child_process', async (importOriginal) => {
  const original = await importOriginal<typeof ChildProcess>();
  const spawn = (_: string, args: string[], options: object): unknown =>
    original.spawn('/nonexistent/ip', args, options);
  return { ...original, spawn };
});

test('a missing ip is one line with the package', async () => {
  const run = runIp(['-json', 'rule', 'show'], 'text that nobody reads');
  await expect(run).rejects.toBeInstanceOf(EnvironmentError);
  await expect(run).rejects.toThrow("the command 'ip' is missing: apt-get install iproute2");
});

test('a complaint becomes one line behind the command', () => {
  const error = ipError('ip -4 route replace', 'Error: Nexthop has invalid gateway.\nCommand failed -:3\n');
  expect(error.message).toBe('ip -4 route replace: Error: Nexthop has invalid gateway.');
  expect(ipError('ip rule add', '').message).toBe('ip rule add: failed');
});

test('missing permission names the capability', () => {
  const error = ipError('ip rule add', 'RTNETLINK answers: Operation not permitted\nCommand failed -:1\n');
  expect(error.message).toBe(
    'ip rule add: RTNETLINK answers: Operation not permitted ' +
      '(needs CAP_NET_ADMIN: run as root or give it with AmbientCapabilities=CAP_NET_ADMIN)',
  );
});

test('no output is an empty list', () => {
  expect(parseIpJson('\n')).toEqual([]);
  expect(parseIpJson('[{"a":1}]')).toEqual([{ a: 1 }]);
});

test('a rule of others is not taken for ours', () => {
  const inputDevice = undefined;
  const ours = { family: 4, priority: 220, inputDevice, mark: 0x4953, inverted: true, table: '220' } as const;
  const shown = { priority: 220, not: null, src: 'all', fwmark: '0x4953', table: '220' };
  expect(isRule(shown, ours)).toBe(true);
  expect(isRule({ ...shown, protocol: 'kernel' }, ours)).toBe(true);
  const others = [
    { priority: 220, src: 'all', table: '220' },
    { priority: 220, src: 'all', fwmark: '0x4953', table: '220' },
    { ...shown, fwmark: '0x1' },
    { ...shown, fwmask: '0xff' },
    { ...shown, iif: 'eth0' },
    { ...shown, priority: 221 },
    { ...shown, table: 'main' },
    { ...shown, src: '10.0.0.0', srclen: 8 },
  ];
  expect(others.filter((rule) => isRule(rule, ours))).toEqual([]);
});
