// Every option that is known of ipsec.conf: what an import makes of it, and what of ipsec.secrets and includes.

import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../src/base/errors.ts';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import {
  AUTHORITY,
  RENAMED,
  RENAMED_OF_SIDE,
  SETUP,
  TOLD as TABLE,
  TOLD_OF_SIDE,
} from '../../../../src/management/importing/ipsec-conf-options.ts';
import type { IpsecHost } from '../../../../src/management/importing/translate-connection.ts';
import { imported, type Imported } from '../../../support/imported.ts';

const FILE = '/etc/ipsec.conf';
const SECRETS = '/etc/ipsec.secrets';
const PEER = ['peers', 0] as const;
const IKE = [...PEER, 'ike'] as const;
const POLICY = ['policies', 0] as const;
const SA = [...POLICY, 'sa'] as const;

const BASE: Readonly<Record<string, string>> = {
  left: '192.0.2.1',
  right: '192.0.2.2',
  leftsubnet: '10.1.0.0/24',
  rightsubnet: '10.2.0.0/24',
  authby: 'psk',
  keyexchange: 'ikev2',
  reauth: 'no',
  auto: 'add',
};

const SIDES = {
  [FILE]: `conn net\n${Object.entries(BASE)
    .map(([name, value]) => ` ${name}=${value}\n`)
    .join('')}`,
  [SECRETS]: ': PSK "a secret of the tests"\n',
};

function importWith(options: Readonly<Record<string, string>>, more: string = ''): Imported {
  const lines = Object.entries({ ...BASE, ...options }).map(([name, value]) => `\t${name}=${value}\n`);
  const result = imported(FILE, {
    [FILE]: `${more}conn net\n${lines.join('')}`,
    [SECRETS]: ': PSK "a secret of the tests"\n',
  });
  parseConfig(result.text, 'isthmus.yaml', {});
  return result;
}

function at(config: unknown, path: readonly (string | number)[]): unknown {
  let node = config;
  for (const step of path) node = (node as Readonly<Record<string | number, unknown>> | undefined)?.[step];
  return node;
}

type Carried = readonly [option: string, value: string, at: readonly (string | number)[], found: unknown];

