// `logs` and `watch` against the server of the project.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger, listenToLog, type Logger } from '../../../../../src/base/log.ts';
import { followLog, type LogOptions } from '../../../../../src/management/cli/control/logs.ts';
import { watchStatus } from '../../../../../src/management/cli/control/watch.ts';
import type { ConnectionView, ViciGateway } from '../../../../../src/management/vici/vici-gateway.ts';
import { ViciServer } from '../../../../../src/management/vici/vici-server.ts';
import { emptyGateway } from '../../../../support/vici-status.ts';

let directory: string;
let socket: string;
let log: Logger;
let server: ViciServer;
let lines: string[];
let heard: () => void;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-follow-'));
  socket = join(directory, 'isthmus.vici');
  log = createLogger('debug', { human: false, destination: { write: () => undefined } });
  lines = [];
});

afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const output = {
  out: (line: string): void => {
    lines.push(line);
    heard();
  },
  err: (): void => undefined,
};

async function serve(parts: Partial<ViciGateway>): Promise<void> {
  server = await ViciServer.open({ path: socket, group: undefined }, emptyGateway(parts), log);
}

/** Logs `last` until it is heard, and ends. @returns what was heard before */
async function follow(options: Partial<LogOptions>, say: () => void): Promise<readonly string[]> {
  await serve({ onLog: (listener) => listenToLog(log, listener) });
  const listening = new Promise<void>((resolve) => (heard = resolve));
  const following = followLog({ socket, level: 'debug', ...options }, output);
  following.catch(() => undefined);
  // Nothing tells when it has begun to listen.
  const knocking = setInterval(() => {
    log.error({ peer: 'b', policy: 'web' }, 'knock');
  }, 1);
  await listening;
  clearInterval(knocking);
  say();
  const last = new Promise<void>((resolve) => {
    heard = () => {
      if (lines.at(-1)?.includes('the last') === true) resolve();
    };
  });
  log.error({ peer: 'b', policy: 'web' }, 'the last');
  await last;
  await server.close();
  await expect(following).rejects.toThrow('closed the connection');
  return lines.filter((line) => !/knock|the last/.test(line));
}

test('lines of the log as they are, or for people', async () => {
  const said = await follow({}, () => {
    log.debug({ peer: 'b\u001b' }, 'a detail');
    log.info({ long: 'x'.repeat(70_000) }, 'long');
  });
  expect(said).toHaveLength(2);
  expect(said[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} debug a detail peer="b\\u001b"\n$/);
  expect(said[1]).toMatch(/info {2}a line of 70\d\d\d characters, which the log itself has\n$/);
});

test('only of a level, a peer or a policy; as JSON', async () => {
  const said = await follow({ level: 'info', peer: 'b', policy: 'web', json: true }, () => {
    log.debug({ peer: 'b', policy: 'web' }, 'a detail');
    log.info({ peer: 'c', policy: 'web' }, 'of another peer');
    log.info({ peer: 'b', policy: 'mail' }, 'of another policy');
    log.warn({ peer: 'b', policy: 'web' }, 'this');
  });
  expect(said.map((line) => JSON.parse(line) as object)).toMatchObject([{ level: 'warn', msg: 'this' }]);
});

const connection = (name: string): ConnectionView => ({
  ...{ name, localAddresses: [], remoteAddresses: ['192.0.2.2'], remotePort: undefined, ike: undefined },
  children: [
    {
      ...{
        name: 'web',
        action: 'PROTECT',
        peer: name,
        priority: 1,
        line: 1,
        names: [],
        local: [],
        remote: [],
      },
      ...{ proposals: undefined, lifetime: undefined, start: undefined, onClose: undefined },
      notInitiated: undefined,
    },
  ],
});

test('watch shows what goes through meanwhile, and what a screen holds', async () => {
  let bytes = 0;
  const trafficOf = () => {
    bytes += 1_000_000;
    return { packetsIn: 0, bytesIn: 0, packetsOut: 1, bytesOut: bytes };
  };
  await serve({ connections: [connection('site-b')], trafficOf });
  heard = () => undefined;
  await watchStatus({ socket, interval: 0.01, count: 2 }, output);
  expect(lines[0]).not.toContain('now');
  expect(lines[1]).toMatch(/\n {7}now \d+(\.\d+)? Mbit\/s out, 0 bit\/s in\n/);
  lines = [];
  await watchStatus({ socket, interval: 0.01, count: 1 }, { ...output, terminalRows: () => 4 });
  expect(lines[0]?.split('\n').length).toBe(4);
  expect(lines[0]?.startsWith('\u001b[H\u001b[Jsite-a: ')).toBe(true);
  expect(lines[0]).toMatch(/\n…\n$/);
  lines = [];
  await watchStatus({ socket, interval: 0.01, count: 2, json: true }, output);
  expect(lines.map((line) => Object.keys((JSON.parse(line) as { rates: object }).rates))).toEqual([
    [],
    ['web'],
  ]);
});
