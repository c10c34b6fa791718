// The shape of a peer's `ike` in the configuration file: a PAD entry (RFC 4301 §4.4.3) with what its IKE SAs are
// made of.

import type { z } from 'zod';

import { parseIdentity, parseIdentityPattern } from '../../pad/identity.ts';
import type { IkeEntry } from './config-file.ts';
import { anyOrList, boolean, integer, mapping, oneOf, text, value } from './expectation.ts';
import type { Uniqueness } from './gateway-config.ts';
import * as ike from './ike-values.ts';
import { keySource } from './key-source.ts';
import { proposalList } from './negotiated-proposal.ts';
import { EXPECTED_ADDRESS, readAddressRange } from './selector-values.ts';

const EXPECTED_IDENTITY =
  'an address, a name (gw.example.org), a mail address or a key id ("@#0a1b", "keyid:text")';
const EXPECTED_PATTERN = `${EXPECTED_IDENTITY}, or several: a prefix, a range, "*.example.org", "*@example.org"`;
const DEFAULT_LIFETIME = '24h';
const DEFAULT_LIVENESS = '30s';
/** RFC 7296 §2.4 leaves the waits open: 4 s, 7.2 s, 13 s, 23 s, 42 s, 76 s. */
const DEFAULT_RETRANSMIT = { first: '4s', factor: 1.8, tries: 5 };
const MOST_TRIES = 20;
const MOST_CHILD_SAS = 65_536;
const DEFAULT_CHILD_SAS = 4096;

const PATH = /^[^\0]+$/;

function filePath(): z.ZodType<string> {
  return text('the path of a file', PATH);
}

function filePaths(): z.ZodType<readonly string[]> {
  return value('the path of a file, or a list of paths', (found) => {
    const paths: readonly unknown[] = Array.isArray(found) ? found : [found];
    const good = paths.filter((path) => typeof path === 'string' && PATH.test(path)) as readonly string[];
    return paths.length > 0 && good.length === paths.length ? good : undefined;
  });
}

/** RFC 7296 §2.4, §2.8, §3.5. */
export const ikeSchema: z.ZodType<IkeEntry> = mapping({
  local: mapping({
    identity: value(EXPECTED_IDENTITY, (found) =>
      typeof found === 'string' ? parseIdentity(found) : undefined,
    ).optional(),
    psk: keySource.optional(),
    certificate: filePath().optional(),
    private_key: keySource.optional(),
    public_key: filePath().optional(),
    rsa_padding: oneOf(['pss', 'pkcs1']).optional(),
  }),
  remote: mapping({
    identity: value(EXPECTED_PATTERN, (found) =>
      typeof found === 'string' ? parseIdentityPattern(found) : undefined,
    ).optional(),
    psk: keySource.optional(),
    authorities: filePaths().optional(),
    crls: filePaths().optional(),
    public_key: filePath().optional(),
  }).prefault({}),
  may_negotiate: mapping({
    remote_address: anyOrList(EXPECTED_ADDRESS, readAddressRange).prefault('any'),
    policies: anyOrList(['the name of a policy'], (found) =>
      typeof found === 'string' ? found : undefined,
    ).prefault('any'),
  }).prefault({}),
  proposals: proposalList('IKE').optional(),
  lifetime: value(ike.EXPECTED_IKE_LIFETIME, ike.readIkeLifetime).prefault(DEFAULT_LIFETIME),
  liveness: value(ike.EXPECTED_LIVENESS, ike.readLiveness, ['off']).prefault(DEFAULT_LIVENESS),
  retransmit: mapping({
    first: value(ike.EXPECTED_WAIT, ike.readWait).prefault(DEFAULT_RETRANSMIT.first),
    factor: value('a number from 1 to 4', ike.readFactor).prefault(DEFAULT_RETRANSMIT.factor),
    tries: integer(0, MOST_TRIES).prefault(DEFAULT_RETRANSMIT.tries),
  }).prefault({}),
  mobike: boolean().prefault(true),
  childless: boolean().prefault(false),
  most_child_sas: integer(1, MOST_CHILD_SAS).prefault(DEFAULT_CHILD_SAS),
  unique: oneOf<Uniqueness>(['replace', 'keep', 'never']).prefault('replace'),
});
