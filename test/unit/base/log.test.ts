import { describe, expect, it } from 'vitest';

import { createLogger, formatForPeople, listenToLog, type LogLevel } from '../../../src/base/log.ts';

function logged(
  level: LogLevel,
  human: boolean,
  use: (log: ReturnType<typeof createLogger>) => void,
): string {
  let text = '';
  use(
    createLogger(level, {
      human,
      destination: {
        write: (line) => {
          text += line;
        },
      },
    }),
  );
  return text;
}

describe('for machines', () => {
  it('writes one JSON object a line, with level, time and msg', () => {
    const text = logged('info', false, (log) => {
      log.warn({ peer: 'site-b' }, 'silent');
      log.child({ room: 'sad' }).info('ready');
    });
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
        peer: 'site-b',
        msg: 'silent',
      },
      { level: 'info', time: expect.any(String) as string, room: 'sad', msg: 'ready' },
    ]);
  });

  it.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as const)('at level %s writes %j', (level, expected) => {
    const text = logged(level, false, (log) => {
      log.debug('debug');
      log.info('info');
      log.warn('warn');
      log.error('error');
    });
    const messages = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(messages).toEqual(expected);
  });

  it('hides what is called a key', () => {
    const text = logged('info', false, (log) =>
      log.info({ key: 'c0ffee', sa: { keyMaterial: 'c0ffee' } }, 'sa'),
    );
    expect(text).not.toContain('c0ffee');
  });
});

describe('for people', () => {
  it('writes time, level, message and fields', () => {
    const text = logged('info', true, (log) => log.info({ peer: 'site-b', spi: 4096 }, 'sa installed'));
    expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}sa installed peer=site-b spi=4096\n$/);
  });

  it('quotes what has spaces, and shows the message of an error', () => {
    const line = {
      level: 'error',
      time: 0,
      msg: 'stopped',
      why: 'no route',
      err: { message: 'EPERM', stack: '…' },
    };
    expect(formatForPeople(JSON.stringify(line)).slice(13)).toBe(
      'error stopped why="no route" err="EPERM"\n',
    );
  });

  it('says the message of an error once', () => {
    expect(logged('info', true, (log) => log.error(new Error('gone')))).toMatch(/ error gone\n$/);
  });

  it('lets no control character through', () => {
    const line = { level: 'info', time: 0, msg: 'a\u001b[31m\nb', name: '\u001b[0m' };
    expect(formatForPeople(JSON.stringify(line)).slice(13)).toBe(
      'info  a\\u001b[31m\\nb name="\\u001b[0m"\n',
    );
  });
});

describe('for whoever listens', () => {
  it.each([true, false])('tells every line as JSON, from then on until it ends (for people: %s)', (human) => {
    const heard: string[] = [];
    const text = logged('info', human, (log) => {
      log.info('before');
      const end = listenToLog(log, (line) => heard.push(line));
      log.child({ room: 'sad' }).warn({ peer: 'site-b' }, 'silent');
      log.debug('below the level');
      end();
      log.info('behind');
    });
    expect(heard.map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: 'warn', time: expect.any(String) as string, room: 'sad', peer: 'site-b', msg: 'silent' },
    ]);
    // What is written is not changed by it.
    expect(text.trim().split('\n')).toHaveLength(3);
  });
});
