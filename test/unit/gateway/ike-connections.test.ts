import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ConfigError } from '../../../src/base/errors.ts';
import { readConnections, zeroSecrets } from '../../../src/gateway/ike-connections.ts';
import type { Connection } from '../../../src/ike/connection.ts';
import { selectorsText } from '../../../src/wire/ike/selector-text.ts';
import { parseConfig } from '../../../src/management/config/load-config.ts';

const CONFIG = `gateway: { name: a }
guard: none
udp: { listen: 203.0.113.1 }
peers:
  - name: b
    address: 198.51.100.1
    ike: { local: { psk: { file: b.psk } } }
  - name: by-hand
    address: 198.51.100.2
  - name: c
    address: any
    ike:
      local: { identity: a.example.org, psk: { file: c.psk } }
      remote: { identity: "*.example.org", psk: { file: other.psk } }
      lifetime: { soft: 2h, hard: 3h, jitter: 10m }
      liveness: off
policies:
  - name: second
    priority: 20
    selectors: { local_address: 10.0.0.0/16, remote_address: 10.2.0.0/16 }
    action: PROTECT
    sa: { peer: b, proposals: aes128gcm16-ecp256 }
  - name: first
    priority: 10
    selectors: { local_address: 10.0.0.0/16, remote_address: 10.2.1.0/24, protocol: tcp, remote_port: 443 }
    action: PROTECT
    sa: { peer: b }
  - name: hand
    priority: 30
    selectors: { remote_address: 10.3.0.0/16 }
    action: PROTECT
    sa:
      peer: by-hand
      proposal: aes256gcm16
      manual:
        outbound: { spi: 4096, key: { file: out.key } }
        inbound: { spi: 4097, key: { file: in.key } }
  - { name: clear, priority: 40, selectors: {}, action: BYPASS }
`;

