// Every option that is known of a connection in swanctl.conf: what an import makes of it. Whatever stands in a file, it is
// in the configuration then, or in the list of what is not.

import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import { readConnection } from '../../../../src/management/loading/read-connection.ts';
import type { ViciElement, ViciSection } from '../../../../src/management/vici/message.ts';
import { imported, type Imported } from '../../../support/imported.ts';
import { connectionWith, viciSection } from '../../../support/loaded.ts';

type Level = 'connection' | 'child' | 'local' | 'remote';
/** An option, a value, and what says that it was carried over: where it is in the configuration, and what stands there. */
type Carried = readonly [
  Level,
  option: string,
  value: string,
  at: readonly (string | number)[],
  found: unknown,
];
/** An option, a value, and how the notice goes on. */
type Told = readonly [Level, option: string, value: string, kind: string];

const FILE = '/etc/swanctl/swanctl.conf';
const PEER = ['peers', 0] as const;
const IKE = [...PEER, 'ike'] as const;
const SA = ['policies', 0, 'sa'] as const;

const CARRIED: readonly Carried[] = [
  ['connection', 'remote_addrs', 'gw.example.org', [...PEER, 'address'], 'gw.example.org'],
  ['connection', 'remote_port', '5500', [...PEER, 'port'], 5500],
  ['connection', 'local_addrs', '192.0.2.77', ['udp', 'listen'], ['192.0.2.77:4500']],
  ['connection', 'proposals', 'aes128-sha256-ecp256, nonsense', [...IKE, 'proposals'], ['aes128-sha256-ecp256']],
  ['connection', 'rekey_time', '2h', [...IKE, 'lifetime', 'soft'], '7200s'],
  ['connection', 'over_time', '1000', [...IKE, 'lifetime', 'hard'], '15400s'],
  ['connection', 'rand_time', '7m', [...IKE, 'lifetime', 'jitter'], '420s'],
  ['connection', 'dpd_delay', '30s', [...IKE, 'liveness'], '30s'],
  ['connection', 'unique', 'never', [...IKE, 'unique'], 'never'],
  ['connection', 'mobike', 'no', [...IKE, 'mobike'], false],
  ['connection', 'childless', 'prefer', [...IKE, 'childless'], true],
  ['local', 'id', 'gw-a.example.org', [...IKE, 'local', 'identity'], 'gw-a.example.org'],
  ['local', 'auth', 'psk', [...IKE, 'local', 'psk', 'file'], 'ike-a.psk'],
  ['remote', 'id', '192.0.2.2', [...IKE, 'remote', 'identity'], '192.0.2.2'],
  ['remote', 'auth', 'psk', [...IKE, 'local', 'psk', 'file'], 'ike-a.psk'],
  ['child', 'local_ts', '10.9.0.0/24[tcp/443]', ['policies', 0, 'selectors'], {
    local_address: ['10.9.0.0/24'],
    remote_address: ['10.2.0.0/24'],
    protocol: 6,
    local_port: '443',
  }],
  ['child', 'remote_ts', 'fd00:2::/64, 10.2.0.1-10.2.0.9', ['policies', 0, 'selectors', 'remote_address'], ['fd00:2::/64', '10.2.0.1-10.2.0.9']],
  ['child', 'esp_proposals', 'aes128gcm128-x25519, aes128-sha1', [...SA, 'proposals'], ['aes128gcm16-x25519']],
  ['child', 'start_action', 'trap', [...SA, 'start'], 'on-traffic'],
  ['child', 'start_action', 'start', [...SA, 'start'], 'immediately'],
  ['child', 'dpd_action', 'restart', [...SA, 'on_close'], 'restart'],
  ['child', 'close_action', 'trap', [...SA, 'on_close'], 'trap'],
  ['child', 'rekey_time', '30m', [...SA, 'lifetime', 'time', 'soft'], '1800s'],
  ['child', 'life_time', '5000', [...SA, 'lifetime', 'time', 'hard'], '5000s'],
  ['child', 'rekey_bytes', '1g', [...SA, 'lifetime', 'bytes', 'soft'], 2 ** 30],
  ['child', 'life_bytes', '2m', [...SA, 'lifetime', 'bytes', 'hard'], 2 ** 21],
  ['child', 'rekey_packets', '1000', [...SA, 'lifetime', 'packets', 'soft'], 1000],
  ['child', 'life_packets', '5000', [...SA, 'lifetime', 'packets', 'hard'], 5000],
  ['child', 'replay_window', '64', [...SA, 'replay_window'], 64],
  ['child', 'tfc_padding', 'mtu', [...SA, 'tfc_padding'], 'mtu'],
  ['child', 'copy_df', 'no', [...SA, 'df'], 'clear'],
  ['child', 'copy_dscp', 'no', [...SA, 'dscp'], 0],
  ['child', 'mode', 'tunnel', ['policies', 0, 'action'], 'PROTECT'],
]; // prettier-ignore