const CARRIED: readonly Carried[] = [
  ['left', '%defaultroute', [...PEER, 'address'], undefined],
  ['right', 'gw.example.org', [...PEER, 'address'], 'gw.example.org'],
  ['leftsubnet', '10.1.0.0/24,fd00:1::/64', [...POLICY, 'selectors', 'local_address'], ['10.1.0.0/24', 'fd00:1::/64']],
  ['rightsubnet', '10.3.0.0/16', [...POLICY, 'selectors', 'remote_address'], ['10.3.0.0/16']],
  ['leftprotoport', 'tcp/443', [...POLICY, 'selectors', 'local_port'], '443'],
  ['rightprotoport', '17/%any', [...POLICY, 'selectors', 'protocol'], 17],
  ['leftid', '@gw-a.example.org', [...IKE, 'local', 'identity'], '@gw-a.example.org'],
  ['rightid', '192.0.2.2', [...IKE, 'remote', 'identity'], '192.0.2.2'],
  ['authby', 'secret', [...IKE, 'local', 'psk', 'file'], 'secret-1.psk'],
  ['leftauth', 'psk', [...IKE, 'local', 'psk', 'file'], 'secret-1.psk'],
  ['rightauth', 'psk', [...IKE, 'local', 'psk', 'file'], 'secret-1.psk'],
  ['rightikeport', '5500', [...PEER, 'port'], 5500],
  ['ike', 'aes256gcm16-prfsha384-ecp256!', [...IKE, 'proposals'], ['aes256gcm16-prfsha384-ecp256']],
  ['esp', 'aes128gcm128-x25519,aes256-sha256!', [...SA, 'proposals'], ['aes128gcm16-x25519', 'aes256-sha256']],
  // Rekeyed 9 minutes before the end, and at most 9 minutes earlier than that.
  ['ikelifetime', '2h', [...IKE, 'lifetime'], { soft: '6660s', hard: '7200s', jitter: '540s' }],
  ['margintime', '10m', [...IKE, 'lifetime'], { soft: '10200s', hard: '10800s', jitter: '600s' }],
  ['rekeymargin', '10m', [...SA, 'lifetime', 'time'], { soft: '3000s', hard: '3600s' }],
  ['rekeyfuzz', '50%', [...IKE, 'lifetime', 'jitter'], '270s'],
  ['lifetime', '20m', [...SA, 'lifetime', 'time'], { soft: '660s', hard: '1200s' }],
  ['keylife', '20m', [...SA, 'lifetime', 'time'], { soft: '660s', hard: '1200s' }],
  ['lifebytes', '5000', [...SA, 'lifetime', 'bytes', 'hard'], 5000],
  ['lifepackets', '5000', [...SA, 'lifetime', 'packets', 'hard'], 5000],
  ['dpdaction', 'restart', [...SA, 'on_close'], 'restart'],
  ['dpdaction', 'hold', [...IKE, 'liveness'], '30s'],
  ['dpdaction', 'clear', [...IKE, 'liveness'], '30s'],
  ['closeaction', 'hold', [...SA, 'on_close'], 'trap'],
  ['closeaction', 'restart', [...SA, 'on_close'], 'restart'],
  ['auto', 'route', [...SA, 'start'], 'on-traffic'],
  ['auto', 'start', [...SA, 'start'], 'immediately'],
  ['mobike', 'no', [...IKE, 'mobike'], false],
  ['type', 'tunnel', [...POLICY, 'action'], 'PROTECT'],
  ['tfc', '%mtu', [...SA, 'tfc_padding'], 'mtu'],
  ['replay_window', '64', [...SA, 'replay_window'], 64],
]; // prettier-ignore

const LEFT_OUT = 'left out';
const CLOSED = 'NOT CARRIED OVER';
const HARMLESS = 'nothing to carry over';
const DIFFERS = 'differs';

