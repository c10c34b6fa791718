import { describe, expect, it } from 'vitest';

import { errorsAfter, type ErrorCase } from './error-cases.ts';

const CASES: readonly ErrorCase[] = [
  {
    what: 'two policies of one name',
    replace: ['name: rest', 'name: to-b'],
    errors: [
      '22:11: policies[1].name: found "to-b" again (first on line 10), expected a name of its own for each policy',
    ],
  },
  {
    what: 'a priority in words',
    replace: ['priority: 200', 'priority: high'],
    errors: ['23:15: policies[1].priority: found "high", expected a whole number from 0 to 2147483647'],
  },
  {
    what: 'a prefix that is too long',
    replace: ['local_address: 10.0.1.0/24', 'local_address: 10.0.1.0/33'],
    errors: [
      '13:22: policies[0].selectors.local_address: found "10.0.1.0/33", expected an address, prefix (10.0.1.0/24), range (10.0.1.1-10.0.1.9) or any',
    ],
  },
  {
    what: 'a wrong address in a list',
    replace: ['[10.0.2.0/24, fd00:2::/64]', '[10.0.2.0/24, "fd00:2::g/64"]'],
    errors: [
      '14:37: policies[0].selectors.remote_address[1]: found "fd00:2::g/64", expected an address, prefix (10.0.1.0/24) or range (10.0.1.1-10.0.1.9)',
    ],
  },
  {
    what: 'a range that runs backwards',
    replace: ['local_address: 10.0.1.0/24', 'local_address: 10.0.1.9-10.0.1.1'],
    errors: [
      '13:22: policies[0].selectors.local_address: found "10.0.1.9-10.0.1.1", expected an address, prefix (10.0.1.0/24), range (10.0.1.1-10.0.1.9) or any',
    ],
  },
  {
    what: 'a range over two families',
    replace: ['local_address: 10.0.1.0/24', 'local_address: 10.0.1.9-fd00::1'],
    errors: [
      '13:22: policies[0].selectors.local_address: found "10.0.1.9-fd00::1", expected an address, prefix (10.0.1.0/24), range (10.0.1.1-10.0.1.9) or any',
    ],
  },
  {
    what: 'any inside a list',
    replace: ['[10.0.2.0/24, fd00:2::/64]', '[any]'],
    errors: [
      '14:24: policies[0].selectors.remote_address[0]: found "any", expected an address, prefix (10.0.1.0/24) or range (10.0.1.1-10.0.1.9)',
    ],
  },
  {
    what: 'an empty list',
    replace: ['[10.0.2.0/24, fd00:2::/64]', '[]'],
    errors: [
      '14:23: policies[0].selectors.remote_address: found an empty list, expected an address, prefix (10.0.1.0/24), range (10.0.1.1-10.0.1.9) or any',
    ],
  },
  {
    what: 'a mistyped any',
    replace: ['local_address: 10.0.1.0/24', 'local_address: anny'],
    errors: [
      '13:22: policies[0].selectors.local_address: found "anny", expected an address, prefix (10.0.1.0/24), range (10.0.1.1-10.0.1.9) or any; did you mean "any"?',
    ],
  },
  {
    what: 'local and remote without a common family',
    replace: ['[10.0.2.0/24, fd00:2::/64]', 'fd00:2::/64'],
    errors: [
      '14:23: policies[0].selectors.remote_address: found "fd00:2::/64", expected an address of the same family as in local_address',
    ],
  },
  {
    what: 'a mistyped protocol',
    replace: ['protocol: tcp', 'protocol: tpc'],
    errors: [
      '24:28: policies[1].selectors.protocol: found "tpc", expected any, a number from 0 to 255 or a protocol name (tcp, udp, icmp, icmpv6, …); did you mean "tcp"?',
    ],
  },
  {
    what: 'a protocol number that is too large',
    replace: ['protocol: tcp', 'protocol: 256'],
    errors: [
      '24:28: policies[1].selectors.protocol: found 256, expected any, a number from 0 to 255 or a protocol name (tcp, udp, icmp, icmpv6, …)',
    ],
  },
  {
    what: 'a port range that runs backwards',
    replace: ['remote_port: 22', 'remote_port: 80-79'],
    errors: [
      '24:46: policies[1].selectors.remote_port: found "80-79", expected a port from 0 to 65535, range ("1024-65535"), opaque or any',
    ],
  },
  {
    what: 'a port in a list',
    replace: ['remote_port: 22', 'remote_port: [22, 65536]'],
    errors: [
      '24:51: policies[1].selectors.remote_port[1]: found 65536, expected a port from 0 to 65535 or range ("1024-65535")',
    ],
  },
  {
    what: 'opaque in a list',
    replace: ['remote_port: 22', 'remote_port: [22, opaque]'],
    errors: [
      '24:51: policies[1].selectors.remote_port[1]: found "opaque", expected opaque by itself, not in a list',
    ],
  },
  {
    what: 'a Mobility Header type with another protocol',
    replace: ['remote_port: 22', 'mobility_header: binding-update'],
    errors: [
      '24:50: policies[1].selectors.mobility_header: found "binding-update", expected no Mobility Header types, or protocol mobility-header beside them',
    ],
  },
  {
    what: 'a misspelt Mobility Header type',
    replace: ['protocol: tcp, remote_port: 22', 'protocol: mobility-header, mobility_header: binding-updat'],
    errors: [
      '24:62: policies[1].selectors.mobility_header: found "binding-updat", expected a Mobility Header type (binding-update), a number from 0 to 255, opaque or any; did you mean "binding-update"?',
    ],
  },
  {
    what: 'ports without a protocol',
    replace: ['protocol: tcp, remote_port: 22', 'remote_port: 22'],
    errors: [
      '24:31: policies[1].selectors.remote_port: found 22, expected no ports, or protocol tcp, udp, sctp, dccp or udplite beside them',
    ],
  },
  {
    what: 'ports with a protocol that has none',
    replace: ['protocol: tcp, remote_port: 22', 'protocol: gre, local_port: 22'],
    errors: [
      '24:45: policies[1].selectors.local_port: found 22, expected no ports, or protocol tcp, udp, sctp, dccp or udplite beside them',
    ],
  },
  {
    what: 'an ICMP type without the protocol',
    replace: ['protocol: tcp, remote_port: 22', 'protocol: tcp, icmp: echo-request'],
    errors: [
      '24:39: policies[1].selectors.icmp: found "echo-request", expected no ICMP types, or protocol icmp or icmpv6 beside them',
    ],
  },
  {
    what: 'a mistyped ICMP type',
    replace: ['protocol: tcp, remote_port: 22', 'protocol: icmp, icmp: echo-reqest'],
    errors: [
      '24:40: policies[1].selectors.icmp: found "echo-reqest", expected an ICMP type (echo-request), {type: 8, code: 0}, "8/0", opaque or any; did you mean "echo-request"?',
    ],
  },
  {
    what: 'an ICMPv6 type in ICMP',
    replace: ['protocol: tcp, remote_port: 22', 'protocol: icmp, icmp: [8/0, packet-too-big]'],
    errors: [
      '24:46: policies[1].selectors.icmp[1]: found "packet-too-big", expected a type that this protocol has: echo-reply, destination-unreachable, redirect, echo-request, router-advertisement, router-solicitation, time-exceeded, parameter-problem, timestamp-request, timestamp-reply',
    ],
  },
  {
    what: 'an ICMP code that is too large',
    replace: ['protocol: tcp, remote_port: 22', 'protocol: icmp, icmp: { type: 8, code: 256 }'],
    errors: [
      '24:40: policies[1].selectors.icmp: found a mapping, expected an ICMP type (echo-request), {type: 8, code: 0}, "8/0", opaque or any',
    ],
  },
  {
    what: 'an action in the wrong case',
    replace: ['action: BYPASS', 'action: bypass'],
    errors: [
      '25:13: policies[1].action: found "bypass", expected PROTECT, BYPASS or DISCARD; did you mean "BYPASS"?',
    ],
  },
  {
    what: 'PROTECT without an sa',
    replace: ['action: BYPASS', 'action: PROTECT'],
    errors: ['22:5: policies[1].sa: found nothing, expected sa: {peer}, because the action is PROTECT'],
  },
  {
    what: 'an sa without PROTECT',
    replace: ['action: PROTECT', 'action: DISCARD'],
    errors: [
      '17:7: policies[0].sa: found a mapping, expected no sa, because the action is DISCARD; it belongs to PROTECT',
    ],
  },
  {
    what: 'an sa that is nothing',
    replace: ['action: BYPASS', 'action: PROTECT\n    sa:'],
    errors: [
      '26:8: policies[1].sa: found nothing, expected a mapping with peer, mode, proposal, proposals, start, on_close, populate_from_packet, replay_window, lifetime, dscp, df, tfc_padding, dummy_packets, manual',
    ],
  },
  {
    what: 'a peer that is not named',
    replace: ['peer: site-b', 'peer: site-d'],
    errors: [
      '17:13: policies[0].sa.peer: found "site-d", expected the name of a peer (site-b); did you mean "site-b"?',
    ],
  },
  {
    what: 'transport mode',
    replace: ['      peer: site-b', '      mode: transport\n      peer: site-b'],
    errors: ['17:13: policies[0].sa.mode: found "transport", expected tunnel'],
  },
  {
    what: 'a mistyped proposal',
    replace: ['proposal: aes256gcm16', 'proposal: aes265gcm16'],
    errors: [
      '18:17: policies[0].sa.proposal: found "aes265gcm16", expected a transform (aes256gcm16, aes256ccm16, aes256gmac, chacha20poly1305, aes256-sha256, null-sha256 and their like), with -esn or -noesn after it where wanted; did you mean "aes256gcm16"?',
    ],
  },
  {
    what: 'encryption without integrity',
    replace: ['proposal: aes256gcm16', 'proposal: aes192'],
    errors: [
      '18:17: policies[0].sa.proposal: found "aes192", expected integrity with it (aes192-sha256, aes192-sha384 or aes192-sha512): encryption alone is not secure',
    ],
  },
  {
    what: 'neither encryption nor integrity',
    replace: ['proposal: aes256gcm16', 'proposal: null-esn'],
    errors: [
      '18:17: policies[0].sa.proposal: found "null-esn", expected integrity with it (null-sha256, null-sha384 or null-sha512): encryption alone is not secure',
    ],
  },
  {
    what: 'a proposal with a key exchange',
    replace: ['proposal: aes256gcm16', 'proposal: aes256gcm16-ecp256'],
    errors: [
      '18:17: policies[0].sa.proposal: found "aes256gcm16-ecp256", expected a transform (aes256gcm16, aes256ccm16, aes256gmac, chacha20poly1305, aes256-sha256, null-sha256 and their like), with -esn or -noesn after it where wanted; did you mean "aes256gcm16-esn"?',
    ],
  },
  {
    what: 'a replay window between the steps',
    replace: ['      peer: site-b', '      replay_window: 100\n      peer: site-b'],
    errors: [
      '17:22: policies[0].sa.replay_window: found 100, expected 0 (off) or a multiple of 32 from 32 to 8192',
    ],
  },
  {
    what: 'a replay window that is too large',
    replace: ['      peer: site-b', '      replay_window: 8224\n      peer: site-b'],
    errors: [
      '17:22: policies[0].sa.replay_window: found 8224, expected 0 (off) or a multiple of 32 from 32 to 8192',
    ],
  },
  {
    what: 'extended sequence numbers without a window',
    replace: ['proposal: aes256gcm16', 'proposal: aes256gcm16-esn\n      replay_window: 0'],
    errors: [
      '19:22: policies[0].sa.replay_window: found 0, expected a window, because the proposal has extended sequence numbers',
    ],
  },
  {
    what: 'no manual SAs',
    replace: [
      '      manual:\n        outbound: { spi: 0x1000, key: { file: out.key } }\n        inbound: { spi: 0x2000, key: { file: in.key } }\n',
      '',
    ],
    errors: [
      '17:7: policies[0].sa.manual: found nothing, expected manual: {outbound, inbound}, or ike: {local: {psk}} at the peer "site-b": nothing says where the keys come from',
    ],
  },
  {
    what: 'one manual SA only',
    replace: ['        inbound: { spi: 0x2000, key: { file: in.key } }\n', ''],
    errors: ['20:9: policies[0].sa.manual.inbound: found nothing, expected a mapping with spi, key'],
  },
  {
    what: 'a reserved SPI',
    replace: ['spi: 0x1000', 'spi: 0xff'],
    errors: [
      '20:26: policies[0].sa.manual.outbound.spi: found 0xff, expected a whole number from 256 to 4294967295',
    ],
  },
  {
    what: 'an SPI of more than 32 bits',
    replace: ['spi: 0x1000', 'spi: 0x100000000'],
    errors: [
      '20:26: policies[0].sa.manual.outbound.spi: found 0x100000000, expected a whole number from 256 to 4294967295',
    ],
  },
  {
    what: 'a key in the file itself',
    replace: ['{ file: in.key }', 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00'],
    errors: [
      '21:38: policies[0].sa.manual.inbound.key: found a text that is not shown here, expected a mapping with file, env, credential',
    ],
  },
  {
    what: 'a key as the name of a key',
    replace: ['{ file: in.key }', '{ hex: 00112233445566778899aabbccddeeff00112233 }'],
    errors: [
      '21:38: policies[0].sa.manual.inbound.key: found a mapping, expected exactly one of {file: PATH}, {env: NAME} and {credential: NAME}',
      '21:40: policies[0].sa.manual.inbound.key: found the key "hex", expected file, env or credential',
    ],
  },
  {
    what: 'two sources of one key',
    replace: ['{ file: in.key }', '{ file: in.key, env: KEY }'],
    errors: [
      '21:38: policies[0].sa.manual.inbound.key: found file and env, expected exactly one of {file: PATH}, {env: NAME} and {credential: NAME}',
    ],
  },
  {
    what: 'no source of a key',
    replace: ['{ file: in.key }', '{}'],
    errors: [
      '21:38: policies[0].sa.manual.inbound.key: found a mapping, expected exactly one of {file: PATH}, {env: NAME} and {credential: NAME}',
    ],
  },
  {
    what: 'a credential with a slash',
    replace: ['{ file: in.key }', '{ credential: ../in.key }'],
    errors: [
      '21:52: policies[0].sa.manual.inbound.key.credential: found a text that is not shown here, expected the name of a systemd credential',
    ],
  },
  {
    what: 'one key for both directions',
    replace: ['{ file: in.key }', '{ file: out.key }'],
    errors: [
      '21:38: policies[0].sa.manual.inbound.key: found the same key again (first on line 20), expected a key of its own for each SA',
    ],
  },
];

const SECOND_TUNNEL = `  - name: second
    priority: 150
    selectors: { remote_address: 10.9.0.0/16 }
    action: PROTECT
    sa:
      peer: site-b
      proposal: chacha20poly1305
      manual:
        outbound: { spi: OUT, key: { file: out2.key } }
        inbound: { spi: IN, key: { file: in2.key } }
  - name: rest`;

describe('errors of a policy', () => {
  it.each(CASES)('$what', ({ replace: [search, replacement], errors }) => {
    expect(errorsAfter(search, replacement)).toEqual(errors);
  });

  it('wants an SPI of its own for each inbound SA', () => {
    const text = SECOND_TUNNEL.replace('OUT', '0x1001').replace('IN', '0x2000');
    expect(errorsAfter('  - name: rest', text)).toEqual([
      '31:25: policies[1].sa.manual.inbound.spi: found 0x2000 again (first on line 21), expected an SPI of its own for each inbound SA',
    ]);
  });

  it('wants an SPI of its own for each outbound SA to one peer', () => {
    const text = SECOND_TUNNEL.replace('OUT', '4096').replace('IN', '0x2001');
    expect(errorsAfter('  - name: rest', text)).toEqual([
      '30:26: policies[1].sa.manual.outbound.spi: found 4096 again (first on line 20), expected an SPI of its own for each outbound SA to one peer',
    ]);
  });

  it('lets an inbound and an outbound SA have one SPI', () => {
    const text = SECOND_TUNNEL.replace('OUT', '0x2000').replace('IN', '0x1000');
    expect(errorsAfter('  - name: rest', text)).toEqual([]);
  });
});
