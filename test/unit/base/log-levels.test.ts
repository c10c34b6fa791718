// Levels of the log by subsystem, while it is used.

import { expect, test } from 'vitest';
import { LogLevels } from '../../../src/base/log-levels.ts';
import { createLogger, listenToLog, type LogLevel } from '../../../src/base/log.ts';

function open(level: LogLevel): { levels: LogLevels; lines: string[]; speak: () => readonly string[] } {
  const lines: string[] = [];
  const log = createLogger(level, { human: false, destination: { write: () => undefined } });
  listenToLog(log, (line) => lines.push((JSON.parse(line) as { msg: string }).msg));
  const levels = new LogLevels(log);
  const speak = (): readonly string[] => {
    lines.length = 0;
    for (const name of ['ike', 'esp'] as const)
      for (const each of ['debug', 'info', 'warn'] as const) levels.of(name)[each](`${name} ${each}`);
    return [...lines];
  };
  return { levels, lines, speak };
}

test('a subsystem has the level of the log, until it is given one', () => {
  const { levels, speak } = open('info');
  expect(speak()).toEqual(['ike info', 'ike warn', 'esp info', 'esp warn']);
  levels.use('ike', 'debug');
  levels.use('esp', 'error');
  expect(speak()).toEqual(['ike debug', 'ike info', 'ike warn']);
  expect(levels.all.slice(0, 3)).toEqual([
    { subsystem: 'ike', level: 'debug', isOwn: true },
    { subsystem: 'esp', level: 'error', isOwn: true },
    { subsystem: 'host', level: 'info', isOwn: false },
  ]);
});

test('another level of the log leaves the one that was given', () => {
  const { levels, speak } = open('error');
  levels.use('ike', 'info');
  levels.useConfigured('warn', {});
  expect(speak()).toEqual(['ike info', 'ike warn', 'esp warn']);
  levels.use('ike', undefined);
  expect(speak()).toEqual(['ike warn', 'esp warn']);
});

test('what the configuration says of a subsystem holds until it says something else, or somebody gives it another', () => {
  const log = createLogger('warn', { human: false, destination: { write: () => undefined } });
  const levels = new LogLevels(log, { ike: 'debug' });
  const now = (): readonly unknown[] => [levels.of('ike').level, levels.of('esp').level];
  expect(now()).toEqual(['debug', 'warn']);
  levels.use('ike', 'error');
  levels.useConfigured('info', { ike: 'info', esp: 'debug' });
  expect(now()).toEqual(['error', 'debug']);
  levels.use('ike', undefined);
  expect(now()).toEqual(['info', 'debug']);
  expect(levels.all.slice(0, 2)).toEqual([
    { subsystem: 'ike', level: 'info', isOwn: false },
    { subsystem: 'esp', level: 'debug', isOwn: false },
  ]);
  levels.useConfigured('info', {});
  expect(now()).toEqual(['info', 'info']);
});
