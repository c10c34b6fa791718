// The commands below `isthmus pki`, and what their options may be. What issues certificates is loaded by the commands
// that do.

import { InvalidArgumentError, Option, type Command } from 'commander';

import { SIGNING_KEY_TYPES } from '../../pki/signing-keys.ts';
import type { Output } from './output.ts';
import type { AuthorityOptions, IssueOptions, PkiOptions, RevocationOptions } from './pki.ts';

const MOST_DAYS = 36_500;

export function addPkiCommands(program: Command, output: Output): void {
  const pki = program
    .command('pki')
    .description(
      'make certificates for labs and small networks: an authority is two files, NAME.pem and NAME.key',
    );

  pki
    .command('ca')
    .description('make a certification authority: a root, or with --ca one below another')
    .argument('[name]', 'distinguished name', 'C=DE, O=Example, CN=Example CA')
    .option('-o, --out <name>', 'writes NAME.pem and NAME.key', 'ca')
    .option('--ca <file>', 'certificate of the authority above; its key is beside it')
    .addOption(typeOption())
    .addOption(daysOption(3650))
    .option('--force', 'overwrite')
    .action(async (name: string, options: AuthorityOptions) =>
      (await import('./pki.ts')).makeAuthority(name, options, output),
    );

  pki
    .command('issue')
    .description('make a key for a gateway, and a certificate for its identities')
    .argument('<identity...>', 'names (gw.example.org), addresses, mail addresses, a distinguished name')
    .requiredOption('--ca <file>', 'certificate of the authority; its key is beside it')
    .option('-o, --out <name>', 'writes NAME.pem and NAME.key; the first identity where it is left out')
    .option('--key <file>', 'where the key goes, if not beside the certificate')
    .addOption(typeOption())
    .addOption(daysOption(365))
    .option('--force', 'overwrite')
    .action(async (identities: readonly string[], options: IssueOptions) =>
      (await import('./pki.ts')).issueGateway(identities, options, output),
    );

  pki
    .command('crl')
    .description('make the revocation list of an authority: all certificates that it has revoked')
    .argument('[certificate...]', 'files of the revoked certificates')
    .requiredOption('--ca <file>', 'certificate of the authority; its key is beside it')
    .option('-o, --out <file>', 'CA.crl where it is left out')
    .addOption(daysOption(30))
    .option('--force', 'overwrite')
    .action(async (certificates: readonly string[], options: RevocationOptions) =>
      (await import('./pki.ts')).makeRevocationList(certificates, options, output),
    );

  pki
    .command('lab')
    .description('make an authority and all files of two sites: configuration, certificates, keys')
    .argument('<directory>', 'where; made if it is not there')
    .addOption(typeOption())
    .addOption(daysOption(365))
    .option('--force', 'overwrite')
    .action(async (directory: string, options: PkiOptions) =>
      (await import('./pki.ts')).makeLab(directory, options, output),
    );
}

function typeOption(): Option {
  return new Option('-t, --type <type>', 'of the key').choices(SIGNING_KEY_TYPES).default('ecdsa-p256');
}

function daysOption(days: number): Option {
  return new Option('--days <number>', 'valid for so long').default(days).argParser((text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number > 0 && number <= MOST_DAYS) return number;
    throw new InvalidArgumentError(`expected a whole number from 1 to ${MOST_DAYS}.`);
  });
}
