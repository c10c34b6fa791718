// What a peer that is not authentic yet can have computed for its certificates: RFC 5280 §6.1, from the anchor down.

import { expect, test } from 'vitest';

import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import type { CryptoProvider } from '../../../src/crypto/ike-crypto.ts';
import { parseCertificate } from '../../../src/pki/certificate.ts';
import { findPath, type PathResult } from '../../../src/pki/certification-path.ts';
import { Authority, newKeys } from '../../support/lab-authority.ts';

const ROOT = new Authority('O=Lab, CN=Root');
const TRUST = { anchors: [parseCertificate(ROOT.der)], revocationLists: [] };
const CRYPTO = chooseProvider('auto');

function judged(chain: readonly Uint8Array[]): { result: PathResult; keys: readonly string[] } {
  const keys: string[] = [];
  const verify: CryptoProvider['verify'] = (scheme, publicKey, message, signature) => {
    keys.push(Buffer.from(publicKey).toString('hex'));
    return CRYPTO.verify(scheme, publicKey, message, signature);
  };
  const crypto = new Proxy(CRYPTO, {
    get: (target, name) => {
      const member: unknown = name === 'verify' ? verify : Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const [leaf, ...others] = chain.map((der) => parseCertificate(der));
  if (leaf === undefined) throw new RangeError('no certificate');
  return { result: findPath(leaf, others, TRUST, { crypto, wallClockMs: Date.UTC(2030, 0, 1) }), keys };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('the first signature that is verified is by the anchor, the last by the issuer of the leaf', () => {
  const upper = new Authority('O=Lab, CN=Upper', { parent: ROOT });
  const lower = new Authority('O=Lab, CN=Lower', { parent: upper });
  const leaf = lower.issue('gw-a.example.org', newKeys('ecdsa-p256').publicKey);
  const { result, keys } = judged([leaf, lower.der, upper.der]);
  expect('path' in result && result.path).toHaveLength(4);
  expect(keys).toEqual([ROOT, upper, lower].map(({ publicKey }) => hex(publicKey)));
});

test('no key of a stranger is used where no path by names leads to an anchor', () => {
  const stranger = new Authority('O=Stranger, CN=Root');
  const same = Array.from({ length: 6 }, () => new Authority('O=Stranger, CN=Same', { parent: stranger }));
  const crossed = same.flatMap((one) =>
    same.map((other) => one.issue('x', other.publicKey, { subject: other.subject, authority: {} })),
  );
  const leaf = same[0]?.issue('gw-a.example.org', newKeys('ecdsa-p256').publicKey) ?? new Uint8Array();
  const { result, keys } = judged([leaf, ...crossed]);
  expect('path' in result).toBe(false);
  expect(keys).toEqual([]);
});

test('where names lead to an anchor that has not signed, its key alone is used', () => {
  const posing = ROOT.posing({ privateKey: newKeys('ecdsa-p256').privateKey });
  const upper = new Authority('O=Lab, CN=Upper', { parent: posing });
  const leaf = upper.issue('gw-a.example.org', newKeys('ecdsa-p256').publicKey);
  const { result, keys } = judged([leaf, upper.der]);
  expect(result).toMatchObject({ fault: 'certificate-forged' });
  expect(new Set(keys)).toEqual(new Set([hex(ROOT.publicKey)]));
});