const TOLD: readonly (readonly [option: string, value: string, kind: string])[] = [
  ['keyexchange', 'ikev1', CLOSED],
  ['keyexchange', 'ike', HARMLESS],
  ['forceencaps', 'yes', HARMLESS],
  ['fragmentation', 'force', LEFT_OUT],
  ['ikedscp', '101110', LEFT_OUT],
  ['aggressive', 'yes', LEFT_OUT],
  ['modeconfig', 'push', LEFT_OUT],
  ['keyingtries', '%forever', HARMLESS],
  ['dpdtimeout', '150s', HARMLESS],
  ['dpddelay', '30s', HARMLESS],
  ['mediation', 'yes', CLOSED],
  ['mediated_by', 'other', CLOSED],
  ['me_peerid', 'other', CLOSED],
  ['type', 'transport', CLOSED],
  ['type', 'transport_proxy', CLOSED],
  ['reqid', '7', LEFT_OUT],
  ['mark', '42', CLOSED],
  ['mark_in', '42', CLOSED],
  ['mark_out', '42', CLOSED],
  ['inactivity', '10m', LEFT_OUT],
  ['compress', 'yes', LEFT_OUT],
  ['sha256_96', 'yes', CLOSED],
  ['installpolicy', 'no', CLOSED],
  ['ah', 'sha256', CLOSED],
  ['auth', 'ah', CLOSED],
  ['aaa_identity', 'someone', LEFT_OUT],
  ['eap_identity', 'someone', LEFT_OUT],
  ['eap', 'md5', LEFT_OUT],
  ['xauth', 'client', HARMLESS],
  ['xauth_identity', 'someone', LEFT_OUT],
  ['hw_offload', 'yes', LEFT_OUT],
  ['pfs', 'yes', HARMLESS],
  ['pfsgroup', 'modp2048', HARMLESS],
  ['auto', 'add', DIFFERS],
  ['reauth', 'yes', DIFFERS],
  ['rekey', 'no', DIFFERS],
  ['rekey', 'yes', HARMLESS],
  ['ike', 'aes256gcm16-prfsha384-ecp256', DIFFERS],
  ['marginbytes', '1000', HARMLESS],
  ['marginpackets', '1000', HARMLESS],
  ['rekeyfuzz', 'much', LEFT_OUT],
  ['leftikeport', '1234', LEFT_OUT],
  ['leftcert', 'missing.pem', CLOSED],
  ['rightcert', 'missing.pem', CLOSED],
  ['leftsigkey', 'missing.pem', CLOSED],
  ['rightrsasigkey', 'missing.pem', CLOSED],
  ['leftsourceip', '%config', LEFT_OUT],
  ['rightsourceip', '10.3.0.0/16', LEFT_OUT],
  ['leftsendcert', 'never', LEFT_OUT],
  ['leftupdown', '/usr/lib/ipsec/_updown', LEFT_OUT],
  ['lefthostaccess', 'yes', HARMLESS],
  ['rightgroups', 'admins', CLOSED],
  ['rightcertpolicy', '1.2.3', CLOSED],
  ['rightca', '"C=DE, CN=Some CA"', CLOSED],
  ['leftca', '"C=DE, CN=Some CA"', HARMLESS],
  ['leftauth', 'eap-md5', CLOSED],
  ['leftauth2', 'eap', CLOSED],
  ['rightid2', 'someone', CLOSED],
  ['leftcert2', 'other.pem', CLOSED],
  ['leftca2', 'other', CLOSED],
  ['rightgroups2', 'admins', CLOSED],
  ['leftfirewall', 'yes', LEFT_OUT],
  ['leftfirewall', 'no', HARMLESS],
  ['rightdns', '192.0.2.53', LEFT_OUT],
  ['rightallowany', 'yes', LEFT_OUT],
  ['leftnexthop', '192.0.2.254', HARMLESS],
  ['leftsubnetwithin', '10.0.0.0/8', CLOSED],
  ['right', '%192.0.2.2', DIFFERS],
  ['rightsendcert', 'never', LEFT_OUT],
  ['a_new_option', 'yes', LEFT_OUT],
];

describe('is carried over', () => {
  test.each(CARRIED)('%s=%s', (option, value, path, found) => {
    const { config } = importWith(option === 'left' ? { [option]: value } : { [option]: value });
    expect(at(config, path)).toEqual(found);
  });

  test('nothing but addresses: a tunnel from host to host', () => {
    const { config } = importWith({ leftsubnet: '', rightsubnet: '' });
    expect(at(config, [...POLICY, 'selectors'])).toEqual({
      local_address: ['192.0.2.1'],
      remote_address: ['192.0.2.2'],
    });
  });

  test('the side that has an address of this host is its own, as strongSwan has it', () => {
    const { config, lines } = imported(FILE, SIDES, { addresses: ['192.0.2.2'] });
    expect(at(config, [...PEER, 'address'])).toBe('192.0.2.1');
    expect(at(config, [...POLICY, 'selectors', 'local_address'])).toEqual(['10.2.0.0/24']);
    expect(lines.join('\n')).toContain(
      'conn net: right: found "192.0.2.2": differs: it is an address of this host',
    );
  });

  test.each<[string, Partial<IpsecHost>, string, RegExp | undefined]>([
    ['this host has none', {}, '10.1.0.0/24', /left is taken for this side; --local right takes the other one/],
    ['this host has both', { addresses: ['192.0.2.1', '192.0.2.2'] }, '10.1.0.0/24', undefined],
    ['--local left', { local: 'left' }, '10.1.0.0/24', undefined],
    ['--local right', { local: 'right' }, '10.2.0.0/24', undefined],
    ['--local left on the host of right', { local: 'left', addresses: ['192.0.2.2'] }, '10.1.0.0/24', undefined],
    ['--local right on the host of left', { local: 'right', addresses: ['192.0.2.1'] }, '10.2.0.0/24', undefined],
  ])('which side is local: %s', (_, host, network, remark) => {
    const { config, lines } = imported(FILE, SIDES, host);
    expect(at(config, [...POLICY, 'selectors', 'local_address'])).toEqual([network]);
    const remarks = lines.filter((line) => line.includes('for this side'));
    expect(remarks).toHaveLength(remark === undefined ? 0 : 1);
    if (remark !== undefined) expect(remarks[0]).toMatch(remark);
  }); // prettier-ignore

  test('a left that is no address needs no remark; --local is not of swanctl.conf', () => {
    const { lines } = importWith({ left: '%defaultroute' });
    expect(lines.join('\n')).not.toContain('for this side');
    expect(() => imported('/etc/swanctl.conf', { '/etc/swanctl.conf': '' }, { local: 'left' })).toThrow(
      'found --local left with a swanctl.conf, expected it with ipsec.conf only',
    );
  });

  test.each([
    ['passthrough', 'BYPASS', ['other', 'net']],
    ['drop', 'DISCARD', ['net', 'other']],
  ])('type=%s: a %s policy, before or after the tunnels', (type, action, order) => {
    const { config } = importWith(
      {},
      `conn other\n left=127.0.0.1\n leftsubnet=10.1.0.0/24\n rightsubnet=10.2.0.0/24\n type=${type}\n auto=route\n`,
    );
    expect(config.policies.map(({ name }) => name)).toEqual(order);
    expect(config.policies.find(({ name }) => name === 'other')).toMatchObject({ action });
    expect(config.peers).toHaveLength(1);
    expect(config.udp.listen).toEqual(['192.0.2.1:4500']);
  });
});

