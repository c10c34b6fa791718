// Every option of a connection that is carried over: what it becomes in the configuration. Those that change nothing are
// taken with these values, and refused with others (refused-options.test.ts).

import { describe, expect, test } from 'vitest';
import { formatAddress, type AddressRange } from '../../../../src/base/address.ts';
import type {
  IkePeerConfig,
  PeerConfig,
  PolicyConfig,
} from '../../../../src/management/config/gateway-config.ts';
import { proposalText } from '../../../../src/management/vici/algorithm-names.ts';
import {
  composedWith,
  connectionWith,
  sourceOf,
  withConnection,
  type Options,
} from '../../../support/loaded.ts';
import { NOTHING } from '../../../../src/management/loading/loaded-things.ts';
import { composeLoaded } from '../../../../src/management/loading/compose-loaded.ts';
import { exactIdentity, formatIdentity } from '../../../../src/pad/identity.ts';

interface Carried {
  readonly peer: PeerConfig;
  readonly ike: IkePeerConfig;
  readonly policy: PolicyConfig;
}

function carried(options: Options): Carried {
  const { config, closed } = composedWith(options);
  expect([...closed]).toEqual([]);
  const [peer] = config.peers;
  const [policy] = config.policies;
  if (peer?.ike === undefined || policy === undefined) throw new TypeError('no peer, or no policy');
  return { peer, ike: peer.ike, policy };
}

test('a plain connection is a peer with ike and a PROTECT policy, as the file would have them', () => {
  const { peer, ike, policy } = carried({});
  expect(peer).toMatchObject({ name: 'gw-gw', port: 4500, dnsName: undefined, followAddress: false });
  expect(peer.address && formatAddress(peer.address)).toBe('10.200.0.2');
  expect(ike.local.identity && formatIdentity(ike.local.identity)).toBe('10.200.0.1');
  expect(ike.remote.identity.text).toBe('10.200.0.2');
  expect(ike.local.credentials).toMatchObject({
    kind: 'psk',
    psk: {
      loadedAs: 'connection "gw-gw"',
      source: { kind: 'loaded', secret: { name: 'loaded secret ike-peer' } },
    },
  });
  expect(ike.remote.credentials).toBe(ike.local.credentials);
  expect(ike).toMatchObject({ livenessMs: 0, mobike: true, childless: false, unique: 'replace' });
  // strongSwan's defaults: rekey_time 4h, over_time and rand_time a tenth of it; 1h and a tenth for a child.
  expect(ike.lifetime).toEqual({ rekeyMs: 14_400_000, expireMs: 15_840_000, jitterMs: 1_440_000 });
  expect(policy).toMatchObject({
    name: 'net',
    action: 'PROTECT',
    line: 0,
    sa: {
      ...{ peer: 'gw-gw', mode: 'tunnel', keying: 'ike', transform: 'aes256gcm16', esn: false },
      lifetime: { timeMs: { soft: 3_600_000, hard: 3_960_000 }, bytes: undefined, packets: undefined },
      replayWindowPackets: 1024,
      tunnel: { dscp: 'copy', df: 'copy', tfcPaddedBytes: 0, dummyPacketsPerSecond: 0 },
    },
    ike: { start: 'never', onClose: 'close', remoteNames: undefined },
  });
});

test('remote_addrs: several, of which the first is begun with; who the peer is has to be said', () => {
  const { peer } = carried({ remote_addrs: ['10.200.0.2', '10.200.0.3'] });
  expect([peer.address, ...peer.otherAddresses].map((one) => one && formatAddress(one))).toEqual([
    ...['10.200.0.2', '10.200.0.3'],
  ]);
  const anonymous = { remote_addrs: ['10.200.0.2', '10.200.0.3'], remote: { id: undefined } };
  expect(() => composedWith(anonymous)).toThrow(
    /remote\.id: found nothing, expected the identity of the peer/,
  );
});

