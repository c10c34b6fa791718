// What both sides of a peer's `ike` prove themselves with: which keys of the file belong together. RFC 7296 §2.15.

import type { IkeEntry } from './config-file.ts';
import type { Report } from './expectation.ts';
import { checkKeySource } from './key-source.ts';
import type { Path, Unproven } from './unproven.ts';

const OF_SIGNATURES = ['certificate', 'private_key', 'public_key', 'rsa_padding'] as const;

export function checkCredentials(
  { local, remote }: NonNullable<Unproven<IkeEntry>>,
  path: Path,
  report: Report,
): void {
  checkKeySource(local?.psk, [...path, 'local', 'psk'], report);
  checkKeySource(local?.private_key, [...path, 'local', 'private_key'], report);
  checkKeySource(remote?.psk, [...path, 'remote', 'psk'], report);
  if (isMapping(local)) checkOwn(local, [...path, 'local'], report);
  if (isMapping(remote)) checkPeer(remote, hasSignature(local), [...path, 'remote'], report);
}

function checkOwn(local: object, path: Path, report: Report): void {
  if ('psk' in local) {
    for (const key of OF_SIGNATURES)
      if (key in local) report([...path, key], `no ${key} beside psk: this side proves itself in one way`);
    return;
  }
  const hasKey = 'private_key' in local;
  if ('certificate' in local || 'public_key' in local) {
    const other = 'certificate' in local ? 'certificate' : 'public_key';
    if (!hasKey) report([...path, 'private_key'], `private_key: {file: PATH}, the key of local.${other}`);
    if ('certificate' in local && 'public_key' in local)
      report([...path, 'public_key'], 'no public_key beside certificate, which has it');
  } else if (hasKey)
    report(
      [...path, 'certificate'],
      'certificate: PATH, or public_key: PATH where the peer knows the bare key',
    );
  else
    report(
      [...path, 'psk'],
      'psk: {file: PATH}, or certificate: PATH and private_key: {file: PATH}: what this side proves itself with',
    );
}

function hasSignature(local: unknown): boolean {
  return isMapping(local) && !('psk' in local) && OF_SIGNATURES.some((key) => key in local);
}

/** @param mustSay this side has no pre-shared key that would be the peer's too */
function checkPeer(remote: object, mustSay: boolean, path: Path, report: Report): void {
  const [first, second] = (['psk', 'public_key', 'authorities'] as const).filter((key) => key in remote);
  if (first !== undefined && second !== undefined)
    report([...path, second], `no ${second} beside ${first}: the peer proves itself in one way`);
  if (first === undefined && mustSay)
    report(
      [...path, 'authorities'],
      'authorities: [PATH], public_key: PATH or psk: {file: PATH}: what the peer proves itself with',
    );
  if ('crls' in remote && !('authorities' in remote))
    report([...path, 'crls'], 'no crls, or authorities whose certificates they revoke');
  // Whoever has a certificate of the authority could be meant otherwise.
  if ('authorities' in remote && !('identity' in remote))
    report(
      [...path, 'identity'],
      'the identity of the peer, as its certificate has it ("C=DE, O=Example, CN=gw-b", gw-b.example.org, an address or a mail address)',
    );
}

function isMapping(part: unknown): part is object {
  return typeof part === 'object' && part !== null;
}
