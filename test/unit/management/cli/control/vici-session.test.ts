// The client of the vici socket, against the server of the project and against servers that misbehave.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../../../../src/base/log.ts';
import { NoGatewayError, RefusedError } from '../../../../../src/management/cli/control/control-errors.ts';
import { readStatus } from '../../../../../src/management/cli/control/status.ts';
import { ViciSession } from '../../../../../src/management/cli/control/vici-session.ts';
import { section } from '../../../../../src/management/vici/message.ts';
import { encodePacket, PacketType } from '../../../../../src/management/vici/packet.ts';
import { ViciServer } from '../../../../../src/management/vici/vici-server.ts';
import { emptyGateway } from '../../../../support/vici-status.ts';

let directory: string;
let path: string;
const ends: (() => unknown)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isthmus-session-'));
  path = join(directory, 'isthmus.vici');
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(directory, { recursive: true });
});

async function session(): Promise<ViciSession> {
  const opened = await ViciSession.open(path);
  ends.push(() => {
    opened.close();
  });
  return opened;
}

/** A server that answers each packet as it is told. */
async function serve(answer: (client: Socket, packet: Buffer) => void): Promise<void> {
  const server: Server = createServer((client) => {
    client.on('data', (packet: Buffer) => {
      answer(client, packet);
    });
    client.on('error', () => undefined);
    ends.push(() => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  ends.push(() => server.close());
}

describe('with the server of the project', () => {
  const log = createLogger('error', { human: false, destination: { write: () => undefined } });

  test('commands, events, and what is refused', async () => {
    const server = await ViciServer.open({ path, group: undefined }, emptyGateway(), log);
    ends.push(() => server.close());
    const one = await session();
    const { gateway, peers } = await readStatus(one);
    expect(gateway).toMatchObject({ name: 'site-a', tun: 'isthmus0', drops: [] });
    expect(peers).toEqual([]);
    // The event is no longer registered for, and can be again.
    expect((await readStatus(one)).gateway.name).toBe('site-a');
    await expect(one.call('no-such-command')).rejects.toThrow(/does not know no-such-command/);
    await expect(one.listen('no-such-event', () => undefined)).rejects.toThrow(/does not know no-such-event/);
    await expect(one.call('terminate', section({ ike: 'nobody' }))).rejects.toThrow(
      new RefusedError('no matching SAs to terminate found'),
    );
    const gone = one.untilGone();
    await Promise.all([
      expect(gone).rejects.toThrow('the gateway has closed the connection'),
      server.close(),
    ]);
    await expect(one.call('version')).rejects.toThrow(NoGatewayError);
  });
});

describe('what cannot be connected to', () => {
  test('nothing there, or nobody listens', async () => {
    await expect(ViciSession.open(path)).rejects.toThrow(`${path}: no gateway answers there (ENOENT): start`);
    writeFileSync(path, '');
    await expect(ViciSession.open(path)).rejects.toThrow('no gateway answers there (ECONNREFUSED)');
    chmodSync(path, 0o600);
  });
});

describe('a server that misbehaves', () => {
  test.each([
    ['a length that nobody sends', Buffer.from('ffffffff', 'hex')],
    ['bytes that are no packet', Buffer.from('0000000163', 'hex')],
    ['an event without a name', Buffer.from('000000020700', 'hex')],
    ['a cut message', Buffer.from('00000003010301', 'hex')],
  ])('%s ends the session', async (_name, bytes) => {
    await serve((client) => client.write(bytes));
    const one = await session();
    await expect(one.call('version')).rejects.toThrow(/does not speak vici/);
  });

  test('one that goes away while it is asked', async () => {
    await serve((client) => client.destroy());
    const one = await session();
    await expect(one.call('version')).rejects.toThrow('closed the connection');
  });

  test('answers in pieces are put together', async () => {
    const answer = encodePacket(PacketType.CMD_RESPONSE, section({ daemon: 'x' }));
    await serve((client) => {
      for (const byte of answer) client.write(Uint8Array.of(byte));
    });
    const one = await session();
    expect(await one.call('version')).toEqual(new Map([['daemon', Buffer.from('x')]]));
  });
});
