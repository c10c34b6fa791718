// `isthmus-capture` and its bounds, over a capture that a test fills.

import { expect, test } from 'vitest';
import type {
  CapturedPacket,
  CaptureRequest,
  RunningCapture,
} from '../../../../src/management/capture/capture-request.ts';
import type { Asking } from '../../../../src/management/vici/command.ts';
import {
  isthmusCapture,
  isthmusEndCapture,
} from '../../../../src/management/vici/commands/isthmus-capture.ts';
import { CAPTURE_SUMMARY } from '../../../../src/management/vici/extensions/capture.ts';
import { section, type ViciSection } from '../../../../src/management/vici/message.ts';
import type { PolicyView, ViciGateway } from '../../../../src/management/vici/vici-gateway.ts';
import { emptyGateway } from '../../../support/vici-status.ts';

const PACKET: CapturedPacket = {
  ...{ side: 'inner', direction: 'outbound', atNs: 1n, bytes: new Uint8Array(100), originalBytes: 100 },
  comment: undefined,
};

class FakeCapture implements RunningCapture {
  readonly id = 7;
  readonly asked = new AbortController();
  readonly endAsked = this.asked.signal;
  readonly lost = { inner: 2, outer: 0 };
  waiting: CapturedPacket[] = [];
  ended = 0;
  request: CaptureRequest | undefined;

  take(): Promise<readonly CapturedPacket[]> {
    return Promise.resolve(this.waiting.splice(0, 10));
  }

  end(): Promise<void> {
    this.ended++;
    return Promise.resolve();
  }
}

function gatewayOf(capture: FakeCapture): ViciGateway {
  return emptyGateway({
    policies: [{ name: 'tunnel' }] as unknown as readonly PolicyView[],
    capture: (request) => {
      capture.request = request;
      return Promise.resolve(capture);
    },
    endCapture: (id) => {
      if (id === capture.id) capture.asked.abort();
      return id === capture.id;
    },
  });
}

class Client implements Asking {
  readonly gone = new AbortController();
  readonly signal = this.gone.signal;
  readonly pieces: Buffer[] = [];

  emit(event: string, message: ViciSection): Promise<void> {
    expect(event).toBe('isthmus-packets');
    expect(message.get('id')).toBe('7');
    const piece = message.get('pcapng') as Uint8Array;
    expect(piece.length).toBeLessThanOrEqual(65_535);
    this.pieces.push(Buffer.from(piece));
    return Promise.resolve();
  }

  /** Of the packets that came. */
  get packets(): number {
    const bytes = Buffer.concat(this.pieces);
    let packets = 0;
    for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 4))
      if (bytes.readUInt32LE(at) === 6) packets++;
    return packets;
  }
}

async function run(
  request: Readonly<Record<string, string | number>>,
  waiting: number,
  meanwhile: (capture: FakeCapture, client: Client) => void = () => undefined,
): Promise<{ capture: FakeCapture; client: Client; summary: unknown }> {
  const capture = new FakeCapture();
  capture.waiting = Array.from({ length: waiting }, () => PACKET);
  const client = new Client();
  const answer = isthmusCapture(gatewayOf(capture), section(request), client);
  meanwhile(capture, client);
  return { capture, client, summary: CAPTURE_SUMMARY.decode(await answer, 'answer') };
}

const counted = (packets: number): object => ({
  ...{ inner: { packets, lost: 2 }, outer: { packets: 0, lost: 0 } },
});

test('so many packets', async () => {
  const { capture, client, summary } = await run({ packets: 25 }, 100);
  expect(summary).toEqual({ end: 'count', ...counted(25) });
  expect(client.packets).toBe(25);
  expect(capture.ended).toBeGreaterThan(0);
});

test('a file of so many bytes, its statistics included', async () => {
  const { client, summary } = await run({ kilobytes: 3 }, 100);
  expect(summary).toMatchObject({ end: 'size' });
  const { length } = Buffer.concat(client.pieces);
  expect(length).toBeGreaterThan(2500);
  expect(length).toBeLessThanOrEqual(3000);
});

test('until somebody asks for its end, and what had come by then', async () => {
  const { client, summary } = await run({}, 100, ({ asked }) => {
    asked.abort();
  });
  expect(summary).toEqual({ end: 'asked', ...counted(100) });
  expect(client.packets).toBe(100);
});

test('until its client is gone', async () => {
  const { capture, summary } = await run({}, 0, (_, { gone }) => {
    gone.abort();
  });
  expect(summary).toMatchObject({ end: 'gone' });
  expect(capture.ended).toBeGreaterThan(0);
});

test('what is asked for reaches the gateway', async () => {
  const request = { side: 'outer', policy: 'tunnel', 'snap-bytes': 96, packets: 1 };
  const { capture } = await run(request, 0, ({ asked }) => {
    asked.abort();
  });
  expect(capture.request).toEqual({ sides: ['outer'], policy: 'tunnel', peer: undefined, snapBytes: 96 });
});

test.each([
  [{ side: 'both' }, 'side: found "both", expected inner or outer'],
  [{ policy: 'tunel' }, "there is no policy 'tunel'; did you mean 'tunnel'?"],
  [{ peer: 'tunnel' }, "there is no peer 'tunnel'"],
  [{ packets: 0 }, 'packets: found 0, expected a number above 0'],
  [{ seconds: -1 }, 'seconds: found -1, expected a number above 0'],
  [{ 'snap-bytes': 300_000 }, 'snap-bytes: found 300000, expected at most 262144'],
  [{ kilobytes: 'x' }, 'found "x" for kilobytes, expected a number'],
])('%o is refused', async (request, message) => {
  const capture = new FakeCapture();
  const answer = async (): Promise<unknown> =>
    isthmusCapture(gatewayOf(capture), section(request), new Client());
  await expect(answer()).rejects.toThrow(message);
  expect(capture.request).toBeUndefined();
});

test('only a capture that runs can be ended', () => {
  const gateway = gatewayOf(new FakeCapture());
  const client = new Client();
  expect(isthmusEndCapture(gateway, section({ id: 7 }), client)).toEqual(section({ success: 'yes' }));
  expect(() => isthmusEndCapture(gateway, section({ id: 8 }), client)).toThrow('there is no capture 8');
});
