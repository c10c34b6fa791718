// Identities of each type that a certificate can have, with what it must have for them.

import { InvariantError } from '../../src/base/errors.ts';
import {
  parseIdentity,
  parseIdentityPattern,
  type Identity,
  type IdentityPattern,
} from '../../src/pad/identity.ts';
import type { CertificateContent } from '../../src/pki/issue-certificate.ts';
import { dn } from './lab-authority.ts';

interface LabIdentity {
  readonly text: string;
  readonly change: Partial<CertificateContent>;
}

export const IDENTITIES: readonly LabIdentity[] = [
  { text: 'gw-a.example.org', change: { names: [{ dNSName: 'GW-A.example.org' }] } },
  { text: 'gw@example.org', change: { names: [{ rfc822Name: 'gw@example.org' }] } },
  { text: '203.0.113.1', change: { names: [{ iPAddress: '203.0.113.1' }] } },
  { text: '2001:db8::1', change: { names: [{ iPAddress: '2001:db8::1' }] } },
  { text: 'C=DE, O=Lab, CN=gw-a', change: { subject: dn('C=DE, O=Lab, CN=gw-a') } },
  { text: 'C=de, O=The  Lab, CN=GW-A', change: { subject: dn('C=DE, O=the lab, CN=gw-a') } },
];

export function exactOf(text: string): { readonly exact: Identity; readonly pattern: IdentityPattern } {
  const exact = parseIdentity(text);
  const pattern = parseIdentityPattern(text);
  if (exact === undefined || pattern === undefined) throw new InvariantError(`${text} is no identity`);
  return { exact, pattern };
}