const LEFT_OUT = 'left out';
const CLOSED = 'NOT CARRIED OVER';
const HARMLESS = 'nothing to carry over';
const TOLD: readonly Told[] = [
  ['connection', 'version', '1', CLOSED],
  ['connection', 'version', '2', HARMLESS],
  ['connection', 'local_port', '1234', LEFT_OUT],
  ['connection', 'vips', '0.0.0.0', LEFT_OUT],
  ['connection', 'pools', 'pool', LEFT_OUT],
  ['connection', 'aggressive', 'yes', LEFT_OUT],
  ['connection', 'pull', 'no', LEFT_OUT],
  ['connection', 'dscp', '101110', LEFT_OUT],
  ['connection', 'encap', 'yes', HARMLESS],
  ['connection', 'fragmentation', 'force', LEFT_OUT],
  ['connection', 'dpd_timeout', '150s', HARMLESS],
  ['connection', 'send_certreq', 'no', LEFT_OUT],
  ['connection', 'send_cert', 'never', LEFT_OUT],
  ['connection', 'ppk_id', 'someone', LEFT_OUT],
  ['connection', 'ppk_required', 'yes', CLOSED],
  ['connection', 'keyingtries', '0', HARMLESS],
  ['connection', 'reauth_time', '1h', LEFT_OUT],
  ['connection', 'if_id_in', '42', CLOSED],
  ['connection', 'if_id_out', '%unique', CLOSED],
  ['connection', 'mediation', 'yes', CLOSED],
  ['connection', 'mediated_by', 'other', CLOSED],
  ['connection', 'mediation_peer', 'other', CLOSED],
  ['connection', 'a_new_option', 'yes', LEFT_OUT],
  ['connection', 'remote_addrs', '192.0.2.2, 192.0.2.3', CLOSED],
  ['connection', 'local_addrs', 'gw.example.org', LEFT_OUT],
  ['local', 'round', '1', HARMLESS],
  ['local', 'eap_id', 'someone', LEFT_OUT],
  ['local', 'aaa_id', 'someone', LEFT_OUT],
  ['local', 'xauth_id', 'someone', LEFT_OUT],
  ['local', 'auth', 'eap-md5', CLOSED],
  ['local', 'certs', 'missing.pem', CLOSED],
  ['local', 'pubkeys', 'missing.pem', CLOSED],
  ['remote', 'round', '1', HARMLESS],
  ['remote', 'eap_id', 'someone', LEFT_OUT],
  ['remote', 'groups', 'admins', CLOSED],
  ['remote', 'cert_policy', '1.2.3', CLOSED],
  ['remote', 'ca_id', 'C=DE, CN=Some CA', CLOSED],
  ['remote', 'revocation', 'strict', CLOSED],
  ['remote', 'auth', 'eap-radius', CLOSED],
  ['remote', 'certs', 'missing.pem', CLOSED],
  ['remote', 'cacerts', 'missing.pem', CLOSED],
  ['remote', 'pubkeys', 'missing.pem', CLOSED],
  ['child', 'ah_proposals', 'sha256', CLOSED],
  ['child', 'sha256_96', 'yes', CLOSED],
  ['child', 'updown', '/usr/lib/ipsec/_updown iptables', LEFT_OUT],
  ['child', 'hostaccess', 'yes', HARMLESS],
  ['child', 'mode', 'transport', CLOSED],
  ['child', 'policies', 'no', CLOSED],
  ['child', 'policies_fwd_out', 'yes', LEFT_OUT],
  ['child', 'ipcomp', 'yes', LEFT_OUT],
  ['child', 'inactivity', '10m', LEFT_OUT],
  ['child', 'reqid', '7', LEFT_OUT],
  ['child', 'interface', 'eth1', CLOSED],
  ['child', 'mark_in', '42', CLOSED],
  ['child', 'mark_in_sa', 'yes', CLOSED],
  ['child', 'mark_out', '42/0xff', CLOSED],
  ['child', 'set_mark_in', '7', CLOSED],
  ['child', 'set_mark_out', '7', CLOSED],
  ['child', 'if_id_in', '42', CLOSED],
  ['child', 'if_id_out', '42', CLOSED],
  ['child', 'label', 'system_u:object_r:x', CLOSED],
  ['child', 'label_mode', 'selinux', CLOSED],
  ['child', 'hw_offload', 'crypto', LEFT_OUT],
  ['child', 'copy_ecn', 'no', LEFT_OUT],
  ['child', 'rand_time', '5m', HARMLESS],
  ['child', 'rand_bytes', '1000', HARMLESS],
  ['child', 'rand_packets', '1000', HARMLESS],
  ['child', 'priority', '7x', LEFT_OUT],
  ['child', 'start_action', 'sometimes', LEFT_OUT],
  ['child', 'start_action', 'none', 'differs'],
  ['child', 'local_ts', '10.1.0.0/24[tcp/http]', CLOSED],
  ['child', 'a_new_option', 'yes', LEFT_OUT],
];

/** `priority` says where in the order, which has numbers of its own. */
const ORDERED = ['priority'];

type Written = Partial<Record<Level, Readonly<Record<string, string>>>>;