describe('of a connection', () => {
  test.each<[string, Options, (carried: Carried) => unknown, unknown]>([
    ['remote_addrs', { remote_addrs: ['gw.example.org'] }, ({ peer }) => peer.dnsName, 'gw.example.org'],
    [
      'remote_addrs: %any',
      { remote_addrs: ['%any'] },
      ({ peer }) => [peer.address, peer.followAddress],
      [undefined, true],
    ],
    ['remote_addrs that are not there', { remote_addrs: [] }, ({ peer }) => peer.address, undefined],
    ['remote_port: 500', { remote_port: '500' }, ({ peer }) => peer.port, 4500],
    ['remote_port', { remote_port: '5500' }, ({ peer }) => peer.port, 5500],
    ['local_addrs: %any', { local_addrs: ['%any'] }, ({ peer }) => peer.name, 'gw-gw'],
    [
      'proposals',
      { proposals: ['aes128-sha2_256-modp3072', 'aes256gcm128-prfsha384-ecp384'] },
      ({ ike }) => ike.proposals.map(proposalText),
      [
        'AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_3072',
        'AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384',
      ],
    ],
    ['proposals: default', { proposals: ['default'] }, ({ ike }) => ike.proposals.length, 2],
    ['no proposals', { proposals: [] }, ({ ike }) => ike.proposals.length, 2],
    [
      'rekey_time, over_time, rand_time',
      { rekey_time: '90m', over_time: '600', rand_time: '30s' },
      ({ ike }) => ike.lifetime,
      { rekeyMs: 5_400_000, expireMs: 6_000_000, jitterMs: 30_000 },
    ],
    ['dpd_delay', { dpd_delay: '30s' }, ({ ike }) => ike.livenessMs, 30_000],
    ['mobike', { mobike: 'no' }, ({ ike }) => ike.mobike, false],
    ['childless', { childless: 'prefer' }, ({ ike }) => ike.childless, true],
    ['unique: keep', { unique: 'keep' }, ({ ike }) => ike.unique, 'keep'],
    ['unique: never', { unique: 'never' }, ({ ike }) => ike.unique, 'never'],
    ['unique: no', { unique: 'no' }, ({ ike }) => ike.unique, 'replace'],
  ])('%s', (_name, options, read, expected) => {
    expect(read(carried(options))).toEqual(expected);
  });

  test.each<[string, string | undefined, string]>([
    ['no id', undefined, '10.200.0.1'],
    ['%any', '%any', '10.200.0.1'],
    ['a name', 'moon.strongswan.org', 'moon.strongswan.org'],
    ['a mail address', '@@admin@example.org', 'admin@example.org'],
    ['rfc822:', 'rfc822:admin@example.org', 'admin@example.org'],
    ['dns:', 'dns:gw.example.org', 'gw.example.org'],
    ['a key id', '@#0a1b', '@#0a1b'],
    ['keyid:', 'keyid:ab', '@#6162'],
    ['a distinguished name', 'C=DE, O=Lab, CN=gw', 'C=DE, O=Lab, CN=gw'],
  ])('local.id: %s', (_what, id, expected) => {
    const { ike } = carried({ local: { id } });
    expect(ike.local.identity && formatIdentity(ike.local.identity)).toBe(expected);
  });

  test('remote.id: missing it is the address; patterns as well', () => {
    expect(carried({ remote: { id: undefined } }).ike.remote.identity.text).toBe('10.200.0.2');
    const { identity } = carried({ remote: { id: '*.example.org' } }).ike.remote;
    expect(exactIdentity(identity)).toBeUndefined();
  });
});

