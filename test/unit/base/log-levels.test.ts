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
  levels.useBase('warn');
  expect(speak()).toEqual(['ike info', 'ike warn', 'esp warn']);
  levels.use('ike', undefined);
  expect(speak()).toEqual(['ike warn', 'esp warn']);
});
