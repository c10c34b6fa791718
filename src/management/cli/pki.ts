// `isthmus pki`: a certification authority in two files, certificates and revocation lists by it, and the files of two
// sites. For labs and small networks: nothing is kept of what was issued. RFC 5280, RFC 4945 §5.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { wallClockMs } from '../../base/clock.ts';
import { EnvironmentError } from '../../base/errors.ts';
import { packageFile } from '../../base/package-file.ts';
import { chooseProvider } from '../../crypto/choose-provider.ts';
import { formatIdentity, parseIdentity } from '../../pad/identity.ts';
import {
  decodeDistinguishedName,
  formatDistinguishedName,
  parseDistinguishedName,
  type DistinguishedName,
} from '../../pki/distinguished-name.ts';
import {
  AUTHORITY_USAGE,
  issueCertificate,
  issueRevocationList,
  SIGNING_USAGE,
  type IssuedName,
  type CertificateContent,
  type Issuer,
} from '../../pki/issue-certificate.ts';
import { writePem } from '../../pki/pem.ts';
import { issuingScheme, type SigningKeyType } from '../../pki/signing-keys.ts';
import { IdType } from '../../wire/ike/iana.ts';
import { writeNewFile } from './new-file.ts';
import type { Output } from './output.ts';
import { firstCertificate, pairOf, readAuthority, writePair } from './pki-files.ts';

export interface PkiOptions {
  readonly type: SigningKeyType;
  readonly days: number;
  readonly force?: boolean;
}

export interface AuthorityOptions extends PkiOptions {
  readonly out: string;
  /** Certificate of the authority above; left out for a root. */
  readonly ca?: string;
}

export interface IssueOptions extends PkiOptions {
  readonly ca: string;
  readonly out?: string;
  /** Left out: beside the certificate. */
  readonly key?: string;
}

export interface RevocationOptions {
  readonly ca: string;
  readonly out?: string;
  readonly days: number;
  readonly force?: boolean;
}

const DAY_MS = 24 * 3_600_000;
/** Clocks of gateways may be late. */
const BACKDATED_MS = 3_600_000;
const COMMON_NAME = '2.5.4.3';
const CRYPTO = chooseProvider('auto');

/** `isthmus pki ca`: OUT.pem and OUT.key. @throws EnvironmentError */
export function makeAuthority(name: string, options: AuthorityOptions, output: Output): void {
  const subject = parseDistinguishedName(name);
  if (subject === undefined)
    throw new EnvironmentError(
      `pki ca: found the name ${JSON.stringify(name)}, expected a distinguished name as "C=DE, O=Example, CN=Example CA"`,
    );
  const parent = options.ca === undefined ? undefined : readAuthority(options.ca);
  writePair(pairOf(options.out), options, output, (keys) => {
    const own: Issuer = { subject, ...keys, scheme: issuingScheme(keys.privateKey) };
    const content = {
      ...contentOf(subject, keys.publicKey, options.days),
      authority: {},
      keyUsage: AUTHORITY_USAGE,
    };
    return [issueCertificate(content, parent ?? own, CRYPTO), ...(parent?.chain ?? [])];
  });
  parent?.privateKey.fill(0);
}

/** `isthmus pki issue`: a gateway's certificate with its issuers, and its key. @throws EnvironmentError */
export function issueGateway(identities: readonly string[], options: IssueOptions, output: Output): void {
  const authority = readAuthority(options.ca);
  const { subject, names } = namesOf(identities, authority.subject);
  const out = options.out ?? (identities[0] ?? '').replaceAll(/[^\w.@-]+/g, '_');
  writePair(
    { ...pairOf(out), ...(options.key === undefined ? {} : { key: options.key }) },
    options,
    output,
    ({ publicKey }) => {
      const content = {
        ...contentOf(subject, publicKey, options.days),
        keyUsage: SIGNING_USAGE,
        ...(names.length === 0 ? {} : { names }),
      };
      return [issueCertificate(content, authority, CRYPTO), ...authority.chain];
    },
  );
  authority.privateKey.fill(0);
  output.out(`identities: ${[...identities, formatDistinguishedName(subject)].join('; ')}\n`);
}

