import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { formatAddress, type AddressRange } from '../../../../src/base/address.ts';
import { ConfigError } from '../../../../src/base/errors.ts';
import type { ManualSa } from '../../../../src/management/config/gateway-config.ts';
import { loadConfig, parseConfig } from '../../../../src/management/config/load-config.ts';
import { OPAQUE, type Selectors } from '../../../../src/spd/policy.ts';
import { VALID_CONFIG } from './error-cases.ts';

describe('the example of two sites', () => {
  const a = loadConfig('etc/site-a.yaml', {});
  const b = loadConfig('etc/site-b.yaml', {});

  it('is read as it is written', () => {
    expect(a).toMatchObject({
      file: 'etc/site-a.yaml',
      name: 'site-a',
      engine: 'native',
      stateDirectory: '/var/lib/isthmus',
      logLevel: 'info',
      logLevels: {},
      tun: { name: 'isthmus0', traffic: 'policy', mtu: undefined, checksum: true, tso: true, uso: true },
      udp: { mark: 0x1500, bufferBytes: 8 * 1024 * 1024, gso: true, gro: true },
      warnings: [],
    });
    expect(a.udp.listen).toEqual([
      { address: { family: 4, bytes: Uint8Array.of(203, 0, 113, 1) }, port: 4500 },
    ]);
    expect(a.peers).toEqual([
      {
        name: 'site-b',
        otherAddresses: [],
        address: { family: 4, bytes: Uint8Array.of(198, 51, 100, 1) },
        port: 4500,
        followAddress: false,
        pathMtu: undefined,
        natKeepaliveMs: 20_000,
      },
    ]);
    expect(a.policies).toHaveLength(1);
    const lines = readFileSync('etc/site-a.yaml', 'utf8').split('\n');
    const [policy] = a.policies;
    expect(lines[(policy?.line ?? 0) - 1]).toContain('- name: site-a-to-site-b');
    expect(lines[(policy?.manual?.inbound.line ?? 0) - 1]).toContain('inbound:');
    expect(policy).toMatchObject({
      name: 'site-a-to-site-b',
      priority: 100,
      action: 'PROTECT',
      sa: {
        peer: 'site-b',
        mode: 'tunnel',
        transform: 'aes256gcm16',
        esn: false,
        replayWindowPackets: 1024,
      },
      manual: {
        outbound: {
          spi: 0x0a0b0001,
          key: { kind: 'file', path: join(process.cwd(), 'etc/keys/a-to-b.key') },
        },
        inbound: { spi: 0x0b0a0001, key: { kind: 'file', path: join(process.cwd(), 'etc/keys/b-to-a.key') } },
      },
    });
    expect(texts(policy?.selectors.localAddress)).toEqual([
      '10.0.1.0-10.0.1.255',
      'fd00:1::-fd00:1::ffff:ffff:ffff:ffff',
    ]);
  });

  it('is the same tunnel from both ends', () => {
    expect(a.udp.listen[0]?.address).toEqual(b.peers[0]?.address);
    expect(b.udp.listen[0]?.address).toEqual(a.peers[0]?.address);
    const [fromA, fromB] = [a.policies[0], b.policies[0]];
    expect(fromA?.selectors.localAddress).toEqual(fromB?.selectors.remoteAddress);
    expect(fromA?.selectors.remoteAddress).toEqual(fromB?.selectors.localAddress);
    const keying = (sa: ManualSa | undefined): unknown => ({ spi: sa?.spi, key: sa?.key });
    expect(keying(fromA?.manual?.outbound)).toEqual(keying(fromB?.manual?.inbound));
    expect(keying(fromA?.manual?.inbound)).toEqual(keying(fromB?.manual?.outbound));
    expect({ ...fromA?.sa, peer: '' }).toEqual({ ...fromB?.sa, peer: '' });
  });
});

describe('defaults', () => {
  it('are those that the example names', () => {
    const { tun, udp, engine, logLevel, peers, policies } = parse(VALID_CONFIG);
    expect({ tun, udp: { ...udp, listen: [] }, engine, logLevel }).toEqual({
      tun: { name: 'isthmus0', traffic: 'policy', mtu: undefined, checksum: true, tso: true, uso: true },
      udp: { listen: [], mark: 0x1500, bufferBytes: 8 * 2 ** 20, gso: true, gro: true },
      engine: 'native',
      logLevel: 'info',
    });
    expect(peers[0]?.port).toBe(4500);
    expect(policies[0]?.sa).toMatchObject({ mode: 'tunnel', esn: false, replayWindowPackets: 1024 });
    expect(policies[1]?.selectors.localAddress).toBeUndefined();
    expect(policies[1]).toMatchObject({ sa: undefined, manual: undefined });
  });

  it('takes the state directory from systemd, the first of several', () => {
    const state = (value: string | undefined): string =>
      parseConfig(VALID_CONFIG, 'f.yaml', { STATE_DIRECTORY: value }).stateDirectory;
    expect(state(undefined)).toBe('/var/lib/isthmus');
    expect(state('')).toBe('/var/lib/isthmus');
    expect(state('/var/lib/a:/var/lib/b')).toBe('/var/lib/a');
  });
});

