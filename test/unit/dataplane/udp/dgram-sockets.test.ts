import { once } from 'node:events';
import { createSocket, type Socket } from 'node:dgram';
import { constants } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAddress } from '../../../../src/base/address.ts';
import { NativeError } from '../../../../src/base/errors.ts';
import {
  bindDgramSockets,
  type DgramSocket,
  type ListenAddress,
} from '../../../../src/dataplane/udp/dgram-sockets.ts';

const OPTIONS = { bufferBytes: 65_536 };

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function listen(text: string, port = 0): ListenAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(text);
  return { address, port };
}

async function bindOne(address: ListenAddress, sendQueueDatagrams = 1024): Promise<DgramSocket> {
  return (await bind([address], sendQueueDatagrams))[0]!;
}

async function bind(addresses: readonly ListenAddress[], sendQueueDatagrams = 1024): Promise<DgramSocket[]> {
  const sockets = await bindDgramSockets(addresses, { ...OPTIONS, sendQueueDatagrams });
  closers.push(() => Promise.all(sockets.map((socket) => socket.close())));
  return sockets;
}

async function plainSocket(type: 'udp4' | 'udp6', address: string): Promise<Socket> {
  const socket = createSocket(type);
  socket.bind(0, address);
  await once(socket, 'listening');
  closers.push(async () => {
    const closed = once(socket, 'close');
    socket.close();
    await closed;
  });
  return socket;
}

interface Arrival {
  readonly bytes: number[];
  readonly source: Uint8Array;
  readonly port: number;
}

const unexpected = (error: Error): void => {
  throw error;
};

function firstArrival(socket: DgramSocket): Promise<Arrival> {
  return new Promise((resolve) => {
    socket.start({
      onDatagram: (bytes, source, port) => {
        resolve({ bytes: [...bytes], source, port });
      },
      onSendError: unexpected,
      onError: unexpected,
    });
  });
}

describe.each([
  ['udp4', '127.0.0.1'],
  ['udp6', '::1'],
] as const)('%s', (type, address) => {
  it('hands over what arrives, with its source', async () => {
    const socket = await bindOne(listen(address));
    const arrival = firstArrival(socket);
    const peer = await plainSocket(type, address);
    peer.send(Buffer.of(1, 2, 3), socket.port, address);
    expect(await arrival).toEqual({
      bytes: [1, 2, 3],
      source: parseAddress(address)?.bytes,
      port: peer.address().port,
    });
  });

  it('sends from the port that it is bound to', async () => {
    const socket = await bindOne(listen(address));
    const peer = await plainSocket(type, address);
    const message = once(peer, 'message');
    expect(socket.send(Uint8Array.of(4, 5), address, peer.address().port)).toBe(0);
    const [bytes, remote] = (await message) as [Buffer, { port: number }];
    expect([...bytes]).toEqual([4, 5]);
    expect(remote.port).toBe(socket.port);
  });
});

it('binds one port in both families', async () => {
  const v4 = await bindOne(listen('127.0.0.1'));
  await v4.close();
  closers.splice(0);
  const sockets = await bind([listen('0.0.0.0', v4.port), listen('::', v4.port)]);
  expect(sockets.map((socket) => socket.port)).toEqual([v4.port, v4.port]);
});

it('keeps a bounded number of datagrams that wait', async () => {
  // A datagram too long for UDP is refused by the kernel and reported later, so it waits until then.
  const socket = await bindOne(listen('127.0.0.1'), 1);
  const failed = new Promise<Error>((resolve) => {
    socket.start({ onDatagram: () => undefined, onSendError: resolve, onError: unexpected });
  });
  expect(socket.send(new Uint8Array(70_000), '127.0.0.1', 9)).toBe(0);
  expect(socket.send(new Uint8Array(1), '127.0.0.1', 9)).toBe(constants.errno.EAGAIN);
  expect(await failed).toMatchObject({ code: 'EMSGSIZE' });
  expect(socket.send(new Uint8Array(1), '127.0.0.1', 9)).toBe(0);
});

describe('an address that cannot be bound', () => {
  it('is named, where another program has it', async () => {
    const other = await plainSocket('udp4', '127.0.0.1');
    const { port } = other.address();
    const binding = bind([listen('127.0.0.1', port)]);
    await expect(binding).rejects.toBeInstanceOf(NativeError);
    await expect(binding).rejects.toMatchObject({
      code: 'EADDRINUSE',
      systemCall: 'bind',
      device: `127.0.0.1:${port}`,
    });
    await expect(binding).rejects.toThrow(/another program has this address/u);
  });

  it('closes the sockets that were bound before', async () => {
    const free = await plainSocket('udp4', '127.0.0.1');
    const { port } = free.address();
    await closers.pop()?.();
    // 192.0.2.1 is for documentation (RFC 5737): no interface has it.
    const binding = bind([listen('127.0.0.1', port), listen('192.0.2.1')]);
    await expect(binding).rejects.toMatchObject({ code: 'EADDRNOTAVAIL', device: '192.0.2.1:0' });
    await bind([listen('127.0.0.1', port)]);
  });

  it('is written in brackets, where it is IPv6', async () => {
    await expect(bind([listen('2001:db8::1', 4500)])).rejects.toMatchObject({ device: '[2001:db8::1]:4500' });
  });
});
