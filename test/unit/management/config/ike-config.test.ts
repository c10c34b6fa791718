import { describe, expect, it } from 'vitest';

import { loadConfig, parseConfig } from '../../../../src/management/config/load-config.ts';
import type { GatewayConfig } from '../../../../src/management/config/gateway-config.ts';
import { formatIdentity } from '../../../../src/pad/identity.ts';
import { VALID_CONFIG, VALID_IKE_CONFIG } from './error-cases.ts';

const LOCAL = 'local: { psk: { file: b.psk } }';
const HOUR_MS = 3_600_000;

function withIke(ike: string, change: readonly [string, string] = ['', '']): GatewayConfig {
  const text = VALID_IKE_CONFIG.replace(LOCAL, ike).replace(...change);
  return parseConfig(text, '/etc/isthmus/f.yaml', {});
}

function pskOf({ peers: [peer] }: GatewayConfig): unknown {
  const credentials = peer?.ike?.local.credentials;
  return credentials?.kind === 'psk' ? credentials.psk.source : undefined;
}

describe('the example of two sites keyed by IKE', () => {
  const a = loadConfig('etc/ike-site-a.yaml', {});
  const b = loadConfig('etc/ike-site-b.yaml', {});

  it('says what the walk of the protocol says', () => {
    expect(a.warnings).toEqual([]);
    const [peer] = a.peers;
    expect(peer?.ike).toMatchObject({
      proposals: [
        { encryption: [{ id: 20, keyBits: 256 }], prf: [{ id: 6 }], integrity: [], groups: [{ id: 19 }] },
      ],
      lifetime: { expireMs: 86_400_000, rekeyMs: 77_760_000, jitterMs: 7_776_000 },
      livenessMs: 30_000,
      retransmission: { firstMs: 4000, factor: 1.8, tries: 5 },
      unique: 'replace',
    });
    const [policy] = a.policies;
    expect(policy?.ike).toMatchObject({
      proposals: [{ encryption: [{ id: 20, keyBits: 256 }], groups: [{ id: 19 }], esn: [{ id: 0 }] }],
      start: 'on-traffic',
    });
    expect(policy?.sa).toMatchObject({
      peer: 'site-b',
      keying: 'ike',
      transform: 'aes256gcm16',
      esn: false,
      lifetime: { timeMs: { soft: 25_920_000, hard: 28_800_000 }, bytes: undefined, packets: undefined },
    });
  });

  it('is the same tunnel from both ends', () => {
    const identities = ({ peers: [peer] }: GatewayConfig): readonly (string | undefined)[] => [
      peer?.ike?.local.identity && formatIdentity(peer.ike.local.identity),
      peer?.ike?.remote.identity.text,
    ];
    expect(identities(a)).toEqual(['203.0.113.1', '198.51.100.1']);
    expect(identities(b)).toEqual(['198.51.100.1', '203.0.113.1']);
    expect(pskOf(a)).toEqual(pskOf(b));
    expect(pskOf(a)).toMatchObject({ kind: 'file' });
    expect(a.policies[0]?.selectors.localAddress).toEqual(b.policies[0]?.selectors.remoteAddress);
    expect(a.peers[0]?.ike?.proposals).toEqual(b.peers[0]?.ike?.proposals);
  });

  it('writes the defaults that it calls so', () => {
    const defaults = withIke(LOCAL);
    expect(a.peers[0]?.ike?.lifetime).toEqual(defaults.peers[0]?.ike?.lifetime);
    expect(a.peers[0]?.ike?.livenessMs).toBe(defaults.peers[0]?.ike?.livenessMs);
    expect(a.peers[0]?.ike?.retransmission).toEqual(defaults.peers[0]?.ike?.retransmission);
    expect(a.policies[0]?.sa?.lifetime).toEqual(defaults.policies[0]?.sa?.lifetime);
    expect(a.policies[0]?.ike?.start).toBe(defaults.policies[0]?.ike?.start);
  });
});

describe('identities and secrets of a peer', () => {
  it('follow from the addresses, and one key is for both sides', () => {
    const [peer] = withIke(LOCAL).peers;
    const psk = { source: { kind: 'file', path: '/etc/isthmus/b.psk' }, line: 10, column: 21 };
    const credentials = { kind: 'psk', psk };
    expect(peer?.ike?.local).toEqual({
      identity: { idType: 1, data: Uint8Array.of(203, 0, 113, 1) },
      credentials,
    });
    expect(peer?.ike?.remote).toEqual({ identity: { idType: 1, text: '198.51.100.1' }, credentials });
    expect(peer?.ike?.remote.credentials).toBe(peer?.ike?.local.credentials);
  });

  it('take the address of the family that the peer has', () => {
    const listen = ['    - 203.0.113.1:4500', '    - "[2001:db8::1]:4500"\n    - 203.0.113.1:4500'] as const;
    const [peer] = withIke(LOCAL, listen).peers;
    expect(peer?.ike?.local.identity && formatIdentity(peer.ike.local.identity)).toBe('203.0.113.1');
  });

  it('are what is written', () => {
    const [peer] = withIke(
      'local: { identity: "keyid:a", psk: { credential: a.psk } }\n      remote: { identity: "*.example.org", psk: { env: B_PSK } }',
      ['address: 198.51.100.1', 'address: any'],
    ).peers;
    expect(peer?.address).toBeUndefined();
    expect(peer?.ike?.local).toEqual({
      identity: { idType: 11, data: Uint8Array.of(0x61) },
      credentials: {
        kind: 'psk',
        psk: { source: { kind: 'credential', name: 'a.psk' }, line: 10, column: 42 },
      },
    });
    expect(peer?.ike?.remote).toEqual({
      identity: { idType: 2, text: '*.example.org' },
      credentials: {
        kind: 'psk',
        psk: { source: { kind: 'environment', variable: 'B_PSK' }, line: 11, column: 49 },
      },
    });
  });
});

