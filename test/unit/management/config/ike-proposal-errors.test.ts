// What is wrong with peers[].ike.proposals.

import { describe, expect, it } from 'vitest';

import { errorsAfter, VALID_IKE_CONFIG, type ErrorCase } from './error-cases.ts';

const CASES: readonly ErrorCase[] = [
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
];

describe('errors of IKE proposals', () => {
  it.each(CASES)('$what', ({ replace: [search, replacement], errors }) => {
    expect(errorsAfter(search, replacement, VALID_IKE_CONFIG)).toEqual(errors);
  });
});
