import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { GatewayLog, parseLogLine } from '../../../../scripts/lab/gateway-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'isthmus-gateway-log-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function logOf(text: string): GatewayLog {
  const file = join(directory, 'gateway.log');
  writeFileSync(file, text);
  return new GatewayLog(file);
}

describe('parseLogLine', () => {
  it('reads what the lab needs of a line', () => {
    expect(parseLogLine('{"level":"info","engine":"native","mtu":1434,"msg":"ready"}')).toEqual({
      engine: 'native',
      msg: 'ready',
    });
    expect(parseLogLine('{"msg":"counters","drops":{"replay":3}}')).toEqual({
      msg: 'counters',
      drops: { replay: 3 },
    });
  });

  it.each(['', 'Segmentation fault', '{"msg":', '{"level":"info"}', '{"msg":"ready","engine":"steam"}'])(
    'passes over %j',
    (line) => {
      expect(parseLogLine(line)).toBeUndefined();
    },
  );
});

describe('GatewayLog', () => {
  it('does not read a line before it is complete', () => {
    expect(logOf('').find('ready')).toBeUndefined();
    expect(logOf('{"msg":"starting"}\n{"msg":"ready"}').find('ready')).toBeUndefined();
    expect(logOf('{"msg":"starting"}\n{"msg":"ready"}\n').find('ready')).toEqual({ msg: 'ready' });
  });

  it('takes the last line of a message, and shows the last lines as they are', () => {
    const log = logOf('{"msg":"counters","drops":{}}\nnoise\n{"msg":"counters","drops":{"replay":1}}\n');
    expect(log.find('counters')?.drops).toEqual({ replay: 1 });
    expect(log.tail(2, 'gwA')).toBe('gwA: noise\ngwA: {"msg":"counters","drops":{"replay":1}}');
  });
});