describe('times of a peer', () => {
  const ikeOf = (line: string): NonNullable<GatewayConfig['peers'][number]['ike']> => {
    const ike = withIke(`${LOCAL}\n      ${line}`).peers[0]?.ike;
    if (ike === undefined) throw new TypeError(line);
    return ike;
  };

  it.each([
    ['lifetime: 10h', { rekeyMs: 9 * HOUR_MS, jitterMs: 0.9 * HOUR_MS, expireMs: 10 * HOUR_MS }],
    ['lifetime: 36000', { rekeyMs: 9 * HOUR_MS, jitterMs: 0.9 * HOUR_MS, expireMs: 10 * HOUR_MS }],
    [
      'lifetime: { soft: 5h, hard: 10h }',
      { rekeyMs: 5 * HOUR_MS, jitterMs: HOUR_MS / 2, expireMs: 10 * HOUR_MS },
    ],
    [
      'lifetime: { soft: 10h, hard: 10h, jitter: 0s }',
      { rekeyMs: 10 * HOUR_MS, jitterMs: 0, expireMs: 10 * HOUR_MS },
    ],
  ])('%s', (line, lifetime) => {
    expect(ikeOf(line).lifetime).toEqual(lifetime);
  });

  it('say what follows a deletion by the peer', () => {
    const of = (text: string): unknown =>
      withIke(LOCAL, ['      peer: site-b\n', `      peer: site-b\n${text}`]).policies[0]?.ike?.onClose;
    expect(of('')).toBe('trap');
    expect(of('      start: immediately\n')).toBe('restart');
    expect(of('      start: never\n')).toBe('close');
    expect(of('      on_close: restart\n')).toBe('restart');
  });

  it('say how Child SAs begin, and how many there may be', () => {
    expect(ikeOf('')).toMatchObject({ childless: false, mostChildSas: 4096 });
    expect(ikeOf('childless: true').childless).toBe(true);
    expect(ikeOf('most_child_sas: 1').mostChildSas).toBe(1);
  });

  it('say whether addresses may change', () => {
    expect(ikeOf('').mobike).toBe(true);
    expect(ikeOf('mobike: false').mobike).toBe(false);
  });

  it('say how many IKE SAs a peer may have', () => {
    expect(ikeOf('unique: keep').unique).toBe('keep');
  });

  it('are counted in milliseconds', () => {
    expect(ikeOf('liveness: off').livenessMs).toBe(0);
    expect(ikeOf('liveness: 2m').livenessMs).toBe(120_000);
    expect(ikeOf('retransmit: { first: 500ms, tries: 0 }').retransmission).toEqual({
      firstMs: 500,
      factor: 1.8,
      tries: 0,
    });
  });
});

describe('the sa of a policy that IKE keys', () => {
  const policyOf = (lines: string): GatewayConfig['policies'][number] | undefined =>
    withIke(LOCAL, ['      peer: site-b\n', `      peer: site-b\n${lines}\n`]).policies[0];

  it('has what is written', () => {
    const policy = policyOf(
      '      start: immediately\n      populate_from_packet: [remote_address, protocol]\n      lifetime: { bytes: 1GB }\n      replay_window: 64',
    );
    expect(policy?.ike?.start).toBe('immediately');
    expect(policy?.sa).toMatchObject({
      populateFromPacket: ['remoteAddress', 'protocol'],
      replayWindowPackets: 64,
      // A limit of bytes does not take away the one of time.
      lifetime: { timeMs: { hard: 28_800_000 }, bytes: { hard: 1e9 }, packets: undefined },
    });
  });

  it('is told apart from one that is keyed by hand', () => {
    const [manual] = parseConfig(VALID_CONFIG, 'f.yaml', {}).policies;
    expect(manual?.ike).toBeUndefined();
    expect(manual?.sa?.keying).not.toBe('ike');
    expect(manual?.sa?.choices).toBeUndefined();
    expect(manual?.sa?.lifetime).toBeUndefined();
  });
});