describe('is told', () => {
  test.each(TOLD)('%s=%s: %s', (option, value, kind) => {
    const { lines, config } = importWith({ [option]: value });
    const line = lines.find((one) => one.includes(`: conn net: ${option}: found `)) ?? lines.join('\n');
    expect(line).toMatch(/^\/etc\/ipsec\.conf:\d+: /);
    expect(line).toContain(`: ${kind}: `);
    const actions = config.policies.map(({ action }) => action);
    if (kind !== CLOSED) expect(actions).toEqual(['PROTECT']);
    else expect(actions).toEqual(['DISCARD']);
  });

  test('what strongSwan does not load, config setup and authorities', () => {
    const { lines, config } = imported(FILE, {
      [FILE]: `version 2.0
config setup
  charondebug="ike 2, cfg 3" # much
  cachecrls=yes
  charonstart=yes
  plutostart=no
  nat_traversal=yes
  uniqueids=never
  strictcrlpolicy=no
  strange=1
ca one
  cacert=missing.pem
  crluri=http://example.org/a.crl
  ocspuri=http://example.org/
  certuribase=http://example.org/
  auto=add
conn ignored
  right=192.0.2.9
`,
    });
    expect(config.policies).toEqual([]);
    for (const [option, kind] of [
      ['config setup: charondebug', HARMLESS],
      ['config setup: strange', LEFT_OUT],
      ['ca one: crluri', LEFT_OUT],
      ['ca one: ocspuri', LEFT_OUT],
      ['ca one: certuribase', LEFT_OUT],
      ['a certificate', LEFT_OUT],
      ['conn ignored', HARMLESS],
      ['config setup: plutostart', HARMLESS],
    ])
      expect(lines.find((line) => line.includes(`: ${option ?? ''}: found `))).toContain(`: ${kind ?? ''}: `);
  });
});

test('there is an example of every option', () => {
  const examples = new Set([...CARRIED, ...TOLD].map(([option]) => option));
  const sides = (table: object): readonly string[] => Object.keys(table);
  const missing = [
    ...[...Object.keys(RENAMED), ...Object.keys(TABLE)].filter((option) => !examples.has(option)),
    ...[...sides(RENAMED_OF_SIDE), ...sides(TOLD_OF_SIDE)].filter(
      (option) => !examples.has(`left${option}`) && !examples.has(`right${option}`),
    ),
  ];
  expect(missing).toEqual([]);
  expect(Object.keys(SETUP).length + Object.keys(AUTHORITY).length).toBeGreaterThan(0);
});