const BASE: Required<Written> = {
  connection: { local_addrs: '192.0.2.1', remote_addrs: '192.0.2.2' },
  local: { auth: 'psk', id: '192.0.2.1' },
  remote: { auth: 'psk' },
  child: { local_ts: '10.1.0.0/24', remote_ts: '10.2.0.0/24' },
};

function text(written: Written): string {
  const lines = (level: Level): string =>
    Object.entries({ ...BASE[level], ...written[level] })
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('');
  return `connections {
gw {
${lines('connection')}
local {
${lines('local')}
}
remote {
${lines('remote')}
}
children {
net {
${lines('child')}
}
}
}
}
secrets { ike-a { secret = "a secret of the tests" } }
`;
}

function importWith(level: Level, option: string, value: string): Imported {
  const result = imported(FILE, { [FILE]: text({ [level]: { [option]: value } }) });
  // Whatever is in it, `isthmus check` takes it.
  parseConfig(result.text, 'isthmus.yaml', {});
  expect(result.text).not.toContain('a secret of the tests');
  return result;
}

const PATHS: Readonly<Record<Level, string>> = {
  connection: 'connections.gw.',
  local: 'connections.gw.local.',
  remote: 'connections.gw.remote.',
  child: 'connections.gw.children.net.',
};

describe('is carried over', () => {
  test.each(CARRIED)('%s: %s = %s', (level, option, value, at, found) => {
    const { config } = importWith(level, option, value);
    let node: unknown = config;
    for (const step of at) node = (node as Readonly<Record<string | number, unknown>>)[step];
    expect(node).toEqual(found);
  });

  test('children.NAME.priority: what is first for strongSwan is first here', () => {
    const child = (name: string, more: string): string =>
      `${name} { local_ts = 10.1.0.0/24\n remote_ts = 10.2.${name.length}.0/24\n ${more}\n }`;
    const files = text({}).replace(
      /net \{[^}]*\}/,
      [child('a', ''), child('bb', 'priority = 7'), child('ccc', 'priority = 9')].join('\n'),
    );
    const { config } = imported(FILE, { [FILE]: files });
    expect(config.policies.map(({ name }) => name)).toEqual(['bb', 'ccc', 'a']);
  });
});

describe('is told', () => {
  test.each(TOLD)('%s: %s = %s: %s', (level, option, value, kind) => {
    const { lines, config } = importWith(level, option, value);
    const line = lines.find((one) => one.includes(`${PATHS[level]}${option}: found `)) ?? lines.join('\n');
    expect(line).toMatch(/^\/etc\/swanctl\/swanctl\.conf:\d+: /);
    expect(line).toContain(`: ${kind}: `);
    // What would have been protected is not left open.
    const actions = config.policies.map(({ action }) => action);
    if (kind !== CLOSED) expect(actions).toEqual(['PROTECT']);
    else if (option !== 'local_ts') expect(actions).toEqual(['DISCARD']);
  });
});

/** Every option that is asked for when a connection is read, by its level. */
function knownOptions(): ReadonlyMap<Level, ReadonlySet<string>> {
  const known = new Map<Level, Set<string>>();
  const watched = (section: ViciSection, level: Level): ViciSection => {
    const asked = new Set<string>();
    known.set(level, asked);
    const map = new Map<string, ViciElement>();
    for (const [name, element] of section) map.set(name, element);
    map.get = (name: string): ViciElement | undefined => {
      asked.add(name);
      return Map.prototype.get.call(map, name) as ViciElement | undefined;
    };
    return map;
  };
  const plain = viciSection(connectionWith({})) as Map<string, ViciElement>;
  const children = plain.get('children') as Map<string, ViciElement>;
  const of = (name: 'local' | 'remote'): ViciSection => watched(plain.get(name) as ViciSection, name);
  const own = new Set<string>();
  const connection = new Map([
    ...plain,
    ['local', of('local')] as const,
    ['remote', of('remote')] as const,
    ['children', new Map([['net', watched(children.get('net') as ViciSection, 'child')]])] as const,
  ]);
  // The options of the connection itself are read from a copy.
  const get = Reflect.get(Map.prototype, 'get') as (name: unknown) => unknown;
  Map.prototype.get = function (this: Map<unknown, unknown>, name: unknown): unknown {
    if (typeof name === 'string' && this.has('remote_addrs')) own.add(name);
    return Reflect.apply(get, this, [name]);
  };
  try {
    readConnection('gw', connection);
  } finally {
    Map.prototype.get = get as typeof Map.prototype.get;
  }
  own.delete('children');
  return known.set('connection', own);
}

test('there is an example of every option', () => {
  const examples = [...CARRIED, ...TOLD].map(([level, option]) => `${level}: ${option}`);
  const missing = [...knownOptions()].flatMap(([level, options]) =>
    [...options]
      .filter((option) => !ORDERED.includes(option))
      .map((option) => `${level}: ${option}`)
      .filter((option) => !examples.includes(option)),
  );
  expect(missing).toEqual([]);
});