describe('values', () => {
  it.each([
    ['203.0.113.1', 4, 4500],
    ['203.0.113.1:500', 4, 500],
    ['"[2001:db8::1]"', 6, 4500],
    ['"[2001:db8::1]:4501"', 6, 4501],
  ])('reads the listen address %s', (text, family, port) => {
    const { udp } = parse(
      VALID_CONFIG.replace('203.0.113.1:4500', text).replace(
        'address: 198.51.100.1',
        family === 6 ? 'address: 2001:db8::2' : 'address: 198.51.100.1',
      ),
    );
    expect(udp.listen.map((endpoint) => [endpoint.address.family, endpoint.port])).toEqual([[family, port]]);
  });

  it.each([
    ['10.0.1.7', ['10.0.1.7-10.0.1.7']],
    ['10.0.1.7/32', ['10.0.1.7-10.0.1.7']],
    ['10.0.1.7/24', ['10.0.1.0-10.0.1.255']],
    ['0.0.0.0/0', ['0.0.0.0-255.255.255.255']],
    ['10.0.1.1-10.0.1.9', ['10.0.1.1-10.0.1.9']],
    ['"fd00::1 - fd00::9"', ['fd00::1-fd00::9']],
    ['[10.0.1.7, fd00::/127]', ['10.0.1.7-10.0.1.7', 'fd00::-fd00::1']],
    ['any', undefined],
  ])('reads the address selector %s', (text, expected) => {
    const { policies } = parse(VALID_CONFIG.replace('local_address: 10.0.1.0/24', `local_address: ${text}`));
    expect(texts(policies[0]?.selectors.localAddress)).toEqual(expected);
  });

  it.each([
    ['protocol: any', { protocol: undefined }],
    ['protocol: 0', { protocol: 0 }],
    ['protocol: ospf', { protocol: 89 }],
    ['protocol: udp, local_port: any', { protocol: 17, localPort: undefined }],
    ['protocol: sctp, local_port: 0', { protocol: 132, localPort: [{ first: 0, last: 0 }] }],
    ['protocol: 17, local_port: 1024-65535', { localPort: [{ first: 1024, last: 65_535 }] }],
    [
      'protocol: tcp, remote_port: [22, "80-81"]',
      {
        remotePort: [
          { first: 22, last: 22 },
          { first: 80, last: 81 },
        ],
      },
    ],
    ['protocol: tcp, local_port: opaque', { localPort: [OPAQUE], remotePort: undefined }],
    ['protocol: icmp, icmp: opaque', { icmp: [OPAQUE] }],
    // RFC 4301 §4.4.1.1: the type in the upper half of the 16-bit local port.
    [
      'protocol: mobility-header, mobility_header: [binding-update, 16]',
      {
        protocol: 135,
        localPort: [
          { first: 0x0500, last: 0x05ff },
          { first: 0x1000, last: 0x10ff },
        ],
      },
    ],
    ['protocol: mobility-header, mobility_header: any', { protocol: 135, localPort: undefined }],
    ['protocol: icmp, icmp: any', { protocol: 1, icmp: undefined }],
    ['protocol: icmp, icmp: echo-request', { protocol: 1, icmp: [{ first: 0x0800, last: 0x08ff }] }],
    ['protocol: ipv6-icmp, icmp: echo-request', { protocol: 58, icmp: [{ first: 0x8000, last: 0x80ff }] }],
    ['protocol: icmp, icmp: 3/4', { icmp: [{ first: 0x0304, last: 0x0304 }] }],
    ['protocol: icmp, icmp: 3', { icmp: [{ first: 0x0300, last: 0x03ff }] }],
    ['protocol: icmp, icmp: destination-unreachable/4', { icmp: [{ first: 0x0304, last: 0x0304 }] }],
    [
      'protocol: icmpv6, icmp: [{ type: echo-reply, code: 0 }, { type: 2 }]',
      {
        icmp: [
          { first: 0x8100, last: 0x8100 },
          { first: 0x0200, last: 0x02ff },
        ],
      },
    ],
  ] satisfies [string, Partial<Selectors>][])('reads the selectors {%s}', (text, expected) => {
    const { policies } = parse(VALID_CONFIG.replace('protocol: tcp, remote_port: 22', text));
    expect(policies[1]?.selectors).toMatchObject(expected);
  });

  it.each([
    ['chacha20poly1305', 'chacha20poly1305', false],
    ['aes128gcm16-esn', 'aes128gcm16', true],
    ['aes192gcm16-noesn', 'aes192gcm16', false],
  ])('reads the proposal %s', (text, transform, esn) => {
    const { policies } = parse(VALID_CONFIG.replace('proposal: aes256gcm16', `proposal: ${text}`));
    expect(policies[0]?.sa).toMatchObject({ transform, esn });
  });

  it.each([0, 32, 64, 8192])('takes a replay window of %i', (packets) => {
    const { policies } = parse(
      VALID_CONFIG.replace('      proposal', `      replay_window: ${packets}\n      proposal`),
    );
    expect(policies[0]?.sa?.replayWindowPackets).toBe(packets);
  });

  it('takes the smallest and the largest SPI', () => {
    const { policies } = parse(VALID_CONFIG.replace('0x1000', '256').replace('0x2000', '0xffffffff'));
    expect(policies[0]?.manual).toMatchObject({ outbound: { spi: 256 }, inbound: { spi: 4_294_967_295 } });
  });

  it('reads keys from the environment, from credentials and from absolute paths', () => {
    const read = (source: string): unknown =>
      parse(VALID_CONFIG.replace('{ file: in.key }', source)).policies[0]?.manual?.inbound.key;
    expect(read('{ env: IN_KEY }')).toEqual({ kind: 'environment', variable: 'IN_KEY' });
    expect(read('{ credential: in.key }')).toEqual({ kind: 'credential', name: 'in.key' });
    expect(read('{ file: /run/in.key }')).toEqual({ kind: 'file', path: '/run/in.key' });
  });

  it('reads offloads, sizes and an MTU for IPv6', () => {
    const text = VALID_CONFIG.replace(
      'udp:\n',
      'tun: { mtu: 1280, offloads: { uso: false } }\nudp:\n  buffer: 1MB\n',
    );
    const { tun, udp } = parse(text);
    expect(tun).toEqual({
      name: 'isthmus0',
      traffic: 'policy',
      mtu: 1280,
      checksum: true,
      tso: true,
      uso: false,
    });
    expect(udp.bufferBytes).toBe(1_000_000);
  });

  it('reads a %YAML 1.1 file by the rules of YAML 1.2', () => {
    const text = `%YAML 1.1\n---\n${VALID_CONFIG.replace('priority: 200', 'priority: 0777')}`;
    expect(parse(text).policies[1]?.priority).toBe(777);
  });
});

