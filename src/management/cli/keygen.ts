// `isthmus keygen [PROPOSAL]`: random keying material (cipher key, salt, integrity key), or with the word psk a
// pre-shared key for IKE; to standard output or into a new file that only its owner can read.

import { randomBytes } from 'node:crypto';

import { keyMaterialBytes } from '../../crypto/esp-transform.ts';
import { ConfigError } from '../../base/errors.ts';
import { expectedProposal, nearestProposal, parseProposal } from '../config/proposal.ts';
import { writeNewFile } from './new-file.ts';
import type { Output } from './output.ts';

/** Instead of a proposal: a pre-shared key, as text that both sides can have. */
const PSK = 'psk';
const PSK_BYTES = 32;

/** @throws ConfigError for an unknown proposal, EnvironmentError where the file cannot be made */
export function generateKey(proposalText: string, outFile: string | undefined, output: Output): void {
  const line = proposalText === PSK ? pskLine() : keyLine(proposalText);
  if (outFile === undefined) output.out(line);
  else writeNewFile({ path: outFile, text: line, isSecret: true });
}

/** Behind 0x and 0s the configuration reads bytes and not text: so none begins with 0. */
export function pskLine(bytes: (count: number) => Buffer = randomBytes): string {
  for (;;) {
    const key = bytes(PSK_BYTES);
    const line = `${key.toString('base64')}\n`;
    key.fill(0);
    if (!line.startsWith('0')) return line;
  }
}

function keyLine(proposalText: string): string {
  const proposal = parseProposal(proposalText);
  if (proposal === undefined) {
    const word = nearestProposal(proposalText);
    const hint = word === undefined ? '' : `; did you mean "${word}"?`;
    throw new ConfigError(
      `keygen: found the proposal ${JSON.stringify(proposalText)}, expected psk or ${expectedProposal(proposalText)}${hint}`,
    );
  }
  const key = randomBytes(keyMaterialBytes(proposal.transform));
  const line = `${key.toString('hex')}\n`;
  key.fill(0);
  return line;
}
