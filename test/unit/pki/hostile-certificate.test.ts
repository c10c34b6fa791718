// Certificates that a peer has made up: whatever the bytes are, there is a certificate or a CertificateFormatError, and
// then a path or a fault. RFC 5280 §6.

import { expect, test } from 'vitest';

import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import { CertificateFormatError, parseCertificate, type Certificate } from '../../../src/pki/certificate.ts';
import { findPath } from '../../../src/pki/certification-path.ts';
import { Authority, newKeys, type KeyKind } from '../../support/lab-authority.ts';

const KINDS: readonly KeyKind[] = ['rsa', 'ecdsa-p256', 'ed25519'];
/** Every octet would take too long. */
const STEP = 13;
const JUDGE = { crypto: chooseProvider('auto'), wallClockMs: Date.UTC(2030, 0, 1) };

function parse(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch (error) {
    expect(error).toBeInstanceOf(CertificateFormatError);
    return undefined;
  }
}

test.each(KINDS)('%s: a certificate or an authority with one octet changed is never trusted', (kind) => {
  const root = new Authority('O=Lab, CN=Root');
  const between = new Authority('O=Lab, CN=Between', {
    kind,
    parent: root,
    change: { constraints: { permitted: [{ dNSName: 'example.org' }, { iPAddress: '10.0.0.0/8' }] } },
  });
  const { publicKey } = newKeys(kind);
  const leaf = between.issue('gw-a.example.org', publicKey, {
    names: [{ dNSName: 'gw-a.example.org' }, { rfc822Name: 'a@example.org' }, { iPAddress: '10.0.0.1' }],
    extendedKeyUsage: ['1.3.6.1.5.5.7.3.17'],
  });
  const trust = { anchors: [parseCertificate(root.der)], revocationLists: [] };
  const judge = (first: Uint8Array, second: Uint8Array): boolean => {
    const [one, other] = [parse(first), parse(second)];
    return one !== undefined && other !== undefined && 'path' in findPath(one, [other], trust, JUDGE);
  };
  expect(judge(leaf, between.der)).toBe(true);
  const believed: string[] = [];
  for (const [name, der] of [
    ['leaf', leaf],
    ['authority', between.der],
  ] as const)
    for (let offset = 0; offset < der.length; offset += STEP) {
      const changed = Uint8Array.from(der);
      changed[offset] = changed[offset]! ^ 0x01;
      if (name === 'leaf' ? judge(changed, between.der) : judge(leaf, changed))
        believed.push(`${name} ${offset}`);
    }
  expect(believed).toEqual([]);
});

test('X.690 §11.2: a signature has no unused bits, so a certificate can be written in one way', () => {
  const { der } = new Authority('O=Lab, CN=Root', { kind: 'ed25519' });
  // BIT STRING of an octet for the unused bits, and 64 octets.
  expect([...der.subarray(-67, -64)]).toEqual([0x03, 0x41, 0x00]);
  const changed = Uint8Array.from(der);
  changed[der.length - 65] = 1;
  expect(parse(changed)).toBeUndefined();
});

test('a certificate that ends early, is nested without end, or is too large', () => {
  const root = new Authority('O=Lab, CN=Root');
  for (let length = 0; length < root.der.length; length += 7)
    expect(parse(root.der.subarray(0, length))).toBeUndefined();
  // SEQUENCE in SEQUENCE, each of indefinite length, or cut off.
  expect(parse(new Uint8Array(16_000).fill(0x30))).toBeUndefined();
  expect(
    parse(Uint8Array.from({ length: 16_000 }, (_, index) => (index % 2 === 0 ? 0x30 : 0x80))),
  ).toBeUndefined();
  let nested = Uint8Array.of(0x30, 0x00);
  for (let depth = 0; depth < 40; depth++) nested = Uint8Array.of(0x30, nested.length, ...nested);
  expect(parse(nested)).toBeUndefined();
  expect(parse(new Uint8Array(16_385))).toBeUndefined();
  expect(parse(Uint8Array.from([...root.der, 0x05, 0x00]))).toBeUndefined();
});
