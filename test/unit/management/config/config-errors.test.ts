import { describe, expect, it } from 'vitest';

import { errorsAfter, errorsOf, VALID_CONFIG, type ErrorCase } from './error-cases.ts';

const CASES: readonly ErrorCase[] = [
  {
    what: 'no word about the guard',
    replace: ['guard: none\n', ''],
    errors: [
      '1:1: guard: found nothing, expected {interfaces: [eth0]} with the names of the unprotected interfaces, or none for no guard',
    ],
  },
  {
    what: 'a guard that is neither',
    replace: ['guard: none', 'guard: eth0'],
    errors: [
      '26:8: guard: found "eth0", expected {interfaces: [eth0]} with the names of the unprotected interfaces, or none for no guard',
    ],
  },
  {
    what: 'a guard of no interface',
    replace: ['guard: none', 'guard: { interfaces: [] }'],
    errors: [
      '26:22: guard.interfaces: found a list, expected {interfaces: [eth0]} with the names of the unprotected interfaces, or none for no guard',
    ],
  },
  {
    what: 'an unknown key in the guard',
    replace: ['guard: none', 'guard: { interface: [eth0] }'],
    errors: [
      '26:8: guard.interfaces: found nothing, expected a list of interface names',
      '26:10: guard: found the key "interface", expected interfaces; did you mean "interfaces"?',
    ],
  },
  {
    what: 'a guard on the TUN, and twice on one interface',
    replace: ['guard: none', 'guard: { interfaces: [eth0, isthmus0, eth0] }'],
    errors: [
      '26:29: guard.interfaces[1]: found "isthmus0", expected an interface of the unprotected side, not the TUN',
      '26:39: guard.interfaces[2]: found "eth0" again (first on line 26), expected each interface once',
    ],
  },
  {
    what: 'all traffic to the TUN without a mark',
    replace: ['udp:\n', 'tun: { traffic: all }\nudp:\n  mark: 0\n'],
    errors: [
      '5:9: udp.mark: found 0, expected a mark, because tun.traffic is all: it keeps the own datagrams off the tunnel',
    ],
  },
  {
    what: 'an unknown key with its nearest word',
    replace: ['udp:\n', 'upd:\n'],
    errors: [
      '1:1: udp: found nothing, expected a mapping with listen, mark, buffer, gso, gro, nat_keepalive',
      '3:1: found the key "upd", expected gateway, tun, udp, guard, ike, management, peers or policies; did you mean "udp"?',
    ],
  },
  {
    what: 'an unknown key without a near word',
    replace: ['gateway:\n', 'colour: red\ngateway:\n'],
    errors: [
      '1:1: found the key "colour", expected gateway, tun, udp, guard, ike, management, peers or policies',
    ],
  },
  {
    what: 'an unknown key in a policy',
    replace: ['    priority: 200', '    priority: 200\n    selector: {}'],
    errors: [
      '24:5: policies[1]: found the key "selector", expected name, priority, selectors, action or sa; did you mean "selectors"?',
    ],
  },
  {
    what: 'a key named __proto__',
    replace: ['gateway:\n', '__proto__: 1\ngateway:\n'],
    errors: [
      '1:1: found the key "__proto__", expected gateway, tun, udp, guard, ike, management, peers or policies',
    ],
  },
  {
    what: 'a missing key',
    replace: ['  name: site-a\n', '  engine: native\n'],
    errors: [
      '2:3: gateway.name: found nothing, expected a name of letters, digits, "-", "_" and ".", at most 64 long',
    ],
  },
  {
    what: 'a missing section',
    replace: [
      'policies:\n  - name: to-b\n    priority: 100\n    selectors:\n      local_address: 10.0.1.0/24\n      remote_address: [10.0.2.0/24, fd00:2::/64]\n    action: PROTECT\n    sa:\n      peer: site-b\n      proposal: aes256gcm16\n      manual:\n        outbound: { spi: 0x1000, key: { file: out.key } }\n        inbound: { spi: 0x2000, key: { file: in.key } }\n  - name: rest\n    priority: 200\n    selectors: { protocol: tcp, remote_port: 22 }\n    action: BYPASS\n',
      '',
    ],
    errors: ['1:1: policies: found nothing, expected a list of policies'],
  },
  {
    what: 'an empty section',
    replace: ['  name: site-a\n', ''],
    errors: [
      '1:9: gateway: found nothing, expected a mapping with name, engine, workers, busy_poll, cipher_library, state_directory, user, log_level, log_levels, audit_log, watch, on_stop, icmp_errors',
    ],
  },
  {
    what: 'a key that stands twice',
    replace: ['  name: site-a\n', '  name: site-a\n  name: site-c\n'],
    errors: ['3:3: found a key that this mapping has already, expected each key once'],
  },
  {
    what: 'a list where a mapping belongs',
    replace: ['selectors: { protocol: tcp, remote_port: 22 }', 'selectors: [tcp]'],
    errors: [
      '24:16: policies[1].selectors: found a list, expected a mapping with local_address, remote_address, protocol, local_port, remote_port, icmp, mobility_header, remote_name',
    ],
  },
  {
    what: 'a mapping where a list belongs',
    replace: ['peers:\n  - name: site-b\n    address: 198.51.100.1', 'peers:\n  name: site-b'],
    errors: ['7:3: peers: found a mapping, expected a list of peers'],
  },
  {
    what: 'a name that is a number',
    replace: ['name: site-a', 'name: 5'],
    errors: [
      '2:9: gateway.name: found 5, expected a name of letters, digits, "-", "_" and ".", at most 64 long',
    ],
  },
  {
    what: 'a name with a space',
    replace: ['name: site-a', 'name: site a'],
    errors: [
      '2:9: gateway.name: found "site a", expected a name of letters, digits, "-", "_" and ".", at most 64 long',
    ],
  },
  {
    what: 'an engine in the wrong case',
    replace: ['  name: site-a\n', '  name: site-a\n  engine: Native\n'],
    errors: ['3:11: gateway.engine: found "Native", expected native or portable; did you mean "native"?'],
  },
  {
    what: 'a log level that does not exist',
    replace: ['  name: site-a\n', '  name: site-a\n  log_level: warning\n'],
    errors: [
      '3:14: gateway.log_level: found "warning", expected debug, info, warn or error; did you mean "warn"?',
    ],
  },
  {
    what: 'a relative state directory',
    replace: ['  name: site-a\n', '  name: site-a\n  state_directory: state\n'],
    errors: ['3:20: gateway.state_directory: found "state", expected auto or an absolute path'],
  },
  {
    what: 'an interface name that is too long',
    replace: ['udp:\n', 'tun: { name: isthmus-to-site-b }\nudp:\n'],
    errors: [
      '3:14: tun.name: found "isthmus-to-site-b", expected an interface name of at most 15 letters, digits, "-", "_" and ".", but not lo, all or default',
    ],
  },
  {
    what: 'an interface name that means all interfaces',
    replace: ['udp:\n', 'tun: { name: all }\nudp:\n'],
    errors: [
      '3:14: tun.name: found "all", expected an interface name of at most 15 letters, digits, "-", "_" and ".", but not lo, all or default',
    ],
  },
  {
    what: 'an MTU below the smallest',
    replace: ['udp:\n', 'tun: { mtu: 500 }\nudp:\n'],
    errors: ['3:13: tun.mtu: found 500, expected auto or a number of bytes from 576 to 65535'],
  },
  {
    what: 'an MTU too small for IPv6',
    replace: ['udp:\n', 'tun: { mtu: 1279 }\nudp:\n'],
    errors: ['3:13: tun.mtu: found 1279, expected auto or at least 1280, because a policy selects IPv6'],
  },
  {
    what: 'an offload that is neither on nor off',
    replace: ['udp:\n', 'tun: { offloads: { tso: yes } }\nudp:\n'],
    errors: ['3:25: tun.offloads.tso: found "yes", expected true or false'],
  },
  {
    what: 'a port that is too large',
    replace: ['203.0.113.1:4500', '203.0.113.1:70000'],
    errors: [
      '5:7: udp.listen[0]: found "203.0.113.1:70000", expected a local address with a port (203.0.113.1:4500 or "[2001:db8::1]:4500")',
    ],
  },
  {
    what: 'an IPv6 listen address without brackets',
    replace: ['203.0.113.1:4500', '2001:db8::1:4500'],
    errors: [
      '5:7: udp.listen[0]: found "2001:db8::1:4500", expected a local address with a port (203.0.113.1:4500 or "[2001:db8::1]:4500")',
    ],
  },
  {
    what: 'no listen address',
    replace: ['\n    - 203.0.113.1:4500', ' []'],
    errors: [
      '4:11: udp.listen: found an empty list, expected a local address with a port (203.0.113.1:4500 or "[2001:db8::1]:4500")',
    ],
  },
  {
    what: 'two listen addresses of one family',
    replace: ['    - 203.0.113.1:4500\n', '    - 203.0.113.1:4500\n    - 203.0.113.2\n'],
    errors: ['6:7: udp.listen[1]: found "203.0.113.2", expected at most one address of each family'],
  },
  ...[0, 17].map((workers) => ({
    what: `${workers} workers`,
    replace: ['name: site-a', `name: site-a\n  workers: ${workers}`] as const,
    errors: [`3:12: gateway.workers: found ${workers}, expected a whole number from 1 to 16`],
  })),
  ...['0%', '101%', '7.5%', '05%', 10].map((share) => ({
    what: `a busy_poll of ${share}`,
    replace: ['name: site-a', `name: site-a\n  busy_poll: ${share}`] as const,
    errors: [
      `3:14: gateway.busy_poll: found ${JSON.stringify(share)}, expected off or a share of a processor from 1% to 100%`,
    ],
  })),
  {
    what: 'a mark with a fraction',
    replace: ['  listen:', '  mark: 1.5\n  listen:'],
    errors: ['4:9: udp.mark: found 1.5, expected a whole number from 0 to 4294967295'],
  },
  {
    what: 'a buffer without a valid unit',
    replace: ['  listen:', '  buffer: 8Mb\n  listen:'],
    errors: ['4:11: udp.buffer: found "8Mb", expected a size from 64KiB to 1GiB (8MiB)'],
  },
  {
    what: 'a buffer that is too small',
    replace: ['  listen:', '  buffer: 4kB\n  listen:'],
    errors: ['4:11: udp.buffer: found "4kB", expected a size from 64KiB to 1GiB (8MiB)'],
  },
  {
    what: 'a peer address that is none',
    replace: ['address: 198.51.100.1', 'address: 198.51.100.256'],
    errors: [
      '8:14: peers[0].address: found "198.51.100.256", expected the peer\'s IPv4 or IPv6 address, several addresses, its DNS name, or any',
    ],
  },
  {
    what: 'a multicast peer address',
    replace: ['address: 198.51.100.1', 'address: 224.0.0.1'],
    errors: [
      '8:14: peers[0].address: found "224.0.0.1", expected the peer\'s IPv4 or IPv6 address, several addresses, its DNS name, or any',
    ],
  },
  {
    what: 'an unspecified peer address',
    replace: ['address: 198.51.100.1', 'address: "::"'],
    errors: [
      '8:14: peers[0].address: found "::", expected the peer\'s IPv4 or IPv6 address, several addresses, its DNS name, or any',
    ],
  },
  {
    what: 'a peer of a family without a socket',
    replace: ['address: 198.51.100.1', 'address: 2001:db8::2'],
    errors: [
      '8:14: peers[0].address: found "2001:db8::2", expected an IPv4 address, or an IPv6 address in udp.listen',
    ],
  },
  {
    what: 'two peers of one name',
    replace: ['policies:\n', '  - { name: site-b, address: 198.51.100.2 }\npolicies:\n'],
    errors: [
      '9:13: peers[1].name: found "site-b" again (first on line 7), expected a name of its own for each peer',
    ],
  },
  {
    what: 'a YAML tag',
    replace: ['name: site-a', 'name: !secret site-a'],
    errors: ['2:9: found a YAML tag, expected plain values: this file knows no tags'],
  },
  {
    what: 'a second document',
    replace: ['udp:\n', '---\nudp:\n'],
    errors: ['3:1: found a second YAML document, expected one'],
  },
  {
    what: 'broken YAML',
    replace: ['listen:', 'listen'],
    errors: [
      '4:3: udp: found "listen - 203.0.113.1:4500", expected a mapping with listen, mark, buffer, gso, gro, nat_keepalive',
    ],
  },
  {
    what: 'a terminal escape',
    replace: ['name: site-a', 'name: "\\e[31m"'],
    errors: [
      '2:9: gateway.name: found "\\u001b[31m", expected a name of letters, digits, "-", "_" and ".", at most 64 long',
    ],
  },
];

