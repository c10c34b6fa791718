import { describe, expect, it } from 'vitest';

import { errorsAfter, VALID_IKE_CONFIG } from './error-cases.ts';

const LOCAL = 'local: { psk: { file: b.psk } }';

/** What is wrong, this side, the peer, the errors. */
const CASES: readonly (readonly [string, string, string, readonly string[]])[] = [
  [
    'a certificate without its key',
    '{ certificate: a.pem }',
    '{ identity: b.example.org, authorities: ca.pem }',
    [
      '10:14: peers[0].ike.local.private_key: found nothing, expected private_key: {file: PATH}, the key of local.certificate',
    ],
  ],
  [
    'a key without its certificate',
    '{ private_key: { file: a.key } }',
    '{ identity: b.example.org, authorities: ca.pem }',
    [
      '10:14: peers[0].ike.local.certificate: found nothing, expected certificate: PATH, or public_key: PATH where the peer knows the bare key',
    ],
  ],
  [
    'a private key in the file itself',
    '{ certificate: a.pem, private_key: "-----BEGIN PRIVATE KEY-----" }',
    '{ identity: b.example.org, authorities: ca.pem }',
    [
      '10:49: peers[0].ike.local.private_key: found a text that is not shown here, expected a mapping with file, env, credential',
    ],
  ],
  [
    'a certificate beside a pre-shared key',
    '{ psk: { file: b.psk }, certificate: a.pem }',
    '{}',
    [
      '10:51: peers[0].ike.local.certificate: found "a.pem", expected no certificate beside psk: this side proves itself in one way',
    ],
  ],
  [
    'a certificate and a bare key',
    '{ certificate: a.pem, public_key: a.pub, private_key: { env: A } }',
    '{ identity: b.example.org, authorities: [ca.pem] }',
    [
      '10:48: peers[0].ike.local.public_key: found "a.pub", expected no public_key beside certificate, which has it',
    ],
  ],
  [
    'nothing that the peer proves itself with',
    '{ certificate: a.pem, private_key: { file: a.key } }',
    '{ identity: b.example.org }',
    [
      '11:15: peers[0].ike.remote.authorities: found nothing, expected authorities: [PATH], public_key: PATH or psk: {file: PATH}: what the peer proves itself with',
    ],
  ],
  [
    'two things that the peer proves itself with',
    '{ certificate: a.pem, private_key: { file: a.key } }',
    '{ identity: b.example.org, authorities: ca.pem, public_key: b.pub }',
    [
      '11:55: peers[0].ike.remote.authorities: found "ca.pem", expected no authorities beside public_key: the peer proves itself in one way',
    ],
  ],
  [
    'authorities, and nobody in particular',
    '{ certificate: a.pem, private_key: { file: a.key } }',
    '{ authorities: ca.pem }',
    [
      '11:15: peers[0].ike.remote.identity: found nothing, expected the identity of the peer, as its certificate has it ("C=DE, O=Example, CN=gw-b", gw-b.example.org, an address or a mail address)',
    ],
  ],
  [
    'revocation lists of nobody',
    '{ public_key: a.pub, private_key: { file: a.key } }',
    '{ public_key: b.pub, crls: [ca.crl] }',
    [
      '11:42: peers[0].ike.remote.crls: found a list, expected no crls, or authorities whose certificates they revoke',
    ],
  ],
  [
    'no authorities',
    '{ certificate: a.pem, private_key: { file: a.key } }',
    '{ identity: b.example.org, authorities: [] }',
    ['11:55: peers[0].ike.remote.authorities: found a list, expected the path of a file, or a list of paths'],
  ],
  [
    'two sources of the private key',
    '{ certificate: a.pem, private_key: { file: a.key, env: A } }',
    '{ identity: b.example.org, authorities: ca.pem }',
    [
      '10:49: peers[0].ike.local.private_key: found file and env, expected exactly one of {file: PATH}, {env: NAME} and {credential: NAME}',
    ],
  ],
  [
    'a padding that there is not',
    '{ certificate: a.pem, private_key: { file: a.key }, rsa_padding: oaep }',
    '{ identity: b.example.org, authorities: ca.pem }',
    ['10:79: peers[0].ike.local.rsa_padding: found "oaep", expected pss or pkcs1'],
  ],
];

describe('what belongs together in local and remote', () => {
  it.each(CASES)('%s', (_what, local, remote, errors) => {
    const ike = `local: ${local}\n      remote: ${remote}`;
    expect(errorsAfter(LOCAL, ike, VALID_IKE_CONFIG)).toEqual(errors);
  });
});
