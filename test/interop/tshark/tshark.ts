// tshark as a judge: of ESP packets it is given the keys, and says what it decrypted and whether the ICV was right.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SaKey } from '../../../src/dataplane/engine.ts';

/** Packets that begin with an IP header (www.tcpdump.org/linktypes.html). */
const LINKTYPE_RAW = 101;
const PROTOCOL_ESP = 50;

export interface Judgement {
  /** What stands before the padding, in hexadecimal; '' where tshark could not decrypt. */
  readonly inner: string;
  readonly padLength: number;
  readonly nextHeader: number;
  /** Undefined where tshark did not look: it checks no ICV of AES-GCM. */
  readonly icvGood: boolean | undefined;
}

/** tshark's words for the algorithms that it knows; undefined for the others. */
function algorithmsOf(
  transform: string,
): { readonly encryption: string; readonly integrity: string } | undefined {
  const gcm = /^aes\d+gcm(\d+)$/.exec(transform);
  if (gcm !== null) {
    return { encryption: `AES-GCM with ${gcm[1] ?? ''} octet ICV [RFC4106]`, integrity: 'NULL' };
  }
  const hmac = /^(aes|null)\d*-sha(\d+)$/.exec(transform);
  if (hmac === null) return undefined;
  const [, cipher = '', bits = ''] = hmac;
  return {
    encryption: cipher === 'aes' ? 'AES-CBC [RFC3602]' : 'NULL',
    integrity: `HMAC-SHA-${bits}-${String(Number(bits) / 2)} [RFC4868]`,
  };
}

export function isKnownToTshark(transform: string): boolean {
  return algorithmsOf(transform) !== undefined;
}

/** Has tshark decrypt each ESP packet with its key, in one capture. */
export function judge(packets: readonly { readonly key: SaKey; readonly packet: Uint8Array }[]): Judgement[] {
  const associations = new Map(packets.map(({ key }) => [key.spi, `uat:esp_sa:${saRecord(key)}`]));
  const rows = dissect(
    packets.map(({ packet }) => inIpv4(PROTOCOL_ESP, packet)),
    ['esp.enable_encryption_decode:TRUE', 'esp.enable_authentication_check:TRUE', ...associations.values()],
    ['esp.contained_data', 'esp.pad_len', 'esp.protocol', 'esp.icv_good'],
  );
  return rows.map(([inner = [], padLength = [], nextHeader = [], icvGood = []]) => ({
    inner: inner[0] ?? '',
    padLength: Number(padLength[0]),
    nextHeader: Number(nextHeader[0]),
    icvGood: icvGood[0] === undefined ? undefined : icvGood[0] === '1' || icvGood[0] === 'True',
  }));
}

/** Has tshark dissect packets. @returns for each packet and each field the values that it found, in order */
export function dissect(
  packets: readonly Uint8Array[],
  preferences: readonly string[],
  fields: readonly string[],
): string[][][] {
  const directory = mkdtempSync(join(tmpdir(), 'isthmus-tshark-'));
  try {
    const capture = join(directory, 'packets.pcap');
    writeFileSync(capture, pcap(packets));
    const output = execFileSync(
      'tshark',
      [
        ...['-r', capture, '-n', '-T', 'fields', '-E', 'separator=;', '-E', 'aggregator=,'],
        ...preferences.flatMap((preference) => ['-o', preference]),
        ...fields.flatMap((field) => ['-e', field]),
      ],
      // It writes a warning about root to standard error. Settings of whoever runs the test do not count.
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, HOME: directory } },
    );
    const lines = output.split('\n').slice(0, -1);
    return lines.map((line) => line.split(';').map((value) => (value === '' ? [] : value.split(','))));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A row of tshark's table of SAs. */
function saRecord({ transform, spi, keyMaterial }: SaKey): string {
  const algorithms = algorithmsOf(transform.name);
  if (algorithms === undefined) throw new Error(`tshark does not know ${transform.name}`);
  const cipherBytes = transform.keyBytes + transform.saltBytes;
  const hex = (bytes: Uint8Array): string =>
    bytes.length === 0 ? '' : `0x${Buffer.from(bytes).toString('hex')}`;
  return [
    'IPv4',
    '*',
    '*',
    `0x${spi.toString(16).padStart(8, '0')}`,
    algorithms.encryption,
    hex(keyMaterial.subarray(0, cipherBytes)),
    algorithms.integrity,
    hex(keyMaterial.subarray(cipherBytes)),
  ]
    .map((field) => `"${field}"`)
    .join(',');
}

/** RFC 791 §3.1; nobody looks at the checksum. */
export function inIpv4(protocol: number, data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + data.length, 2);
  header[8] = 64;
  header[9] = protocol;
  header.set([203, 0, 113, 1, 198, 51, 100, 1], 12);
  return Buffer.concat([header, data]);
}

/** The classic capture format (draft-ietf-opsawg-pcap). */
function pcap(packets: readonly Uint8Array[]): Uint8Array {
  const words = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * values.length);
    values.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
    return bytes;
  };
  const version = 2 | (4 << 16);
  return Buffer.concat([
    words(0xa1b2c3d4, version, 0, 0, 0xffff, LINKTYPE_RAW),
    ...packets.flatMap((packet) => [words(0, 0, packet.length, packet.length), packet]),
  ]);
}
