// Opening sockets and loading the addon: what goes wrong is told with code, system call and device.

import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { NativeError } from '../../src/base/errors.ts';
import type { OpenUdp, UdpOptions } from '../../src/dataplane/native/addon.ts';
import { loadAddon } from '../../src/dataplane/native/load-addon.ts';
import { createNativeDevices } from '../../src/dataplane/native/native-devices.ts';
import { bytesOf } from '../support/packets.ts';
import { ADDON_PATH, smallMemory } from './batches.ts';

const addon = loadAddon();
const opened: number[] = [];

afterEach(() => {
  for (const fd of opened.splice(0)) addon.closeDescriptor(fd);
});

const OPTIONS: UdpOptions = {
  address: bytesOf('127.0.0.1'),
  port: 0,
  mark: 0,
  reusePort: false,
  peer: false,
  bufferBytes: 0,
  gso: true,
  gro: true,
};

function open(options: Partial<UdpOptions> = {}): OpenUdp {
  const socket = addon.openUdp({ ...OPTIONS, ...options });
  opened.push(socket.fd);
  return socket;
}

function errorOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

test.each([false, true])('an address in use is told with the address, reusePort %s', async (reusePort) => {
  const holder = createSocket('udp4').bind(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address();
  const error = errorOf(() => addon.openUdp({ ...OPTIONS, port, reusePort }));
  expect(error).toBeInstanceOf(NativeError);
  expect(error).toMatchObject({ code: 'EADDRINUSE', systemCall: 'bind', device: `127.0.0.1:${port}` });
  expect(String(error)).toContain(`bind 127.0.0.1:${port}: EADDRINUSE (errno 98`);
  holder.close();
});

test('an IPv6 address in use is written in brackets', () => {
  const { port } = open({ address: bytesOf('::1') });
  const error = errorOf(() => addon.openUdp({ ...OPTIONS, address: bytesOf('::1'), port }));
  expect(error).toMatchObject({ device: `[::1]:${port}`, code: 'EADDRINUSE' });
});

test('several sockets of one process share a port, those of two processes do not', async () => {
  const first = open({ reusePort: true });
  expect(open({ port: first.port, reusePort: true }).port).toBe(first.port);

  const program = `
    const addon = require(${JSON.stringify(ADDON_PATH)});
    const options = { address: Uint8Array.of(127, 0, 0, 1), mark: 0, reusePort: true, peer: false, bufferBytes: 0, gso: false, gro: false };
    try { addon.openUdp({ ...options, port: ${first.port} }); } catch (error) { console.log(error.code); }
    console.log(addon.openUdp({ ...options, port: 0 }).port);
    process.stdin.resume();`;
  const other = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  while (output.split('\n').length < 3) {
    const [chunk] = (await once(other.stdout, 'data')) as [Buffer];
    output += chunk.toString();
  }
  const [code, port] = output.split('\n');
  expect(code).toBe('EADDRINUSE');
  const error = errorOf(() => addon.openUdp({ ...OPTIONS, port: Number(port), reusePort: true }));
  expect(error).toMatchObject({ code: 'EADDRINUSE' });
  other.stdin.end();
  await once(other, 'exit');
});

test('sockets that share a port take the packets of their SPIs; IKE and what is short goes to the first', async () => {
  const SOCKETS = 3;
  const first = open({ reusePort: true });
  const others = Array.from({ length: SOCKETS - 1 }, () => open({ port: first.port, reusePort: true }));
  addon.steerBySpi(first.fd, SOCKETS);
  const memory = smallMemory();
  const each = [first, ...others].map(({ fd }) =>
    createNativeDevices(addon, memory, { tun: -1, sockets: [fd], wakeup: -1 }),
  );
  const sender = createSocket('udp4');
  const send = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      sender.send(bytes, first.port, '127.0.0.1', (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  const spis = [256, 257, 258, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0];
  for (const spi of spis) {
    const packet = Buffer.alloc(40);
    packet.writeUInt32BE(spi);
    await send(packet);
    expect(each.map((devices) => devices.udpReceive())).toEqual(
      each.map((_, index) => (spi % SOCKETS === index ? 1 : 0)),
    );
  }
  await send(Uint8Array.of(0xff));
  expect(each.map((devices) => devices.udpReceive())).toEqual([1, 0, 0]);
  sender.close();
  expect(() => {
    addon.steerBySpi(first.fd, 0);
  }).toThrow(RangeError);
  expect(() => {
    addon.steerBySpi(open().fd, 2);
  }).toThrow('SO_ATTACH_REUSEPORT_CBPF');
});

test('an address that is not on this machine is refused', () => {
  const error = errorOf(() => addon.openUdp({ ...OPTIONS, address: bytesOf('192.0.2.1'), port: 4500 }));
  expect(error).toMatchObject({ code: 'EADDRNOTAVAIL', systemCall: 'bind', device: '192.0.2.1:4500' });
});

test('the port, the buffers and the offloads that were got are reported', () => {
  const plain = open({ gso: false, gro: false });
  expect(plain).toMatchObject({ gso: false, gro: false });
  expect(plain.port).toBeGreaterThan(0);
  const large = open({ bufferBytes: 300_000 });
  expect(large).toMatchObject({ gso: true, gro: true });
  expect(large.receiveBufferBytes).toBeGreaterThan(plain.receiveBufferBytes);
  expect(large.sendBufferBytes).toBeGreaterThan(plain.sendBufferBytes);
});

test.each([
  ['address', { address: new Uint8Array(5) }, RangeError],
  ['address', { address: '127.0.0.1' }, TypeError],
  ['port', { port: 65_536 }, RangeError],
  ['port', { port: 1.5 }, RangeError],
  ['mark', { mark: -1 }, RangeError],
  ['reusePort', { reusePort: undefined }, TypeError],
])('a wrong %s is named', (name, wrong, kind) => {
  const error = errorOf(() => addon.openUdp({ ...OPTIONS, ...(wrong as Partial<UdpOptions>) }));
  expect(error).toBeInstanceOf(kind);
  expect(String(error)).toContain(name);
});

test('a device name that is too long is refused before anything is opened', () => {
  const name = 'abcdefghijklmnop';
  const error = errorOf(() => addon.openTun({ name, checksum: true, tso: true, uso: true }));
  expect(error).toBeInstanceOf(NativeError);
  expect(error).toMatchObject({ code: 'ENAMETOOLONG', systemCall: 'ioctl TUNSETIFF', device: name });
  expect(String(error)).toContain('at most 15 bytes');
});

test('devices over a descriptor that is not open are refused', () => {
  const error = errorOf(() =>
    createNativeDevices(addon, smallMemory(), { tun: -1, sockets: [1_000_000], wakeup: -1 }),
  );
  expect(error).toMatchObject({ name: 'NativeError', code: 'EBADF', systemCall: 'getsockname' });
});

test('a memory whose regions do not fit its arena is refused', () => {
  const memory = smallMemory();
  const create = (changed: object): unknown =>
    errorOf(() =>
      createNativeDevices(addon, { ...memory, ...changed }, { tun: -1, sockets: [], wakeup: -1 }),
    );
  expect(create({})).toBeUndefined();
  expect(create({ arena: memory.arena.subarray(0, memory.scratchOffset - 1) })).toBeInstanceOf(RangeError);
  expect(create({ framesOffset: -1 })).toBeInstanceOf(RangeError);
  expect(create({ sources: new Uint8Array(1) })).toBeInstanceOf(RangeError);
  expect(create({ destinations: new Uint8Array(1) })).toBeInstanceOf(RangeError);
  expect(create({ clock: new Float64Array(0) })).toBeInstanceOf(RangeError);
  expect(create({ frames: new Uint8Array(8) })).toBeInstanceOf(TypeError);
  expect(create({ limits: undefined })).toBeInstanceOf(TypeError);
});

test('the addon works in several threads at once', async () => {
  const program = `
    const { parentPort } = require('node:worker_threads');
    const addon = require(${JSON.stringify(ADDON_PATH)});
    const fd = addon.createWakeup();
    addon.signalWakeup(fd);
    addon.closeDescriptor(fd);
    parentPort.postMessage(addon.opensslVersion());`;
  const workers = [1, 2, 3].map(() => new Worker(program, { eval: true }));
  const exits = workers.map((worker) => once(worker, 'exit'));
  const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
  expect(answers).toEqual(workers.map(() => [addon.opensslVersion()]));
  expect(addon.opensslVersion()).toContain(process.versions.openssl.split('+')[0]);
  await Promise.all(exits);
});