describe('files', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isthmus-config-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const messageOf = (path: string): string => {
    try {
      loadConfig(path, {});
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return '';
  };

  it('names a file that is not there', () => {
    const path = join(directory, 'none.yaml');
    expect(messageOf(path)).toBe(`${path}: cannot be read (ENOENT), expected a configuration file`);
    expect(messageOf(directory)).toBe(`${directory}: cannot be read (EISDIR), expected a configuration file`);
  });

  it('refuses what is no text', () => {
    const path = join(directory, 'f.yaml');
    writeFileSync(path, Uint8Array.of(0x61, 0xff, 0xfe));
    expect(messageOf(path)).toBe(`${path}: found bytes that are not UTF-8, expected a text file`);
  });

  it('refuses a file that cannot be a configuration', () => {
    const path = join(directory, 'f.yaml');
    writeFileSync(path, new Uint8Array(2 ** 20 + 1).fill(0x23));
    expect(messageOf(path)).toBe(`${path}: found 1048577 bytes, expected at most 1048576`);
  });

  it('takes a byte order mark and CRLF', () => {
    const path = join(directory, 'f.yaml');
    writeFileSync(path, `\ufeff${VALID_CONFIG.replaceAll('\n', '\r\n')}`);
    expect(messageOf(path)).toBe('');
  });
});

function parse(text: string): ReturnType<typeof parseConfig> {
  return parseConfig(text, '/etc/isthmus/f.yaml', {});
}

function texts(ranges: readonly AddressRange[] | undefined): readonly string[] | undefined {
  return ranges?.map(({ first, last }) => `${formatAddress(first)}-${formatAddress(last)}`);
}

const WITH_LEVELS = 'gateway: { name: a }\nguard: none\nudp: { listen: [203.0.113.1] }\npolicies: []\n';

it('levels of the log by subsystem', () => {
  const at = (levels: string): object =>
    parseConfig(
      WITH_LEVELS.replace('gateway: { name: a', `gateway: { name: a, log_levels: ${levels}`),
      'f.yaml',
      {},
    ).logLevels;
  expect(at('{ ike: debug, http: error }')).toEqual({ ike: 'debug', http: 'error' });
  expect(() => at('{ iek: debug }')).toThrow(/log_levels.*iek/);
  expect(() => at('{ ike: loud }')).toThrow(
    /log_levels\.ike: found "loud", expected debug, info, warn or error/,
  );
});
