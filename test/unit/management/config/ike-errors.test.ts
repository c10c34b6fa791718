import { describe, expect, it } from 'vitest';

import { errorsAfter, errorsOf, VALID_CONFIG, VALID_IKE_CONFIG, type ErrorCase } from './error-cases.ts';

const CASES: readonly ErrorCase[] = [
  {
    what: 'no pre-shared key',
    replace: ['local: { psk: { file: b.psk } }', 'local: {}'],
    errors: [
      '10:14: peers[0].ike.local.psk: found nothing, expected psk: {file: PATH}, or certificate: PATH and private_key: {file: PATH}: what this side proves itself with',
    ],
  },
  {
    what: 'nothing about this side',
    replace: ['local: { psk: { file: b.psk } }', 'liveness: off'],
    errors: [
      '10:7: peers[0].ike.local: found nothing, expected a mapping with identity, psk, certificate, private_key, public_key, rsa_padding',
    ],
  },
  {
    what: 'an ike that is nothing',
    replace: ['    ike:\n      local: { psk: { file: b.psk } }\n', '    ike:\n'],
    errors: [
      '9:9: peers[0].ike: found nothing, expected a mapping with local, remote, may_negotiate, proposals, lifetime, liveness, retransmit, mobike, childless, most_child_sas, unique',
    ],
  },
  {
    what: 'a pre-shared key in the file itself',
    replace: ['{ file: b.psk }', 'correct-horse'],
    errors: [
      '10:21: peers[0].ike.local.psk: found a text that is not shown here, expected a mapping with file, env, credential',
    ],
  },
  {
    what: 'a pre-shared key under a key of its own',
    replace: ['{ file: b.psk }', '{ secret: correct-horse }'],
    errors: [
      '10:21: peers[0].ike.local.psk: found a mapping, expected exactly one of {file: PATH}, {env: NAME} and {credential: NAME}',
      '10:23: peers[0].ike.local.psk: found the key "secret", expected file, env or credential',
    ],
  },
  {
    what: 'two sources of one pre-shared key',
    replace: ['{ file: b.psk }', '{ file: b.psk, env: PSK }'],
    errors: [
      '10:21: peers[0].ike.local.psk: found file and env, expected exactly one of {file: PATH}, {env: NAME} and {credential: NAME}',
    ],
  },
  {
    what: 'no source of a pre-shared key',
    replace: ['{ file: b.psk }', '{}'],
    errors: [
      '10:21: peers[0].ike.local.psk: found a mapping, expected exactly one of {file: PATH}, {env: NAME} and {credential: NAME}',
    ],
  },
  {
    what: "two sources of the peer's pre-shared key",
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      remote: { psk: { file: c, env: C } }',
    ],
    errors: [
      '11:22: peers[0].ike.remote.psk: found file and env, expected exactly one of {file: PATH}, {env: NAME} and {credential: NAME}',
    ],
  },
  {
    what: 'a pattern as the own identity',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { identity: "*.example.org", psk: { file: b.psk } }',
    ],
    errors: [
      '10:26: peers[0].ike.local.identity: found "*.example.org", expected an address, a name (gw.example.org), a mail address or a key id ("@#0a1b", "keyid:text")',
    ],
  },
  {
    what: 'a distinguished name with an unknown attribute',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      remote: { identity: "XY=gw, O=Example" }',
    ],
    errors: [
      '11:27: peers[0].ike.remote.identity: found "XY=gw, O=Example", expected an address, a name (gw.example.org), a mail address or a key id ("@#0a1b", "keyid:text"), or several: a prefix, a range, "*.example.org", "*@example.org"',
    ],
  },
  {
    what: 'a mistyped address as an identity',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      remote: { identity: 198.51.100.256 }',
    ],
    errors: [
      '11:27: peers[0].ike.remote.identity: found "198.51.100.256", expected an address, a name (gw.example.org), a mail address or a key id ("@#0a1b", "keyid:text"), or several: a prefix, a range, "*.example.org", "*@example.org"',
    ],
  },
  {
    what: 'a peer at any address without an identity',
    replace: ['    address: 198.51.100.1\n', '    address: any\n'],
    errors: [
      '10:7: peers[0].ike.remote.identity: found nothing, expected the identity of the peer (or a pattern as "*.example.org"), because its address is any',
    ],
  },
  {
    what: 'a gateway without an address of its own',
    replace: ['203.0.113.1:4500', '0.0.0.0:4500'],
    errors: [
      '10:14: peers[0].ike.local.identity: found nothing, expected the identity of this gateway, because udp.listen names no address of its own',
    ],
  },
  {
    what: 'an unknown key',
    replace: ['local: { psk: { file: b.psk } }', 'local: { psk: { file: b.psk } }\n      lifetimes: 1h'],
    errors: [
      '11:7: peers[0].ike: found the key "lifetimes", expected local, remote, may_negotiate, proposals, lifetime, liveness, retransmit, mobike, childless, most_child_sas or unique; did you mean "lifetime"?',
    ],
  },
  {
    what: 'no proposal',
    replace: ['local: { psk: { file: b.psk } }', 'local: { psk: { file: b.psk } }\n      proposals: []'],
    errors: ['11:18: peers[0].ike.proposals: found an empty list, expected a list of 1 to 16 proposals'],
  },
  {
    what: 'too many proposals',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519, aes256-sha256-x25519]',
    ],
    errors: ['11:18: peers[0].ike.proposals: found a list of 17, expected a list of 1 to 16 proposals'],
  },
  {
    what: 'a proposal that is a number',
    replace: ['local: { psk: { file: b.psk } }', 'local: { psk: { file: b.psk } }\n      proposals: [256]'],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found 256, expected encryption, PRF or integrity, and key exchange (aes256gcm16-prfsha384-x25519, aes256-sha256-ecp256 and their like)',
    ],
  },
  {
    what: 'a mistyped proposal in a list',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [aes256gcm16-prfsha384-ecp265]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "aes256gcm16-prfsha384-ecp265", expected encryption, PRF or integrity, and key exchange (aes256gcm16-prfsha384-x25519, aes256-sha256-ecp256 and their like); did you mean "aes256gcm16-prfsha384-ecp256"?',
    ],
  },
  {
    what: 'a mistyped proposal by itself',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: aes256gcm16-prfsha348-ecp256',
    ],
    errors: [
      '11:18: peers[0].ike.proposals: found "aes256gcm16-prfsha348-ecp256", expected encryption, PRF or integrity, and key exchange (aes256gcm16-prfsha384-x25519, aes256-sha256-ecp256 and their like); did you mean "aes256gcm16-prfsha384-ecp256"?',
    ],
  },
  {
    what: 'algorithms that nobody should use',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [3des-sha1-modp1024]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "3des-sha1-modp1024", expected encryption, PRF or integrity, and key exchange (aes256gcm16-prfsha384-x25519, aes256-sha256-ecp256 and their like)',
    ],
  },
  {
    what: 'a combined mode without a PRF',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [aes256gcm16-ecp256]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "aes256gcm16-ecp256", expected a PRF with it (prfsha256, prfsha384 or prfsha512), because a combined mode has none',
    ],
  },
  {
    what: 'integrity in the place of a PRF',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [aes256gcm16-sha384-ecp256]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "aes256gcm16-sha384-ecp256", expected no integrity beside a combined mode, which has its own; a PRF is written prfsha256, prfsha384 or prfsha512',
    ],
  },
  {
    what: 'integrity beside a combined mode',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [aes256gcm16-sha384-prfsha384-ecp256]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "aes256gcm16-sha384-prfsha384-ecp256", expected no integrity beside a combined mode, which has its own',
    ],
  },
  {
    what: 'encryption without integrity',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [aes256-ecp256]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "aes256-ecp256", expected integrity with it (sha256, sha384 or sha512): encryption alone is not secure',
    ],
  },
  {
    what: 'no key exchange',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [aes256-sha256]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "aes256-sha256", expected a key exchange with it (x25519, ecp256, ecp384, modp3072 and their like)',
    ],
  },
  {
    what: 'no encryption',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [sha256-ecp256]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "sha256-ecp256", expected encryption, PRF or integrity, and key exchange (aes256gcm16-prfsha384-x25519, aes256-sha256-ecp256 and their like)',
    ],
  },
  {
    what: 'a combined mode and AES-CBC in one proposal',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [aes256gcm16-aes256-sha256-ecp256]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "aes256gcm16-aes256-sha256-ecp256", expected two proposals, because a combined mode and AES-CBC or NULL cannot be one',
    ],
  },
  {
    what: 'sequence numbers of ESP in IKE',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [aes256-sha256-ecp256-esn]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "aes256-sha256-ecp256-esn", expected no esn: it belongs to the proposals of a policy\'s sa',
    ],
  },
  {
    what: 'a short ICV in IKE',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      proposals: [aes256gcm8-prfsha256-ecp256]',
    ],
    errors: [
      '11:19: peers[0].ike.proposals[0]: found "aes256gcm8-prfsha256-ecp256", expected encryption, PRF or integrity, and key exchange (aes256gcm16-prfsha384-x25519, aes256-sha256-ecp256 and their like); aes256gcm8 is for ESP alone',
    ],
  },
  {
    what: 'a lifetime that is too short',
    replace: ['local: { psk: { file: b.psk } }', 'local: { psk: { file: b.psk } }\n      lifetime: 0.5s'],
    errors: [
      '11:17: peers[0].ike.lifetime: found "0.5s", expected a duration of at least 1s (24h), or {soft, hard, jitter} with soft not above hard and jitter not above soft',
    ],
  },
  {
    what: 'a soft lifetime above the hard one',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      lifetime: { soft: 25h, hard: 24h }',
    ],
    errors: [
      '11:17: peers[0].ike.lifetime: found a mapping, expected a duration of at least 1s (24h), or {soft, hard, jitter} with soft not above hard and jitter not above soft',
    ],
  },
  {
    what: 'a jitter above the soft lifetime',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      lifetime: { soft: 1h, hard: 2h, jitter: 61m }',
    ],
    errors: [
      '11:17: peers[0].ike.lifetime: found a mapping, expected a duration of at least 1s (24h), or {soft, hard, jitter} with soft not above hard and jitter not above soft',
    ],
  },
  {
    what: 'an unknown key of a lifetime',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      lifetime: { hard: 2h, rekey: 61m }',
    ],
    errors: [
      '11:17: peers[0].ike.lifetime: found a mapping, expected a duration of at least 1s (24h), or {soft, hard, jitter} with soft not above hard and jitter not above soft',
    ],
  },
  {
    what: 'liveness in another word',
    replace: ['local: { psk: { file: b.psk } }', 'local: { psk: { file: b.psk } }\n      liveness: never'],
    errors: ['11:17: peers[0].ike.liveness: found "never", expected off or a time from 1s to 24h (30s)'],
  },
  {
    what: 'liveness of no time',
    replace: ['local: { psk: { file: b.psk } }', 'local: { psk: { file: b.psk } }\n      liveness: 0s'],
    errors: ['11:17: peers[0].ike.liveness: found "0s", expected off or a time from 1s to 24h (30s)'],
  },
  {
    what: 'retransmissions out of bounds',
    replace: [
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      retransmit: { first: 10ms, factor: 0.5, tries: -1 }',
    ],
    errors: [
      '11:28: peers[0].ike.retransmit.first: found "10ms", expected a time from 100ms to 60s (4s)',
      '11:42: peers[0].ike.retransmit.factor: found 0.5, expected a number from 1 to 4',
      '11:54: peers[0].ike.retransmit.tries: found -1, expected a whole number from 0 to 20',
    ],
  },
  {
    what: 'encryption without integrity in ESP',
    replace: ['      peer: site-b\n', '      peer: site-b\n      proposals: [aes256-ecp256]\n'],
    errors: [
      '20:19: policies[0].sa.proposals[0]: found "aes256-ecp256", expected integrity with it (sha256, sha384 or sha512): encryption alone is not secure',
    ],
  },
  {
    what: 'neither encryption nor integrity in ESP',
    replace: ['      peer: site-b\n', '      peer: site-b\n      proposals: [null-ecp256]\n'],
    errors: [
      '20:19: policies[0].sa.proposals[0]: found "null-ecp256", expected integrity with it (sha256, sha384 or sha512): encryption alone is not secure',
    ],
  },
  {
    what: 'integrity beside a combined mode in ESP',
    replace: ['      peer: site-b\n', '      peer: site-b\n      proposals: [aes256gcm16-sha256]\n'],
    errors: [
      '20:19: policies[0].sa.proposals[0]: found "aes256gcm16-sha256", expected no integrity beside a combined mode, which has its own',
    ],
  },
  {
    what: 'a PRF in ESP',
    replace: ['      peer: site-b\n', '      peer: site-b\n      proposals: [aes256gcm16-prfsha256]\n'],
    errors: [
      '20:19: policies[0].sa.proposals[0]: found "aes256gcm16-prfsha256", expected no prfsha256: a PRF belongs to the proposals of the peer\'s ike',
    ],
  },
  {
    what: 'a mistyped proposal for ESP',
    replace: ['      peer: site-b\n', '      peer: site-b\n      proposals: [aes256gcm16-x25518]\n'],
    errors: [
      '20:19: policies[0].sa.proposals[0]: found "aes256gcm16-x25518", expected encryption, integrity where it has none, and a key exchange for forward secrecy (aes256gcm16-x25519, aes256-sha256-ecp256 and their like), with -esn where wanted; did you mean "aes256gcm16-x25519"?',
    ],
  },
  {
    what: 'a proposal for ESP that is none',
    replace: ['      peer: site-b\n', '      peer: site-b\n      proposals: [aes256gcm16, "..."]\n'],
    errors: [
      '20:32: policies[0].sa.proposals[1]: found "...", expected encryption, integrity where it has none, and a key exchange for forward secrecy (aes256gcm16-x25519, aes256-sha256-ecp256 and their like), with -esn where wanted',
    ],
  },
  {
    what: 'a combined mode and AES-CBC in one proposal for ESP',
    replace: ['      peer: site-b\n', '      peer: site-b\n      proposals: [aes256gcm16-aes256-sha256]\n'],
    errors: [
      '20:19: policies[0].sa.proposals[0]: found "aes256gcm16-aes256-sha256", expected two proposals, because a combined mode and AES-CBC or NULL cannot be one',
    ],
  },
  {
    what: 'a mistyped start',
    replace: ['      peer: site-b\n', '      peer: site-b\n      start: on-trafic\n'],
    errors: [
      '20:14: policies[0].sa.start: found "on-trafic", expected on-traffic, immediately or never; did you mean "on-traffic"?',
    ],
  },
  {
    what: 'no selector to populate',
    replace: ['      peer: site-b\n', '      peer: site-b\n      populate_from_packet: []\n'],
    errors: [
      '20:29: policies[0].sa.populate_from_packet: found a list, expected a list with one or more of local_address, remote_address, protocol, local_port, remote_port, icmp',
    ],
  },
  {
    what: 'a mistyped selector to populate',
    replace: ['      peer: site-b\n', '      peer: site-b\n      populate_from_packet: [local_adress]\n'],
    errors: [
      '20:30: policies[0].sa.populate_from_packet[0]: found "local_adress", expected local_address, remote_address, protocol, local_port, remote_port or icmp; did you mean "local_address"?',
    ],
  },
  {
    what: 'extended sequence numbers without a window',
    replace: [
      '      peer: site-b\n',
      '      peer: site-b\n      proposals: [aes256gcm16-noesn-esn]\n      replay_window: 0\n',
    ],
    errors: [
      '21:22: policies[0].sa.replay_window: found 0, expected a window, because the proposal has extended sequence numbers',
    ],
  },
  {
    what: 'one proposal as manual SAs have it',
    replace: ['      peer: site-b\n', '      peer: site-b\n      proposal: aes256gcm16\n'],
    errors: [
      '20:17: policies[0].sa.proposal: found "aes256gcm16", expected proposals: [aes256gcm16-x25519, …] in its place, because IKE negotiates',
    ],
  },
  {
    what: 'manual SAs to a peer with ike',
    replace: [
      '      peer: site-b\n',
      '      peer: site-b\n      manual: { outbound: { spi: 0x1000, key: { file: a } }, inbound: { spi: 0x2000, key: { file: b } } }\n',
    ],
    errors: [
      '20:15: policies[0].sa.manual: found a mapping, expected no manual, because the peer "site-b" has ike; or a peer without it',
    ],
  },
];

