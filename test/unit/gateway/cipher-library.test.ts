import { expect, it } from 'vitest';
import { EnvironmentError } from '../../../src/base/errors.ts';
import { cipherLibraryInUse } from '../../../src/gateway/cipher-library.ts';

const addon = (version: string) => ({
  opensslVersion: () => 'OpenSSL 3',
  ipsecMb: () => ({ version, missing: version === '' ? 'libIPSec_MB.so.1: no such file' : '' }),
});
const WITH = addon('ipsec-mb 1.3.0');
const WITHOUT = addon('');

it.each([
  { engine: 'native', cipherLibrary: 'auto', library: WITH, expected: 'ipsec-mb 1.3.0' },
  { engine: 'native', cipherLibrary: 'auto', library: WITHOUT, expected: 'OpenSSL 3' },
  { engine: 'native', cipherLibrary: 'openssl', library: WITH, expected: 'OpenSSL 3' },
  { engine: 'native', cipherLibrary: 'ipsec-mb', library: WITH, expected: 'ipsec-mb 1.3.0' },
  { engine: 'portable', cipherLibrary: 'ipsec-mb', library: WITHOUT, expected: '@noble/ciphers' },
] as const)('$engine engine, $cipherLibrary: $expected', ({ engine, cipherLibrary, library, expected }) => {
  expect(cipherLibraryInUse(library, { engine, cipherLibrary })).toBe(expected);
});

it('refuses a library that cannot be used, in one line that says why and what to do', () => {
  const ask = (): string => cipherLibraryInUse(WITHOUT, { engine: 'native', cipherLibrary: 'ipsec-mb' });
  expect(ask).toThrow(EnvironmentError);
  expect(ask).toThrow(/^gateway\.cipher_library .*\(libIPSec_MB\.so\.1: no such file\): install it .*$/);
});