describe('sections', () => {
  test('%default, also, values that are cleared, and what is written twice', () => {
    const { config, lines } = imported(FILE, {
      [FILE]: `conn %default
  authby=psk
  keyexchange=ikev2
  mobike=no
  dpdaction=clear
conn site
  right=192.0.2.2
  rightsubnet=10.2.0.0/24
  mobike=yes
conn other
  rightsubnet=10.9.0.0/24
conn net
  also=site, other
  left=192.0.2.1
  leftsubnet=10.1.0.0/24
  dpdaction=
  auto=add
conn more
  also=net
  leftsubnet=10.3.0.0/24
`,
      [SECRETS]: '192.0.2.1 192.0.2.2 : PSK "one"\n',
    });
    expect(config.policies.map((policy) => at(policy, ['selectors', 'local_address']))).toEqual([
      ['10.1.0.0/24'],
      ['10.3.0.0/24'],
    ]);
    expect(config.peers).toHaveLength(1);
    expect(at(config, [...IKE, 'mobike'])).toBeUndefined();
    expect(at(config, [...IKE, 'liveness'])).toBe('off');
    expect(lines.join('\n')).toContain(
      'rightsubnet: found "10.9.0.0/24": differs: several sections that also names have it',
    );
  });

  test('includes, of sections and of secrets; secrets go to who they are for', () => {
    const { config, files, lines } = imported(FILE, {
      [FILE]: 'include conf.d/*.conf\n',
      '/etc/conf.d/a.conf':
        'conn a\n left=192.0.2.1\n right=192.0.2.2\n leftsubnet=10.1.0.0/24\n rightsubnet=10.2.0.0/24\n authby=psk\n auto=add\n',
      '/etc/conf.d/b.conf':
        'conn b\n left=192.0.2.1\n right=192.0.2.3\n rightid=@b.example.org\n leftsubnet=10.1.0.0/24\n rightsubnet=10.3.0.0/24\n authby=psk\n auto=add\n',
      [SECRETS]: `# secrets
include more.secrets
192.0.2.2 : PSK 'for a'
someone : EAP "not shown"
: P12 box.p12 "not shown"
: RSA missing.key "not shown"
`,
      '/etc/more.secrets': '@b.example.org\n   192.0.2.1 : PSK 0sZm9yIGI=\n',
    });
    expect(config.peers?.map((peer) => at(peer, ['ike', 'local', 'psk', 'file']))).toEqual([
      'secret-3.psk',
      'secret-1.psk',
    ]);
    expect(files.map(({ name, text, isSecret }) => [name, text, isSecret])).toEqual([
      ['secret-3.psk', 'for a\n', true],
      ['secret-1.psk', 'for b\n', true],
    ]);
    expect(lines.join('\n')).not.toContain('not shown');
    expect(lines.filter((line) => line.startsWith(SECRETS)).length).toBe(4);
  });

  test.each([
    ['conn a\n  also=nobody\n', '/etc/ipsec.conf:2: found also="nobody"'],
    ['conn a\n  also=b\nconn b\n  also=a\n', 'that does not lead back'],
    ['  left=1\n', '/etc/ipsec.conf:1: found an option outside of a section'],
    ['conn a\n  left\n', '/etc/ipsec.conf:2: found no ='],
    ['connection a\n', '/etc/ipsec.conf:1: found "connection a", expected config setup, conn NAME'],
    ['include ipsec.conf\n', '/etc/ipsec.conf: includes itself'],
  ])('what is refused: %j', (text, message) => {
    expect(() => imported(FILE, { [FILE]: text })).toThrow(message);
    expect(() => imported(FILE, { [FILE]: text })).toThrow(ConfigError);
  });
});