describe('readConnections', () => {
  let directory = '';
  const secrets: Readonly<Record<string, string>> = {
    'b.psk': 'the secret of b and a',
    'c.psk': 'what this gateway knows',
    'other.psk': 'what the peer knows',
  };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isthmus-ike-'));
    for (const [name, text] of Object.entries(secrets)) write(name, text);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const write = (name: string, text: string): void =>
    writeFileSync(join(directory, name), `${text}\n`, { mode: 0o600 });
  const log = { info: (): void => undefined, warn: (): void => undefined };

  function read(running?: readonly Connection[], change?: readonly [string, string]): readonly Connection[] {
    const text = change === undefined ? CONFIG : CONFIG.replace(...change);
    return readConnections(parseConfig(text, join(directory, 'f.yaml'), {}), log, running);
  }

  const secretOf = ({ pad }: Connection, side: 'local' | 'remote'): string => {
    const { authentication } = pad[side];
    return authentication.method === 'psk' ? Buffer.from(authentication.secret).toString() : '';
  };

  it('RFC 4301 §4.4.3.4: the PAD takes from the policies what a peer may not negotiate', () => {
    const children = (mayNegotiate: string): readonly string[] =>
      (
        read(undefined, [
          'ike: { local: { psk: { file: b.psk } } }',
          `ike: { local: { psk: { file: b.psk } }, may_negotiate: ${mayNegotiate} }`,
        ])[0]?.children ?? []
      ).map(({ policy, remote }) => `${policy} ${selectorsText(remote)}`);
    expect(children('{ remote_address: [10.2.1.128/25, 10.2.2.0/24, fd00::/8] }')).toEqual([
      'first 10.2.1.128/25[tcp/443]',
      'second 10.2.1.128/25 10.2.2.0/24',
    ]);
    expect(children('{ policies: second }')).toEqual(['second 10.2.0.0/16']);
    expect(children('{ policies: [first], remote_address: any }')).toEqual(['first 10.2.1.0/24[tcp/443]']);
  });

  it('RFC 4301 §4.4.1.1: a policy by name, with addresses of its own, of the PAD or of nobody', () => {
    const child = (selectors: string, more = ''): unknown => {
      const text = CONFIG.replace(
        '  - { name: clear,',
        `  - { name: named, priority: 5, selectors: { ${selectors} }, action: PROTECT, sa: { peer: c } }\n  - { name: clear,`,
      ).replace('      liveness: off', `      liveness: off\n${more}`);
      const connections = readConnections(parseConfig(text, join(directory, 'f.yaml'), {}), log);
      const [one] = connections[1]?.children ?? [];
      return (
        one && {
          remote: selectorsText(one.remote),
          names: one.remoteNames?.map(({ text: name }) => name),
          isOwnAddressOnly: one.isOwnAddressOnly,
          isAskedFor: one.isAskedFor,
          onClose: one.onClose,
        }
      );
    };
    const common = { names: ['*.example.org'], isAskedFor: false, onClose: 'close' };
    const everything = '0.0.0.0/0 ::/0';
    expect(child('remote_name: "*.example.org"')).toEqual({
      ...common,
      remote: everything,
      isOwnAddressOnly: true,
    });
    expect(child('remote_name: "*.example.org", remote_address: 10.9.0.0/24')).toEqual({
      ...common,
      remote: '10.9.0.0/24',
      isOwnAddressOnly: false,
    });
    const pad = '      may_negotiate: { remote_address: 10.8.0.0/16 }';
    expect(child('remote_name: "*.example.org"', pad)).toEqual({
      ...common,
      remote: '10.8.0.0/16',
      isOwnAddressOnly: false,
    });
  });

  it('makes one of each peer that has ike', () => {
    const [b, c, ...others] = read();
    expect(others).toEqual([]);
    expect(b).toMatchObject({
      name: 'b',
      remoteAddress: { family: 4, bytes: Uint8Array.of(198, 51, 100, 1) },
      rekeyMs: 77_760_000,
      jitterMs: 7_776_000,
      expireMs: 86_400_000,
      livenessMs: 30_000,
      retransmission: { firstMs: 4000, factor: 1.8, tries: 5 },
    });
    expect(b?.remotePort).toBe(4500);
    expect(b?.pad.remote.exact).toEqual({ idType: 1, data: Uint8Array.of(198, 51, 100, 1) });
    expect(b?.pad.local.identity).toEqual({ idType: 1, data: Uint8Array.of(203, 0, 113, 1) });
    expect(b?.proposals).toHaveLength(2);
    expect(c).toMatchObject({ name: 'c', remoteAddress: undefined, livenessMs: 0, children: [] });
    expect(c).toMatchObject({ rekeyMs: 7_200_000, jitterMs: 600_000, expireMs: 10_800_000 });
    expect(c?.pad.remote.exact).toBeUndefined();
  });

  it('reads one secret for both sides, or two', () => {
    const [b, c] = read();
    if (b === undefined || c === undefined) throw new TypeError('no connections');
    expect([secretOf(b, 'local'), secretOf(b, 'remote')]).toEqual([secrets['b.psk'], secrets['b.psk']]);
    expect([secretOf(c, 'local'), secretOf(c, 'remote')]).toEqual([secrets['c.psk'], secrets['other.psk']]);
  });

  it('takes the policies of a peer in the order in which packets meet them', () => {
    const [b] = read();
    expect(
      b?.children.map(({ policy, local, remote, proposals }) => [
        policy,
        selectorsText(local),
        selectorsText(remote),
        proposals.length,
      ]),
    ).toEqual([
      ['first', '10.0.0.0/16[tcp]', '10.2.1.0/24[tcp/443]', 4],
      ['second', '10.0.0.0/16', '10.2.0.0/16', 1],
    ]);
  });

  it('keeps the connections in which nothing has changed', () => {
    const running = read();
    const next = read(running);
    expect(next.map((connection, index) => connection === running[index])).toEqual([true, true]);
    expect(next.map((connection) => secretOf(connection, 'local'))).toEqual([
      secrets['b.psk'],
      secrets['c.psk'],
    ]);
  });

  it.each<[string, readonly [string, string], readonly boolean[]]>([
    ['an identity', ['a.example.org', 'a2.example.org'], [true, false]],
    ['a time', ['liveness: off', 'liveness: 1m'], [true, false]],
    ['a proposal of a policy', ['aes128gcm16-ecp256', 'aes128gcm16-ecp384'], [false, true]],
    ['a selector', ['10.2.1.0/24', '10.2.2.0/24'], [false, true]],
    ['an order of policies', ['priority: 10', 'priority: 25'], [false, true]],
    ['an address', ['198.51.100.1', '198.51.100.9'], [false, true]],
    ['what IKE has nothing to do with', ['priority: 40', 'priority: 41'], [true, true]],
  ])('tells a peer apart by %s', (_what, change, kept) => {
    const running = read();
    expect(read(running, change).map((connection) => running.includes(connection))).toEqual(kept);
  });

  it('sees another secret in the same file', () => {
    const running = read();
    write('other.psk', 'something else entirely');
    const next = read(running);
    expect(next.map((connection) => running.includes(connection))).toEqual([true, false]);
    zeroSecrets(running.filter((connection) => !next.includes(connection)));
    expect(running.map((connection) => /^\0+$/.test(secretOf(connection, 'remote')))).toEqual([false, true]);
    expect(next.map((connection) => secretOf(connection, 'remote'))).toEqual([
      secrets['b.psk'],
      'something else entirely',
    ]);
  });

  it('leaves the running ones as they are where a secret is missing', () => {
    const running = read();
    rmSync(join(directory, 'other.psk'));
    expect(() => read(running)).toThrow(ConfigError);
    expect(() => read(running)).toThrow(/f\.yaml:14: key file .*other\.psk: cannot be read \(ENOENT\)/);
    expect(running.map((connection) => secretOf(connection, 'local'))).toEqual([
      secrets['b.psk'],
      secrets['c.psk'],
    ]);
  });
});
