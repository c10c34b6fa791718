// What is wrong with how both sides prove who they are: peers[].ike.local and .remote.

import { describe, expect, it } from 'vitest';

import { errorsAfter, VALID_IKE_CONFIG, type ErrorCase } from './error-cases.ts';

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
];

describe('errors of identities and secrets', () => {
  it.each(CASES)('$what', ({ replace: [search, replacement], errors }) => {
    expect(errorsAfter(search, replacement, VALID_IKE_CONFIG)).toEqual(errors);
  });

  it('never shows a pre-shared key that stands in the file', () => {
    for (const { replace, errors } of CASES)
      if (replace[1].includes('correct-horse')) expect(errors.join()).not.toContain('correct-horse');
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
