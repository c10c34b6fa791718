// The vici server on a socket: what clients may do, and what they cannot do to it or to each other.

import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync, spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EnvironmentError } from '../../../../src/base/errors.ts';
import { createLogger, type Logger } from '../../../../src/base/log.ts';
import { listConns } from '../../../../src/management/vici/commands/list-conns.ts';
import { MOST_PACKET_BYTES, section } from '../../../../src/management/vici/message.ts';
import { encodePacket, PacketType } from '../../../../src/management/vici/packet.ts';
import { ViciClient } from '../../../../src/management/vici/vici-client.ts';
import type {
  ChildConfigView,
  ConnectionView,
  IkeSaView,
  LogListener,
  SaEvent,
  ViciGateway,
} from '../../../../src/management/vici/vici-gateway.ts';
import { ViciServer } from '../../../../src/management/vici/vici-server.ts';
import { ViciCaller } from '../../../support/vici-caller.ts';
import { emptyGateway } from '../../../support/vici-status.ts';

let directory: string;
let path: string;
let logged: string[];
let log: Logger;
const servers: ViciServer[] = [];
const callers: ViciCaller[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-vici-'));
  path = join(directory, 'run', 'isthmus.vici');
  logged = [];
  log = createLogger('info', { human: false, destination: { write: (line) => logged.push(line) } });
});

