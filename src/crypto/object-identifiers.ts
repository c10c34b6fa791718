// Object identifiers of the keys and signatures that IKE uses here, in the form that DER gives their content.
// RFC 3279 §2.3, RFC 4055 §1.2, RFC 5480 §2.1, RFC 5758 §3.2, RFC 8410 §3.

export const Oid = {
  rsaEncryption: '2a864886f70d010101',
  sha1WithRsaEncryption: '2a864886f70d010105',
  mgf1: '2a864886f70d010108',
  rsassaPss: '2a864886f70d01010a',
  sha256WithRsaEncryption: '2a864886f70d01010b',
  sha384WithRsaEncryption: '2a864886f70d01010c',
  sha512WithRsaEncryption: '2a864886f70d01010d',
  ecPublicKey: '2a8648ce3d0201',
  ecdsaWithSha1: '2a8648ce3d0401',
  ecdsaWithSha256: '2a8648ce3d040302',
  ecdsaWithSha384: '2a8648ce3d040303',
  ecdsaWithSha512: '2a8648ce3d040304',
  prime256v1: '2a8648ce3d030107',
  secp384r1: '2b81040022',
  secp521r1: '2b81040023',
  ed25519: '2b6570',
  sha1: '2b0e03021a',
  sha256: '608648016503040201',
  sha384: '608648016503040202',
  sha512: '608648016503040203',
} as const;

export function oidOf(content: Uint8Array): string {
  return Array.from(content, (octet) => octet.toString(16).padStart(2, '0')).join('');
}

export function oidContent(oid: string): Uint8Array {
  return Uint8Array.from(oid.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16));
}
