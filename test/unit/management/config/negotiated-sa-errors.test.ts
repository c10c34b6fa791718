// What is wrong with policies[].sa where IKE negotiates, and what only IKE could do where it does not.

import { describe, expect, it } from 'vitest';

import { errorsAfter, errorsOf, VALID_CONFIG, VALID_IKE_CONFIG, type ErrorCase } from './error-cases.ts';

const CASES: readonly ErrorCase[] = [
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

describe('errors of SAs that IKE negotiates', () => {
  it.each(CASES)('$what', ({ replace: [search, replacement], errors }) => {
    expect(errorsAfter(search, replacement, VALID_IKE_CONFIG)).toEqual(errors);
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