describe('errors of IKE', () => {
  it('has none as it is', () => {
    expect(errorsOf(VALID_IKE_CONFIG)).toEqual([]);
  });

  it.each(CASES)('$what', ({ replace: [search, replacement], errors }) => {
    expect(errorsAfter(search, replacement, VALID_IKE_CONFIG)).toEqual(errors);
  });

  it('never shows a pre-shared key that stands in the file', () => {
    for (const { replace, errors } of CASES)
      if (replace[1].includes('correct-horse')) expect(errors.join()).not.toContain('correct-horse');
  });

  it('wants the peer to begin whose address is any', () => {
    const config = VALID_IKE_CONFIG.replace('address: 198.51.100.1', 'address: any').replace(
      'local: { psk: { file: b.psk } }',
      'local: { psk: { file: b.psk } }\n      remote: { identity: "*.example.org" }',
    );
    expect(errorsOf(config)).toEqual([]);
    expect(
      errorsAfter('      peer: site-b\n', '      peer: site-b\n      start: immediately\n', config),
    ).toEqual([
      '21:14: policies[0].sa.start: found "immediately", expected on-traffic or never, because the address of the peer "site-b" is any: it begins',
    ]);
  });

  it('wants an identity of its own for each peer at any address', () => {
    const peer = (name: string, remote: string): string =>
      `  - name: ${name}\n    address: any\n    ike: { local: { psk: { env: P } }, remote: { identity: "${remote}" } }\n`;
    const twice = (other: string): readonly string[] =>
      errorsAfter('peers:\n', `peers:\n${peer('x', '*.example.org')}${peer('y', other)}`, VALID_IKE_CONFIG);
    expect(twice('*.example.org')).toEqual([
      '12:60: peers[1].ike.remote.identity: found "*.example.org" again (first on line 9), expected an identity of its own for each peer whose address is any',
    ]);
    expect(twice('*.example.com')).toEqual([]);
  });

  it('lets several addresses of this gateway stand for the family of the peer', () => {
    const listen = (addresses: string): readonly string[] =>
      errorsAfter('    - 203.0.113.1:4500', `    - ${addresses}`, VALID_IKE_CONFIG);
    expect(listen('"[::]:4500"\n    - 203.0.113.1:4500')).toEqual([]);
    expect(listen('"[2001:db8::1]:4500"\n    - 0.0.0.0:4500')).toEqual([
      '11:14: peers[0].ike.local.identity: found nothing, expected the identity of this gateway, because udp.listen names no address of its own',
    ]);
  });
});

