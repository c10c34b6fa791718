// Blocks of pcapng against bytes written by hand from draft-ietf-opsawg-pcapng §3 and §4, and against capinfos and tshark.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  PCAPNG_STATISTICS_BYTES,
  pcapngHeader,
  pcapngPacket,
  pcapngStatistics,
} from '../../../../src/management/capture/pcapng.ts';
import { echoRequest } from '../../../support/packets.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const joined = (...parts: readonly string[]): string => parts.join('').replaceAll(' ', '');

test('a section header and an interface', () => {
  expect(hex(pcapngHeader('ab', [{ name: 'inner', description: 'd', snapBytes: 0x1000 }]))).toBe(
    joined(
      // Section Header Block: length 40, byte order, version 1.0, section length unknown, shb_userappl, end.
      '0a0d0d0a 28000000 4d3c2b1a 0100 0000 ffffffffffffffff',
      '0400 0200 61620000 0000 0000 28000000',
      // Interface Description Block: LINKTYPE_RAW, snap length, if_name, if_description, if_tsresol, end.
      '01000000 34000000 6500 0000 00100000',
      '0200 0500 696e6e6572000000 0300 0100 64000000 0900 0100 09000000 0000 0000 34000000',
    ),
  );
});

test('a packet with its direction and a comment', () => {
  const packet = pcapngPacket({
    ...{ side: 1, direction: 'inbound', atNs: 0x1122334455667788n, originalBytes: 9, comment: 'why' },
    bytes: Uint8Array.of(1, 2, 3, 4, 5),
  });
  expect(hex(packet)).toBe(
    joined(
      '06000000 3c000000 01000000 44332211 88776655 05000000 09000000',
      '0102030405000000 0200 0400 01000000 0100 0300 77687900 0000 0000 3c000000',
    ),
  );
});

test('statistics', () => {
  const block = pcapngStatistics({ side: 0, startNs: 1n, endNs: 0x1_0000_0002n, received: 7, lost: 3 });
  expect(block).toHaveLength(PCAPNG_STATISTICS_BYTES);
  expect(hex(block)).toBe(
    joined(
      '05000000 4c000000 00000000 01000000 02000000',
      '0200 0800 00000000 01000000 0300 0800 01000000 02000000',
      '0400 0800 0700000000000000 0500 0800 0300000000000000 0000 0000 4c000000',
    ),
  );
});

test('capinfos and tshark read it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'isthmus-pcapng-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, 'a.pcapng');
  const bytes = echoRequest({ source: '10.0.1.5', destination: '10.0.2.7' });
  const common = { bytes, atNs: 1_800_000_000_123_456_789n };
  const interfaces = ['inner', 'outer'].map((name) => ({ name, description: '', snapBytes: 65_536 }));
  writeFileSync(
    file,
    Buffer.concat([
      pcapngHeader('Isthmus 1', interfaces),
      pcapngPacket({
        ...{ ...common, side: 0, direction: 'outbound', originalBytes: bytes.length, comment: undefined },
      }),
      // Cut off, and a comment of more than ASCII.
      pcapngPacket({
        ...{ ...common, side: 1, direction: 'inbound', originalBytes: 5000, comment: 'SA’s “policy”' },
      }),
      ...[0, 1].map((side) => pcapngStatistics({ side, startNs: 1n, endNs: 2n, received: 1, lost: 0 })),
    ]),
  );
  const run = (command: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  };
  const info = run('capinfos', file);
  expect(info).toMatch(/File type: +Wireshark\/\.\.\. - pcapng/);
  expect(info).toMatch(/File encapsulation: +Raw IP/);
  expect(info).toMatch(/File timestamp precision: +nanoseconds \(9\)/);
  expect(info).toMatch(/Number of packets: +2/);
  expect(info).toMatch(/Capture application: +Isthmus 1/);
  expect(info).toMatch(/Number of interfaces in file: 2/);
  const fields = ['frame.time_epoch', 'frame.interface_name', 'frame.len', 'frame.cap_len'];
  const more = ['frame.packet_flags_direction', 'icmp.type', 'frame.comment'];
  const options = [...fields, ...more].flatMap((field) => ['-e', field]);
  const lines = spawnSync('tshark', ['-r', file, '-T', 'fields', '-E', 'separator=|', ...options], {
    encoding: 'utf8',
  }).stdout;
  const time = '1800000000.123456789';
  const { length } = bytes;
  expect(lines).toBe(
    `${time}|inner|${length}|${length}|0x00000002|8|\n${time}|outer|5000|${length}|0x00000001|8|SA’s “policy”\n`,
  );
});