describe('of a child', () => {
  test.each<[string, Options, (policy: PolicyConfig) => unknown, unknown]>([
    [
      'esp_proposals',
      { esp_proposals: ['aes128gcm64-ecp256-esn', 'aes-sha256'] },
      ({ ike }) => ike?.proposals.map(proposalText),
      ['AES_GCM_8_128/ECP_256/EXT_SEQ', 'AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ'],
    ],
    ['no esp_proposals', { esp_proposals: undefined }, ({ ike }) => ike?.proposals.length, 4],
    [
      'rekey_time, life_time',
      { rekey_time: '600', life_time: '15m', rand_time: '1m' },
      ({ sa }) => sa?.lifetime?.timeMs,
      { soft: 600_000, hard: 900_000 },
    ],
    [
      'rekey_bytes, life_bytes',
      { rekey_bytes: '500000000', life_bytes: '1g', rand_bytes: '1m' },
      ({ sa }) => sa?.lifetime?.bytes,
      { soft: 500_000_000, hard: 2 ** 30 },
    ],
    ['rekey_bytes', { rekey_bytes: '1000' }, ({ sa }) => sa?.lifetime?.bytes, { soft: 1000, hard: 1100 }],
    [
      'rekey_packets, life_packets',
      { rekey_packets: '1000', life_packets: '2000', rand_packets: '10' },
      ({ sa }) => sa?.lifetime?.packets,
      { soft: 1000, hard: 2000 },
    ],
    ['start_action: trap', { start_action: 'trap' }, actions, ['on-traffic', 'trap']],
    ['start_action: start', { start_action: 'start' }, actions, ['immediately', 'trap']],
    ['start_action: trap|start', { start_action: 'trap|start' }, actions, ['immediately', 'trap']],
    ['dpd_action: restart', { dpd_action: 'restart' }, actions, ['never', 'restart']],
    ['dpd_action: clear', { dpd_action: 'clear', close_action: 'trap' }, actions, ['never', 'trap']],
    ['close_action: start', { close_action: 'start', dpd_action: 'trap' }, actions, ['never', 'restart']],
    ['close_action: none', { close_action: 'none' }, actions, ['never', 'close']],
    ['priority', { priority: '7' }, ({ priority }) => priority, 7],
    ['replay_window', { replay_window: '64' }, ({ sa }) => sa?.replayWindowPackets, 64],
    ['tfc_padding', { tfc_padding: '1000' }, ({ sa }) => sa?.tunnel?.tfcPaddedBytes, 1000],
    ['tfc_padding: mtu', { tfc_padding: 'mtu' }, ({ sa }) => sa?.tunnel?.tfcPaddedBytes, 'mtu'],
    ['tfc_padding: 0', { tfc_padding: '0' }, ({ sa }) => sa?.tunnel?.tfcPaddedBytes, 0],
    ['copy_df', { copy_df: 'no' }, ({ sa }) => sa?.tunnel?.df, 'clear'],
    ['copy_dscp: out', { copy_dscp: 'out' }, ({ sa }) => sa?.tunnel?.dscp, 'copy'],
    ['copy_dscp: no', { copy_dscp: 'no' }, ({ sa }) => sa?.tunnel?.dscp, 0],
    [
      'local_ts with a protocol and a port',
      { local_ts: ['10.1.0.0/24[tcp/80]', '10.1.1.0/24[tcp/80]'], remote_ts: ['10.2.0.0/24'] },
      ({ selectors: { localAddress, protocol, localPort, remotePort } }) => [
        localAddress?.map(({ first }) => formatAddress(first)),
        protocol,
        localPort,
        remotePort,
      ],
      [['10.1.0.0', '10.1.1.0'], 6, [{ first: 80, last: 80 }], undefined],
    ],
    [
      'remote_ts with ports, a range of addresses and a number',
      { remote_ts: '10.2.0.1-10.2.0.9[17/1024-65535]' },
      ({ selectors: { remoteAddress, protocol, remotePort } }) => [
        remoteAddress?.map(({ first, last }) => `${formatAddress(first)}-${formatAddress(last)}`),
        protocol,
        remotePort,
      ],
      [['10.2.0.1-10.2.0.9'], 17, [{ first: 1024, last: 65_535 }]],
    ],
    [
      'local_ts of a protocol without ports',
      { local_ts: 'fd00:1::/64[ipv6-icmp]', remote_ts: 'fd00:2::/64[58]' },
      ({ selectors: { protocol, localPort } }) => [protocol, localPort],
      [58, undefined],
    ],
  ])('%s', (_name, options, read, expected) => {
    expect(read(carried({ child: options }).policy)).toEqual(expected);
  });

  test.each<[string, Options, readonly string[], readonly string[]]>([
    ['dynamic', { local_ts: 'dynamic', remote_ts: '10.2.0.0/24' }, ['10.200.0.1-10.200.0.1'], ['10.2.0.0-10.2.0.255']],
    ['nothing', { local_ts: undefined, remote_ts: undefined }, ['10.200.0.1-10.200.0.1'], ['10.200.0.2-10.200.0.2']],
    ['dynamic among others', { remote_ts: ['10.2.0.0/24', 'dynamic'] }, ['10.1.0.0-10.1.0.255'], ['10.2.0.0-10.2.0.255', '10.200.0.2-10.200.0.2']],
  ])('networks: %s stands for the address of the connection', (_name, child, local, remote) => {
    const { selectors } = carried({ child }).policy;
    expect([rangesText(selectors.localAddress), rangesText(selectors.remoteAddress)]).toEqual([local, remote]);
  }); // prettier-ignore

  test('networks: dynamic with protocol and port, and of IPv6', () => {
    const ends = { local_addrs: 'fd00:200::1', remote_addrs: 'fd00:200::2', local: { id: 'fd00:200::1' } };
    const { selectors } = carried({
      ...{ ...ends, remote: { id: '10.200.0.2' } },
      child: { local_ts: 'dynamic[tcp/443]', remote_ts: 'dynamic[tcp]' },
    }).policy;
    expect(selectors).toMatchObject({ protocol: 6, localPort: [{ first: 443, last: 443 }] });
    expect(rangesText(selectors.remoteAddress)).toEqual(['fd00:200::2-fd00:200::2']);
  });

  test('priorities: what is narrower is met first, whatever was loaded first', () => {
    const children = {
      all: { local_ts: '0.0.0.0/0', remote_ts: '0.0.0.0/0' },
      one: { local_ts: '10.1.0.0/24', remote_ts: '10.2.0.7/32' },
      web: { local_ts: '10.1.0.0/24', remote_ts: '10.2.0.0/24[tcp/443]' },
      net: { local_ts: '10.1.0.0/24', remote_ts: '10.2.0.0/24' },
      wide: { local_ts: '10.1.0.0/24, 10.0.0.0/8', remote_ts: '10.2.0.0/24' },
    };
    const { config } = composeLoaded(sourceOf(), withConnection('c', { ...connectionWith({}), children }));
    const ordered = config.policies.toSorted((one, other) => one.priority - other.priority);
    expect(ordered.map(({ name }) => name)).toEqual(['one', 'web', 'net', 'wide', 'all']);
    expect(Math.min(...ordered.map(({ priority }) => priority))).toBeGreaterThanOrEqual(1_000_000);
  });
});