const BY_HAND: readonly ErrorCase[] = [
  {
    what: 'no proposal',
    replace: ['      proposal: aes256gcm16\n', ''],
    errors: [
      '17:7: policies[0].sa.proposal: found nothing, expected one proposal (aes256gcm16), because the SAs are keyed by hand',
    ],
  },
  {
    what: 'several proposals',
    replace: ['proposal: aes256gcm16', 'proposals: [aes256gcm16]'],
    errors: [
      '18:18: policies[0].sa.proposals: found a list, expected no proposals, because the SAs are keyed by hand: one proposal is written proposal: aes256gcm16',
    ],
  },
  {
    what: 'a start',
    replace: ['proposal: aes256gcm16', 'proposal: aes256gcm16\n      start: never'],
    errors: [
      '19:14: policies[0].sa.start: found "never", expected no start, because the SAs are keyed by hand',
    ],
  },
  {
    what: 'SAs of each flow',
    replace: ['proposal: aes256gcm16', 'proposal: aes256gcm16\n      populate_from_packet: [protocol]'],
    errors: [
      '19:29: policies[0].sa.populate_from_packet: found a list, expected no populate_from_packet, because the SAs are keyed by hand',
    ],
  },
];

describe('errors of manual SAs that only IKE could mend', () => {
  it.each(BY_HAND)('$what', ({ replace: [search, replacement], errors }) => {
    expect(errorsAfter(search, replacement, VALID_CONFIG)).toEqual(errors);
  });
});
