// What becomes of a ring's packets: headers around outer ones, which tshark checks, comments, times; and how captures begin
// and end.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { formatAddress, parseAddress } from '../../../../src/base/address.ts';
import { monotonicMs } from '../../../../src/base/clock.ts';
import type { StartCapture } from '../../../../src/dataplane/capture/capture-commands.ts';
import { RingWriter, Side, Way, type RingEntry } from '../../../../src/dataplane/capture/capture-ring.ts';
import { ENVELOPE_BYTES, writeEnvelope } from '../../../../src/dataplane/capture/envelope.ts';
import type { Command } from '../../../../src/dataplane/commands.ts';
import { Drop, PASS } from '../../../../src/dataplane/drop-reasons.ts';
import { Captures } from '../../../../src/gateway/capture/captures.ts';
import type { CaptureRequest, RunningCapture } from '../../../../src/management/capture/capture-request.ts';
import { pcapngHeader, pcapngPacket } from '../../../../src/management/capture/pcapng.ts';

const REQUEST: CaptureRequest = { sides: ['inner', 'outer'], snapBytes: 65_536 };
const address = (text: string): Uint8Array => parseAddress(text)!.bytes;

interface Fixture {
  readonly captures: Captures;
  readonly sent: Command[];
  readonly asked: string[];
}

function create(send: (command: Command) => Promise<void> = () => Promise.resolve()): Fixture {
  const sent: Command[] = [];
  const asked: string[] = [];
  const captures = new Captures({
    dataPlane: {
      workers: 1,
      send: (command) => {
        sent.push(command);
        return send(command);
      },
    },
    sockets: [],
    sourceTowards: (remote) => {
      asked.push(formatAddress(remote));
      return Promise.resolve(parseAddress(remote.bytes.length === 4 ? '192.0.2.1' : '2001:db8::1'));
    },
  });
  return { captures, sent, asked };
}

/** The packet path's end of the ring of the capture that was started last. */
function writerOf({ sent }: Fixture): RingWriter {
  const start = sent.findLast((command): command is StartCapture => command.type === 'start-capture');
  return new RingWriter(start!.memories[0]!);
}

function entry(parts: Partial<RingEntry> = {}): RingEntry {
  const none = new Uint8Array();
  return {
    ...{ side: Side.inner, way: Way.outbound, reason: PASS, clockMs: 0 },
    ...{ policy: none, peer: none, envelope: none },
    ...parts,
  };
}

function envelope(source: string, destination: string): Uint8Array {
  const bytes = new Uint8Array(ENVELOPE_BYTES);
  writeEnvelope(bytes, {
    ...{ source: address(source), destination: address(destination) },
    ...{ sourcePort: 4500, destinationPort: 61_000, trafficClass: 0xb9, dontFragment: true },
  });
  return bytes;
}

async function started(fixture: Fixture, request = REQUEST): Promise<[RunningCapture, RingWriter]> {
  const capture = await fixture.captures.start(request);
  return [capture, writerOf(fixture)];
}