/** `isthmus pki crl`: a list of all that is revoked, which replaces the one before. @throws EnvironmentError */
export function makeRevocationList(
  certificates: readonly string[],
  { ca, out = ca.replace(/(\.pem)?$/, '.crl'), days, force }: RevocationOptions,
  output: Output,
): void {
  const serials = certificates.map((path) => Buffer.from(evenHex(firstCertificate(path).serial), 'hex'));
  const authority = readAuthority(ca);
  const now = wallClockMs();
  const der = issueRevocationList(
    { thisUpdateMs: now - BACKDATED_MS, nextUpdateMs: now + days * DAY_MS, serials },
    authority,
    CRYPTO,
  );
  authority.privateKey.fill(0);
  writeNewFile({ path: out, text: writePem('X509 CRL', der) }, force);
  output.out(`${out}: ${serials.length} revoked, to be made again within ${days} days\n`);
}

/** `isthmus pki lab`: an authority, and a directory for each of two sites, ready to run. @throws EnvironmentError */
export function makeLab(directory: string, options: PkiOptions, output: Output): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const ca = join(directory, 'ca');
  makeAuthority('C=DE, O=Example, CN=Example CA', { ...options, out: ca }, output);
  for (const site of ['a', 'b']) {
    const own = join(directory, `site-${site}`);
    for (const part of ['certs', 'keys']) mkdirSync(join(own, part), { recursive: true, mode: 0o700 });
    const pair = join(own, 'certs', `gw-${site}`);
    const key = join(own, 'keys', `gw-${site}.key`);
    issueGateway([`gw-${site}.example.org`], { ...options, ca: `${ca}.pem`, out: pair, key }, output);
    copy(`${ca}.pem`, join(own, 'certs', 'ca.pem'));
    const example = `ike-certificates-site-${site}.yaml`;
    copy(fileURLToPath(packageFile(`etc/${example}`)), join(own, 'isthmus.yaml'));
  }

  function copy(from: string, path: string): void {
    writeNewFile({ path, text: readFileSync(from, 'utf8') }, options.force);
    output.out(`${path}\n`);
  }
}

function contentOf(
  subject: DistinguishedName,
  publicKey: Uint8Array,
  days: number,
): Pick<CertificateContent, 'subject' | 'publicKey' | 'serial' | 'notBeforeMs' | 'notAfterMs'> {
  const now = wallClockMs();
  return {
    subject,
    publicKey,
    // RFC 5280 §4.1.2.2: positive, at most 20 octets.
    serial: Uint8Array.of(0x40 | ((randomBytes(1)[0] ?? 0) & 0x3f), ...randomBytes(15)),
    notBeforeMs: now - BACKDATED_MS,
    notAfterMs: now + days * DAY_MS,
  };
}

/** A distinguished name among them is the subject; otherwise the first name stands below the authority's. */
function namesOf(
  identities: readonly string[],
  issuer: DistinguishedName,
): { readonly subject: DistinguishedName; readonly names: readonly IssuedName[] } {
  let subject: DistinguishedName | undefined;
  const names: IssuedName[] = [];
  for (const text of identities) {
    const identity = parseIdentity(text);
    const name = identity && formatIdentity(identity);
    switch (identity?.idType) {
      case IdType.ID_FQDN:
        names.push({ dNSName: name ?? '' });
        break;
      case IdType.ID_RFC822_ADDR:
        names.push({ rfc822Name: name ?? '' });
        break;
      case IdType.ID_IPV4_ADDR:
      case IdType.ID_IPV6_ADDR:
        names.push({ iPAddress: name ?? '' });
        break;
      case IdType.ID_DER_ASN1_DN:
        subject = decodeDistinguishedName(identity.data);
        break;
      default:
        throw new EnvironmentError(
          `pki issue: found the identity ${JSON.stringify(text)}, expected a name (gw.example.org), an address, a mail address or a distinguished name ("C=DE, O=Example, CN=gw")`,
        );
    }
  }
  const above = issuer.filter((rdn) => rdn.every(({ type }) => type !== COMMON_NAME));
  return { subject: subject ?? [...above, [{ type: COMMON_NAME, value: identities[0] ?? '' }]], names };
}

/** A serial number is kept without leading zeros. */
function evenHex(digits: string): string {
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  // The first bit is a sign.
  return Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even;
}
