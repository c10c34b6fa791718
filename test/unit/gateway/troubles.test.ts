import { beforeEach, expect, test } from 'vitest';
import { createLogger, type Logger } from '../../../src/base/log.ts';
import { Troubles } from '../../../src/gateway/troubles.ts';

let log: Logger;
let troubles: Troubles;
let nowMs: number;

beforeEach(() => {
  log = createLogger('info', { human: false, destination: { write: () => undefined } });
  nowMs = 1000;
  troubles = new Troubles(log, () => nowMs);
});

test('the newest of each peer, and of the gateway itself', () => {
  expect(troubles.of(undefined)).toBeUndefined();
  log.warn({ peer: 'b', ike: '00', policy: 'web' }, 'no ESP proposal in common');
  log.warn({ peer: 'b', ike: '00' }, 'the peer does not answer');
  log.error({ reason: 'x' }, 'reload failed');
  log.info({ peer: 'b' }, 'Child SA established');
  nowMs = 4500;
  expect(troubles.of('b')).toEqual({
    ...{ level: 'warn', message: 'the peer does not answer', policy: undefined, secondsAgo: 3.5 },
  });
  expect(troubles.of('c')).toBeUndefined();
  expect(troubles.of(undefined)).toMatchObject({ level: 'error', message: 'reload failed reason=x' });
});

test('the policy that it is about', () => {
  log.warn({ peer: 'b', policy: 'web' }, 'no traffic selectors in common');
  expect(troubles.of('b')).toMatchObject({ policy: 'web', message: 'no traffic selectors in common' });
});

test('dropped packets are none, refused peers are', () => {
  log.warn({ audit: 'inbound-replay', spi: '0x1' }, 'The sequence number was received before.');
  expect(troubles.of(undefined)).toBeUndefined();
  log.warn({ audit: 'ts-unacceptable', peer: 'b' }, 'no traffic selectors in common');
  expect(troubles.of('b')?.message).toBe('no traffic selectors in common audit=ts-unacceptable');
});

test('a line that only speaks of warnings is none; a long one is cut', () => {
  log.info({ said: '"level":"warn"' }, 'nothing');
  expect(troubles.of(undefined)).toBeUndefined();
  log.error({ text: 'x'.repeat(10_000) }, 'long');
  expect(troubles.of(undefined)?.message.length).toBe(500);
});