test('tshark finds nothing wrong with the headers of outer packets', async () => {
  const fixture = create();
  const [capture, ring] = await started(fixture);
  const payload = Uint8Array.from({ length: 101 }, (_, i) => i + 1);
  for (const [source, destination] of [
    ['203.0.113.1', '198.51.100.1'],
    ['2001:db8::1', '2001:db8::2'],
  ] as const) {
    // Another SPI for each.
    payload[0]!++;
    ring.add(entry({ side: Side.outer, envelope: envelope(source, destination) }), payload, 0, 101, 65_536);
  }
  ring.publish();
  const packets = await capture.take();
  expect(packets.map(({ originalBytes }) => originalBytes)).toEqual([129, 149]);

  const directory = mkdtempSync(join(tmpdir(), 'isthmus-captures-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, 'a.pcapng');
  const blocks = packets.map((packet) => pcapngPacket({ ...packet, side: 0 }));
  const header = pcapngHeader('test', [{ name: 'outer', description: '', snapBytes: 65_536 }]);
  writeFileSync(file, Buffer.concat([header, ...blocks]));
  const fields = ['ip.checksum.status', 'ip.flags.df', 'ip.dsfield', 'ipv6.tclass', 'udp.checksum.status'];
  const more = ['udp.length', 'udp.dstport', '_ws.expert'];
  const { stdout } = spawnSync(
    'tshark',
    [
      ...['-r', file, '-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE'],
      ...['-T', 'fields', '-E', 'separator=|', ...[...fields, ...more].flatMap((field) => ['-e', field])],
    ],
    { encoding: 'utf8' },
  );
  // 1: good, 3: there is none, as RFC 3948 §2.1 has it over IPv4.
  expect(stdout).toBe('1|1|0xb9||3|109|61000|\n|||0x000000b9|1|109|61000|\n');
});

test('an address that the socket does not say is that of the route; what arrives, and what goes to no peer, makes nobody look for one', async () => {
  const fixture = create();
  const [capture, ring] = await started(fixture);
  const outer = { side: Side.outer };
  const payload = new Uint8Array(8);
  const add = (way: Way, source: string, destination: string, peer = ''): number => {
    const whose = { peer: Buffer.from(peer), envelope: envelope(source, destination) };
    return ring.add(entry({ ...outer, way, ...whose }), payload, 0, 8, 100);
  };
  add(Way.inbound, '198.51.100.9', '0.0.0.0');
  add(Way.outbound, '0.0.0.0', '198.51.100.9');
  add(Way.outbound, '0.0.0.0', '198.51.100.1', 'site-b');
  add(Way.outbound, '0.0.0.0', '198.51.100.1', 'site-b');
  add(Way.inbound, '198.51.100.1', '0.0.0.0');
  ring.publish();
  const ends = (await capture.take()).map(({ bytes }) =>
    [12, 16].map((at) => formatAddress({ family: 4, bytes: bytes.slice(at, at + 4) })).join(' > '),
  );
  expect(ends).toEqual([
    '198.51.100.9 > 0.0.0.0',
    '0.0.0.0 > 198.51.100.9',
    '192.0.2.1 > 198.51.100.1',
    '192.0.2.1 > 198.51.100.1',
    '198.51.100.1 > 192.0.2.1',
  ]);
  expect(fixture.asked).toEqual(['198.51.100.1']);
});

test('comments: whose a packet is, and why it was dropped; what steers terminals is written out', async () => {
  const fixture = create();
  const [capture, ring] = await started(fixture);
  const names = { policy: Buffer.from('net\u001b[31m'), peer: Buffer.from('site-b') };
  const packet = new Uint8Array(20);
  for (const one of [
    entry(),
    entry(names),
    entry({ ...names, reason: Drop.outboundDiscard }),
    entry({ reason: Drop.inboundUnknownSpi }),
  ])
    ring.add(one, packet, 0, 20, 100);
  ring.publish();
  expect((await capture.take()).map(({ comment }) => comment)).toEqual([
    undefined,
    'policy net\\u001b[31m, peer site-b',
    'outbound-discard: A policy with action DISCARD matches the packet. (policy net\\u001b[31m, peer site-b)',
    'inbound-unknown-spi: No inbound SA has the SPI of the packet.',
  ]);
});

test('times are those of the wall, to the nanosecond of the monotonic clock', async () => {
  const fixture = create();
  const [capture, ring] = await started(fixture);
  const nowMs = monotonicMs();
  for (const clockMs of [nowMs, nowMs + 0.001_234])
    ring.add(entry({ clockMs }), new Uint8Array(20), 0, 20, 100);
  ring.publish();
  const [first, second] = (await capture.take()).map(({ atNs }) => atNs);
  expect(second! - first!).toBeGreaterThanOrEqual(1233n);
  expect(second! - first!).toBeLessThanOrEqual(1235n);
  expect(Math.abs(Number(first! / 1_000_000n) - Date.now())).toBeLessThan(1000);
});

test('as many as may run, each until it ends, once', async () => {
  const fixture = create();
  const { captures, sent } = fixture;
  const running = await Promise.all(Array.from({ length: 4 }, () => captures.start(REQUEST)));
  await expect(captures.start(REQUEST)).rejects.toThrow('4 captures run already, and no more may');
  const [first] = running;
  await first?.end();
  await first?.end();
  expect(sent.filter(({ type }) => type === 'stop-capture')).toEqual([
    { type: 'stop-capture', id: first?.id },
  ]);
  await captures.start(REQUEST);
  expect(captures.askForEnd(first!.id)).toBe(false);
  expect(captures.askForEnd(running[1]!.id)).toBe(true);
  expect(running[1]?.endAsked.aborted).toBe(true);
});

test('one that could not begin holds no place; a data plane that is gone has ended it', async () => {
  const failing = create(() => Promise.reject(new Error('the data plane has ended')));
  for (let i = 0; i < 5; i++)
    await expect(failing.captures.start(REQUEST)).rejects.toThrow('the data plane has ended');
  const dying = create(({ type }) =>
    type === 'stop-capture' ? Promise.reject(new Error('the data plane has ended')) : Promise.resolve(),
  );
  for (let i = 0; i < 5; i++) await (await dying.captures.start(REQUEST)).end();
});