function rangesText(ranges: readonly AddressRange[] | undefined): readonly string[] | undefined {
  return ranges?.map(({ first, last }) => `${formatAddress(first)}-${formatAddress(last)}`);
}

function actions({ ike }: PolicyConfig): unknown {
  return [ike?.start, ike?.onClose];
}

test('what means nothing here is passed over', () => {
  const plain = carried({});
  const connection = {
    ...{ version: '0', local_port: '500', aggressive: 'no', pull: 'yes', dscp: '000000', encap: 'yes' },
    ...{ fragmentation: 'yes', dpd_timeout: '150s', send_certreq: 'yes', send_cert: 'ifasked' },
    ...{ ppk_required: 'no', keyingtries: '%forever', reauth_time: '0', if_id_in: '0', if_id_out: '0' },
    ...{ mediation: 'no', vips: '', pools: '' },
    local: { round: '1' },
    remote: { revocation: 'relaxed' },
    child: {
      ...{ sha256_96: 'no', hostaccess: 'no', mode: 'tunnel', policies: 'yes', policies_fwd_out: 'no' },
      ...{ ipcomp: 'no', inactivity: '0s', reqid: '0', mark_in: '0', mark_in_sa: 'no', mark_out: '0x0/0x0' },
      ...{ set_mark_in: '0', set_mark_out: '0', if_id_in: '0', if_id_out: '0', label_mode: 'system' },
      ...{ hw_offload: 'auto', copy_ecn: 'yes' },
    },
  };
  const { peer, policy } = carried(connection);
  expect({ ...peer, ike: undefined }).toEqual({ ...plain.peer, ike: undefined });
  expect(policy).toEqual(plain.policy);
});