afterEach(async () => {
  for (const { socket } of callers.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await server.close();
  rmSync(directory, { recursive: true });
});

async function serve(parts: Partial<ViciGateway> = {}, group?: string): Promise<ViciServer> {
  const server = await ViciServer.open({ path, group }, emptyGateway(parts), log);
  servers.push(server);
  return server;
}

async function call(): Promise<ViciCaller> {
  const caller = await ViciCaller.connect(path);
  callers.push(caller);
  return caller;
}

const policy: ChildConfigView = {
  ...{
    name: 'tunnel',
    action: 'PROTECT',
    peer: 'site-b',
    priority: 1,
    line: 1,
    names: [],
    local: [],
    remote: [],
  },
  ...{ proposals: [], lifetime: undefined, start: undefined, onClose: undefined, notInitiated: undefined },
};
const connection: ConnectionView = {
  ...{ name: 'site-b', localAddresses: [], remoteAddresses: [], remotePort: 4500, ike: undefined },
  children: [policy],
};

/** A line of the log with so many bytes. */
const longLine = (bytes: number): string =>
  JSON.stringify({ level: 'info', msg: 'x'.repeat(bytes), time: '2026-01-01T00:00:00Z' });

describe('the socket', () => {
  test('is for its owner alone, and goes with the server', async () => {
    const server = await serve();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    servers.length = 0;
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  test('is for a group as well where the configuration says so', async () => {
    const [name = '', , id = ''] = execFileSync('getent', ['group'], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.split(':'))
      .find(([, , one]) => one !== '0') ?? ['', '', ''];
    await serve({}, name);
    expect(statSync(path)).toMatchObject({ gid: Number(id) });
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });

  test('is not opened for a group that there is not', async () => {
    await expect(serve({}, 'no-such-group')).rejects.toThrow('no-such-group');
    expect(existsSync(path)).toBe(false);
  });

  test('of a gateway that died is replaced', async () => {
    path = join(directory, 'socket');
    // Who is killed leaves its socket behind.
    const program = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', program, path]);
    expect(statSync(path).isSocket()).toBe(true);
    await serve();
    expect((await (await call()).call('version')).type).toBe(PacketType.CMD_RESPONSE);
  });

  test('of somebody who listens is left alone', async () => {
    await serve();
    const first = await call();
    await expect(ViciServer.open({ path, group: undefined }, emptyGateway(), log)).rejects.toThrow(
      /is in use/,
    );
    expect((await first.call('version')).type).toBe(PacketType.CMD_RESPONSE);
  });

  test('does not take the place of what is no socket', async () => {
    path = join(directory, 'file');
    writeFileSync(path, 'precious');
    await expect(serve()).rejects.toThrow(EnvironmentError);
    expect(statSync(path).size).toBe(8);
  });

  test('whose directory cannot be made: a line says so', async () => {
    writeFileSync(join(directory, 'run'), '');
    await expect(serve()).rejects.toThrow(/the directory of .* cannot be made/);
  });
});

describe('a client', () => {
  test('asks, and is answered', async () => {
    await serve();
    const caller = await call();
    expect(await caller.call('version')).toMatchObject({
      type: PacketType.CMD_RESPONSE,
      message: { daemon: 'isthmus', version: '1.2.3', sysname: 'Linux' },
    });
  });

  test('may send its requests at once, and in pieces', async () => {
    await serve();
    const caller = await call();
    const bytes = Buffer.concat(
      [1, 2, 3].map(() => encodePacket(PacketType.CMD_REQUEST, undefined, 'version')),
    );
    caller.send(bytes.subarray(0, 3));
    caller.send(bytes.subarray(3, 20));
    caller.send(bytes.subarray(20));
    for (let count = 0; count < 3; count++) expect((await caller.next()).type).toBe(PacketType.CMD_RESPONSE);
  });

  test('hears that a command or an event is not known', async () => {
    await serve();
    const caller = await call();
    expect(await caller.call('load-pool', section({ a: section({}) }))).toMatchObject({
      type: PacketType.CMD_UNKNOWN,
    });
    expect((await caller.register('alert')).type).toBe(PacketType.EVENT_UNKNOWN);
    expect((await caller.register('log')).type).toBe(PacketType.EVENT_CONFIRM);
    const unregister = encodePacket(PacketType.EVENT_UNREGISTER, undefined, 'log');
    caller.send(unregister);
    expect((await caller.next()).type).toBe(PacketType.EVENT_CONFIRM);
    caller.send(unregister);
    expect((await caller.next()).type).toBe(PacketType.EVENT_UNKNOWN);
  });

  test('that sends a value of the wrong kind is told, and may go on', async () => {
    await serve();
    const caller = await call();
    expect((await caller.call('list-sas', section({ ike: section({}) }))).message).toEqual({
      success: 'no',
      errmsg: 'found a section or list for ike, expected a value',
    });
    expect((await caller.call('terminate', section({ 'ike-id': 'seven' }))).message).toEqual({
      success: 'no',
      errmsg: 'found "seven" for ike-id, expected a number',
    });
    expect((await caller.call('terminate')).message).toMatchObject({ success: 'no' });
    expect((await caller.call('version')).type).toBe(PacketType.CMD_RESPONSE);
  });

  test('hears of a defect, and so does the log; the server goes on', async () => {
    await serve({
      resetCounters: () => {
        throw new TypeError('a defect');
      },
    });
    const caller = await call();
    expect((await caller.call('reset-counters')).message).toMatchObject({ success: 'no' });
    expect(logged.join('')).toContain('a vici command has failed');
    expect((await caller.call('version')).type).toBe(PacketType.CMD_RESPONSE);
  });

  test.each([
    ['a length beyond the bound', [0, 8, 0, 1]],
    ['a length of nothing', [0, 0, 0, 0]],
    ['a packet type that there is not', [0, 0, 0, 2, 9, 0]],
    ['a message that is not one', [0, 0, 0, 4, 0, 1, 97, 2]],
  ])('that sends %s is closed with one line, and no other client notices', async (_what, bytes) => {
    await serve();
    const good = await call();
    const bad = await call();
    bad.send(Uint8Array.from(bytes));
    await bad.closed;
    expect(logged.filter((line) => line.includes('a vici client was closed'))).toHaveLength(1);
    expect((await good.call('version')).type).toBe(PacketType.CMD_RESPONSE);
  });

  test('that waits does not keep another waiting', async () => {
    let finish: (isMade: boolean) => void = () => undefined;
    const made = new Promise<boolean>((resolve) => (finish = resolve));
    await serve({ connections: [connection], initiate: () => made });
    const [waiting, other] = [await call(), await call()];
    waiting.request('initiate', section({ child: 'tunnel' }));
    expect((await other.call('version')).type).toBe(PacketType.CMD_RESPONSE);
    finish(false);
    expect((await waiting.next()).message).toEqual({ success: 'no', errmsg: "establishing 'tunnel' failed" });
  });

  test('has its command wait no longer than it says', async () => {
    await serve({ connections: [connection], initiate: () => new Promise(() => undefined) });
    const caller = await call();
    expect((await caller.call('initiate', section({ child: 'tunnel', timeout: 20 }))).message).toEqual({
      success: 'no',
      errmsg: "'tunnel' not established after 20 ms",
    });
    expect((await caller.call('initiate', section({ child: 'tunnel', timeout: -1 }))).message).toEqual({
      success: 'yes',
    });
  });

  test('is told what cannot be initiated, and why', async () => {
    const manual = { ...policy, name: 'by-hand', notInitiated: 'its SAs are keyed by hand' };
    await serve({ connections: [{ ...connection, children: [manual] }] });
    const caller = await call();
    expect((await caller.call('initiate', section({ child: 'by-hand' }))).message).toMatchObject({
      errmsg: "'by-hand' cannot be initiated: its SAs are keyed by hand",
    });
    expect((await caller.call('initiate', section({ child: 'other' }))).message).toMatchObject({
      success: 'no',
    });
    expect((await caller.call('initiate', section({ ike: 'other' }))).message).toMatchObject({
      errmsg: "there is no peer 'other'",
    });
  });
});

describe('bounds', () => {
  test('no more than 32 clients are taken; the longest idle gives way, the first that have asked something stay', async () => {
    await serve();
    const kept: ViciCaller[] = [];
    for (let count = 0; count < 16; count++) kept.push(await call());
    for (const one of kept) await one.call('version');
    const silent: ViciCaller[] = [];
    for (let count = 0; count < 15; count++) silent.push(await call());
    // It has a turn later than those before it, and is not idle for as long.
    const last = await call();
    await last.call('version');
    for (const one of silent) {
      const next = await call();
      await next.call('version');
      await one.closed;
    }
    expect((await last.call('version')).type).toBe(PacketType.CMD_RESPONSE);
    for (const one of kept) expect((await one.call('version')).type).toBe(PacketType.CMD_RESPONSE);
    expect(logged.filter((line) => line.includes('the longest idle gives way'))).toHaveLength(1);
    expect(logged).toHaveLength(1);
  });

  test('whoever storms, somebody else gets in and has an answer', async () => {
    await serve();
    const listening = await call();
    await listening.register('log');
    for (let count = 0; count < 200; count++) {
      const one = await call();
      if (count % 3 === 0) one.request('version');
      if (count % 3 === 1) one.send(encodePacket(PacketType.EVENT_REGISTER, new Map(), 'log'));
    }
    expect((await (await call()).call('version')).type).toBe(PacketType.CMD_RESPONSE);
    expect(listening.socket.destroyed).toBe(false);
  });

  test('where 32 clients wait for answers no more are taken; who leaves makes room', async () => {
    let begin: () => void = () => undefined;
    const initiate = (): Promise<never> => {
      begin();
      return new Promise(() => undefined);
    };
    await serve({ connections: [connection], initiate });
    const waiting: ViciCaller[] = [];
    for (let count = 0; count < 32; count++) {
      const one = await call();
      waiting.push(one);
      const begun = new Promise<void>((resolve) => (begin = resolve));
      one.request('initiate', section({ child: 'tunnel' }));
      await begun;
    }
    const late = await call();
    await late.closed;
    const later = await call();
    await later.closed;
    expect(logged.filter((line) => line.includes('all wait for an answer'))).toHaveLength(1);
    const [first] = waiting;
    if (first === undefined) throw new Error('nobody waits');
    first.socket.destroy();
    // The server hears of it a little later than this side.
    for (;;) {
      const next = await call();
      next.request('version');
      const isTaken = await next.next().then(
        () => true,
        () => false,
      );
      if (isTaken) break;
    }
  });

  test('who sends more behind a command that waits is closed', async () => {
    await serve({ connections: [connection], initiate: () => new Promise(() => undefined) });
    const caller = await call();
    caller.request('initiate', section({ child: 'tunnel' }));
    const values = Array.from({ length: 4 }, (_, index) => [String(index), 'v'.repeat(65_000)] as const);
    for (let count = 0; count < 4; count++) caller.request('version', new Map(values));
    await caller.closed;
    expect(logged.join('')).toContain('it sends more than it waits for');
    expect(4 * 4 * 65_000).toBeGreaterThan(MOST_PACKET_BYTES);
  });

  test('who does not read its events is closed; another still gets them', async () => {
    let tell: LogListener = () => undefined;
    await serve({
      onLog: (listener) => {
        tell = listener;
        return () => undefined;
      },
    });
    const [deaf, good] = [await call(), await call()];
    await deaf.register('log');
    await good.register('log');
    deaf.socket.pause();
    for (let count = 0; count < 1000; count++) {
      tell(longLine(4000));
      expect((await good.next()).name).toBe('log');
    }
    expect(logged.filter((line) => line.includes('it does not read its events'))).toHaveLength(1);
    deaf.socket.resume();
    await deaf.closed;
  });

  test('who does not read what it asked for is waited for, and then closed', async () => {
    const children = Array.from({ length: 200 }, (_, index) => ({ ...policy, name: `tunnel-${index}` }));
    const connections = Array.from({ length: 100 }, () => ({ ...connection, children }));
    let readLimitMs = 200;
    const server: Server = createServer((socket) => {
      const parts = {
        gateway: emptyGateway({ connections }),
        log,
        commands: new Map([['list-conns', listConns]]),
        events: new Set(['list-conn']),
        readLimitMs,
      };
      new ViciClient(socket, parts);
    });
    path = join(directory, 'socket');
    await once(server.listen(path), 'listening');
    const caller = await call();
    await caller.register('list-conn');
    caller.socket.pause();
    caller.request('list-conns');
    while (logged.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(logged.join('')).toContain('it does not read what it asked for');
    caller.socket.resume();
    await caller.closed;
    // And one that reads has all of it.
    readLimitMs = 30_000;
    const good = await call();
    await good.register('list-conn');
    good.request('list-conns');
    for (let count = 0; count < 100; count++) expect((await good.next()).name).toBe('list-conn');
    expect((await good.next()).type).toBe(PacketType.CMD_RESPONSE);
    good.socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('events', () => {
  test('come to who has registered for them, by name', async () => {
    let tell: LogListener = () => undefined;
    let tellSa: (event: SaEvent) => void = () => undefined;
    await serve({
      onLog: (listener) => {
        tell = listener;
        return () => undefined;
      },
      onSaEvent: (listener) => {
        tellSa = listener;
        return () => undefined;
      },
    });
    const [logs, sas] = [await call(), await call()];
    await logs.register('log');
    await sas.register('ike-updown');
    await sas.register('ike-update');
    tell(JSON.stringify({ level: 'debug', time: 'now', msg: 'not told' }));
    tell(
      JSON.stringify({ level: 'warn', time: 'now', ike: '00', peer: 'site-b', msg: 'the peer is silent' }),
    );
    const end = { host: '192.0.2.1', port: 4500, identity: 'gw' };
    const ikeSa: IkeSaView = {
      ...{ uniqueId: 7, name: 'site-b', state: 'ESTABLISHED', local: end, remote: end, isInitiator: true },
      ...{ initiatorSpi: '0a'.repeat(8), responderSpi: '0b'.repeat(8), algorithms: undefined },
      ...{ establishedSeconds: 1, rekeySeconds: undefined, lifeSeconds: undefined },
      ...{ queuedTasks: [], activeTask: undefined, children: [] },
    };
    tellSa({ type: 'ike-rekey', old: ikeSa, ikeSa });
    const moved = {
      type: 'ike-update' as const,
      ikeSa,
      local: end,
      remote: { host: '192.0.2.9', port: 4501 },
    };
    tellSa(moved);
    tellSa({ type: 'ike-updown', isUp: true, ikeSa });
    tellSa({ type: 'ike-updown', isUp: false, ikeSa });
    expect(await logs.next()).toEqual({
      type: PacketType.EVENT,
      name: 'log',
      message: {
        group: 'IKE',
        level: '0',
        thread: '1',
        'ikesa-name': 'site-b',
        msg: 'the peer is silent ike=00 peer=site-b',
      },
    });
    expect(await sas.next()).toMatchObject({
      name: 'ike-update',
      message: {
        ...{ 'local-host': '192.0.2.1', 'local-port': '4500' },
        ...{ 'remote-host': '192.0.2.9', 'remote-port': '4501' },
        'site-b': { uniqueid: '7', 'remote-host': '192.0.2.1' },
      },
    });
    expect(await sas.next()).toMatchObject({
      name: 'ike-updown',
      message: {
        up: 'yes',
        'site-b': { uniqueid: '7', state: 'ESTABLISHED', initiator: 'yes', 'child-sas': {} },
      },
    });
    const down = await sas.next();
    expect(down).toMatchObject({ name: 'ike-updown', message: { 'site-b': { uniqueid: '7' } } });
    expect(down.message).not.toHaveProperty('up');
  });

  test('of the log come while a command runs, to who runs it, at its level', async () => {
    const listeners = new Set<LogListener>();
    const tell = (level: string, msg: string): void => {
      for (const listener of listeners) listener(JSON.stringify({ level, time: 'now', msg }));
    };
    await serve({
      connections: [connection],
      onLog: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      initiate: () => {
        tell('debug', 'a detail');
        tell('info', 'a step');
        return Promise.resolve(true);
      },
    });
    const caller = await call();
    await caller.register('control-log');
    caller.request('initiate', section({ child: 'tunnel', loglevel: 1 }));
    expect(await caller.next()).toMatchObject({
      name: 'control-log',
      message: { level: '1', msg: 'a step' },
    });
    expect((await caller.next()).message).toEqual({ success: 'yes' });
    tell('info', 'too late');
    caller.request('initiate', section({ child: 'tunnel', loglevel: 2 }));
    expect(await caller.next()).toMatchObject({ message: { level: '2', msg: 'a detail' } });
    expect(await caller.next()).toMatchObject({ message: { msg: 'a step' } });
    expect((await caller.next()).message).toEqual({ success: 'yes' });
    expect(listeners.size).toBe(1);
  });
});