describe('errors of a configuration file', () => {
  it('has none to begin with', () => {
    expect(errorsOf(VALID_CONFIG)).toEqual([]);
  });

  it.each(CASES)('$what', ({ replace: [search, replacement], errors }) => {
    expect(errorsAfter(search, replacement)).toEqual(errors);
  });

  it('reports every error, in the order of the file, whatever kind it is', () => {
    const text = VALID_CONFIG.replace('name: site-a', 'name: 5')
      .replace('peer: site-b', 'peer: site-c')
      .replace('0x2000', '255')
      .replace('address: 198', 'adress: 198')
      .replace('name: rest', 'name: to-b');
    expect(errorsOf(text).map((line) => line.split(' ', 2).join(' '))).toEqual([
      '2:9: gateway.name:',
      '7:5: peers[0].address:',
      '8:5: peers[0]:',
      '17:13: policies[0].sa.peer:',
      '21:25: policies[0].sa.manual.inbound.spi:',
      '22:11: policies[1].name:',
    ]);
  });

  it.each(['', '# nothing\n', '[]', 'text'])('expects a mapping, not %j', (text) => {
    const [line, ...more] = errorsOf(text);
    expect(line).toMatch(
      /^1:\d+: found .*, expected a mapping with gateway, tun, udp, guard, ike, management, peers, policies$/,
    );
    expect(more).toEqual([]);
  });

  it('refuses aliases that grow without bound', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) =>
        `l${level}: &l${level} [${
          level === 0
            ? 'x'
            : Array(9)
                .fill(`*l${level - 1}`)
                .join(', ')
        }]`,
    );
    expect(errorsOf(levels.join('\n'))).toEqual([
      '1:1: found YAML aliases that grow without bound or refer to themselves, expected at most 100 plain ones',
    ]);
  });

  it('reads an alias as what it stands for, and finds errors where that is', () => {
    const text = VALID_CONFIG.replace('10.0.1.0/24', '&net 10.0.1.0/33').replace(
      '[10.0.2.0/24, fd00:2::/64]',
      '*net',
    );
    expect(errorsOf(text).map((line) => line.split(', expected')[0])).toEqual([
      '13:27: policies[0].selectors.local_address: found "10.0.1.0/33"',
      '13:27: policies[0].selectors.remote_address: found "10.0.1.0/33"',
    ]);
  });

  it.each(['[', '- ', '{a: ', '? '])('refuses %j without end', (opening) => {
    expect(errorsOf(opening.repeat(5_000))).toEqual([
      '1:1: found more than 32 lists and mappings inside each other, expected a configuration file',
    ]);
  });

  it('never shows what may be a key', () => {
    const key = '00112233445566778899aabbccddeeff00112233';
    const places: readonly (readonly [string, string])[] = [
      ['{ file: in.key }', `"${key}"`],
      ['{ file: in.key }', `{ ${key}: 1 }`],
      ['{ file: in.key }', `{ hex: "${key}" }`],
      ['{ file: in.key }', `{ env: "${key}" }`],
      ['{ file: in.key }', `"${key}" "${key}"`],
      ['name: site-a', `name: x-${key}-but-in-a-place-where-no-key-belongs-at-all-and-longer`],
    ];
    for (const [search, replacement] of places) {
      const errors = errorsAfter(search, replacement);
      expect(errors).not.toEqual([]);
      expect(errors.join('\n')).not.toContain(key.slice(0, 16));
    }
  });
});