describe('children of mode pass and drop', () => {
  const SHUNTS: Options = {
    remote_addrs: ['127.0.0.1'],
    children: {
      lan: { local_ts: ['10.1.0.0/16'], remote_ts: ['10.1.0.0/16'], mode: 'pass', start_action: 'trap' },
      bad: {
        local_ts: ['10.1.0.0/16'],
        remote_ts: ['10.6.6.0/24[tcp/25]'],
        mode: 'drop',
        start_action: 'trap',
      },
    },
  };

  test('are BYPASS and DISCARD policies; a connection of nothing else needs no peer and no proof', () => {
    const { config, closed } = composeLoaded(sourceOf(), withConnection('shunts', SHUNTS, NOTHING));
    expect([...closed]).toEqual([]);
    expect(config.peers).toEqual([]);
    expect(config.policies.map(({ name, action, sa }) => [name, action, sa])).toEqual([
      ['lan', 'BYPASS', undefined],
      ['bad', 'DISCARD', undefined],
    ]);
  });

  test('what passes is met before tunnels, and what is dropped after them, whatever is narrower', () => {
    const shunt = (mode: string, remote: string): Options => ({
      ...{ local_ts: '10.1.0.0/16', remote_ts: remote, mode, start_action: 'start' },
    });
    const children = {
      bad: shunt('drop', '10.2.0.0/16'),
      net: { local_ts: '10.1.0.0/24', remote_ts: '10.2.0.0/24' },
      lan: shunt('pass', '10.2.0.0/28'),
      // Its own priority says more.
      late: { ...shunt('pass', '0.0.0.0/0'), priority: '3000000' },
    };
    const { config } = composeLoaded(sourceOf(), withConnection('c', { ...connectionWith({}), children }));
    const ordered = config.policies.toSorted((one, other) => one.priority - other.priority);
    expect(ordered.map(({ name }) => name)).toEqual(['lan', 'net', 'bad', 'late']);
  });

  test('stay as they are where the connection is closed; what it was to protect is discarded', () => {
    const both = connectionWith({});
    const children = { ...(both['children'] as Options), ...(SHUNTS['children'] as Options) };
    const { config, closed } = composeLoaded(
      sourceOf(),
      withConnection('gw-gw', { ...both, children }, NOTHING),
    );
    expect([...closed.keys()]).toEqual(['gw-gw']);
    expect(Object.fromEntries(config.policies.map(({ name, action }) => [name, action]))).toEqual({
      ...{ net: 'DISCARD', lan: 'BYPASS', bad: 'DISCARD' },
    });
  });

  test('that strongSwan would not install are refused', () => {
    const lan = { local_ts: ['10.1.0.0/16'], remote_ts: ['10.1.0.0/16'], mode: 'pass' };
    expect(() => withConnection('shunts', { children: { lan } }, NOTHING)).toThrow(
      'children.lan.start_action: found nothing, expected trap: a policy of mode pass or drop is in force when it is loaded',
    );
  });
});
