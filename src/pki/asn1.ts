// The library that reads and writes the ASN.1 of X.509, loaded when the first certificate or name needs it: it takes as
// long to load as the rest of the gateway together, and a gateway with pre-shared keys has no use for it.

import { createRequire } from 'node:module';

import type * as Schema from '@peculiar/asn1-schema';
import type * as X509 from '@peculiar/asn1-x509';

type Asn1 = Pick<typeof Schema, 'AsnConvert' | 'OctetString'> & typeof X509;

const load = createRequire(import.meta.url);
let library: Asn1 | undefined;

export function asn1(): Asn1 {
  return (library ??= loadLibrary());
}

function loadLibrary(): Asn1 {
  const { AsnConvert, OctetString } = load('@peculiar/asn1-schema') as typeof Schema;
  return { ...(load('@peculiar/asn1-x509') as typeof X509), AsnConvert, OctetString };
}
