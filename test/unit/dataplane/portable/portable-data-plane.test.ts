// The portable data plane with IKE, over real sockets on loopback.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { parseAddress } from '../../../../src/base/address.ts';
import type { DataPlaneEvent } from '../../../../src/dataplane/commands.ts';
import { allocateCounters, Counter } from '../../../../src/dataplane/counters.ts';
import type { DataPlane } from '../../../../src/dataplane/data-plane.ts';
import type { IkeDatagram } from '../../../../src/dataplane/ike-events.ts';
import { startPortableDataPlane } from '../../../../src/dataplane/portable/portable-data-plane.ts';
import { FakeTunStream } from '../../../support/fake-tun-stream.ts';

const address = parseAddress('127.0.0.1')!;
const listen = [{ address, port: 0 }];
const counters = allocateCounters();
let plane: DataPlane | undefined;
let peer: Socket | undefined;

afterEach(async () => {
  peer?.close();
  await plane?.stop();
});

test('an IKE message comes up by both ports, more of them than may be on the way at once, and answers leave', async () => {
  const events: IkeDatagram[] = [];
  let onMessage: (event: DataPlaneEvent) => void = () => undefined;
  plane = await startPortableDataPlane({
    ...{ listen, ikeListen: listen, bufferBytes: 1 << 20, counters },
    ...{ innerMtu: 1400, raisesHopLimit: false, flowSeed: 1 },
    onEvent: (event) => {
      if (event.type === 'ike-datagram') events.push(event);
      onMessage(event);
    },
    openTun: () => Promise.resolve(new FakeTunStream()),
  });
  const [shared, own] = plane.ikeSockets;
  expect([shared?.hasMarker, own?.hasMarker]).toEqual([true, false]);
  peer = createSocket('udp4').bind(0, '127.0.0.1');
  await once(peer, 'listening');
  for (let sent = 0; sent < 300; sent++) {
    const socket = sent % 2 === 0 ? shared : own;
    const marker = sent % 2 === 0 ? [0, 0, 0, 0] : [];
    const came = new Promise((resolve) => {
      onMessage = resolve;
    });
    // IKE_SA_INIT, no more than a header (RFC 7296 §3.1).
    const spis = [...new Array<number>(8).fill(sent & 0xff), ...new Array<number>(8).fill(0)];
    const message = [...spis, 0, 0x20, 34, 0, 0, 0, 0, 0, 0, 0, 0, 28];
    peer.send(Uint8Array.of(...marker, ...message), socket?.port ?? 0, '127.0.0.1');
    await came;
    expect(events.at(-1)).toMatchObject({
      socket: socket?.socket,
      localPort: socket?.port,
      sourcePort: peer.address().port,
    });
    expect([...(events.at(-1)?.bytes ?? [])]).toEqual(message);
  }
  expect(counters[Counter.ikeDatagrams]).toBe(300);

  const answers: number[][] = [];
  const both = new Promise<void>((resolve) => {
    peer?.on('message', (bytes: Buffer, { port }) => {
      if (answers.push([port, ...bytes]) === 2) resolve();
    });
  });
  for (const { socket } of plane.ikeSockets) {
    const to = { address: address.bytes, port: peer.address().port };
    await plane.send({ type: 'send-ike', socket, ...to, bytes: Uint8Array.of(7) });
  }
  await both;
  expect(answers).toContainEqual([shared?.port, 0, 0, 0, 0, 7]);
  expect(answers).toContainEqual([own?.port, 7]);
});
