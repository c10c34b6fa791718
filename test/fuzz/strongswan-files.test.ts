// Whatever swanctl.conf, ipsec.conf and ipsec.secrets hold: an import gives a configuration that is right, or a ConfigError.

import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ConfigError } from '../../src/base/errors.ts';
import { parseConfig } from '../../src/management/config/load-config.ts';
import { parseSettings, type Statement } from '../../src/management/importing/settings-text.ts';
import { imported } from '../support/imported.ts';

const SWANCTL = `base { local { auth = psk } remote { auth = psk } }
connections { a : base {
  local_addrs = 192.0.2.1
  remote_addrs = 192.0.2.2
  proposals = aes256gcm16-prfsha384-x25519
  local { id = "a.example.org" }
  children { net { local_ts = 10.1.0.0/24
      remote_ts = 10.2.0.0/24[tcp/443]
      start_action = trap
      rekey_time = 1h } }
} }
include more.conf
secrets { ike-a { id = a.example.org
  secret = 0sc2VjcmV0 } }
`;
const IPSEC = `config setup
  uniqueids=no
conn %default
  authby=psk
conn a
  left=192.0.2.1
  right=192.0.2.2
  leftsubnet=10.1.0.0/24
  rightsubnet=10.2.0.0/24,fd00::/64
  ike=aes256-sha256-ecp256!
  dpdaction=restart
  ikelifetime=3h
  auto=route
`;
const SECRETS = `192.0.2.1 192.0.2.2 : PSK "a secret"
@a : RSA key.pem "word"
`;

const FRAGMENTS = [
  '', ' ', '\n', '{', '}', '{{{{', ':', '=', '#', '"', "'", '\\', ',', '.', 'include ', 'include *', 'also=a\n', ' also=a',
  'conn a\n', 'a : a {', 'connections.a', '%any', '%default', '0x', '0s', '-1', '99999999999', '10.0.0.0/33', '::', '\u0000', '__proto__',
  'constructor', '\ud800', '\u2028', 'x'.repeat(300), '{ a : base', 'mode = pass\n', 'type=drop\n', 'auto=start\n',
]; // prettier-ignore

const mutations = (text: string): fc.Arbitrary<string> =>
  fc
    .array(
      fc.record({
        start: fc.nat(text.length),
        length: fc.oneof(fc.constant(0), fc.nat(5), fc.nat(60)),
        insert: fc.oneof(
          fc.constantFrom(...FRAGMENTS),
          fc.string({ maxLength: 6 }),
          fc.tuple(fc.nat(text.length), fc.nat(80)).map(([at, size]) => text.slice(at, at + size)),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((list) =>
      list.reduce(
        (made, { start, length, insert }) => made.slice(0, start) + insert + made.slice(start + length),
        text,
      ),
    );

function attempt(path: string, texts: Readonly<Record<string, string>>): void {
  try {
    const { text, lines } = imported(path, texts);
    for (const line of lines)
      expect(line).toMatch(
        /^[^\n]+: found [^]*: (left out|NOT CARRIED OVER|differs|nothing to carry over): [^]+/,
      );
    try {
      parseConfig(text, 'f.yaml', {});
    } catch (error) {
      // Two connections together may be wrong; the command says so.
      if (!(error instanceof ConfigError)) throw error;
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
}

it('mutations of swanctl.conf', () => {
  fc.assert(
    fc.property(mutations(SWANCTL), (text) => {
      attempt('/etc/swanctl.conf', { '/etc/swanctl.conf': text, '/etc/more.conf': 'a = b\n' });
    }),
    { numRuns: 250 },
  );
});

it('mutations of ipsec.conf and ipsec.secrets', () => {
  fc.assert(
    fc.property(mutations(IPSEC), mutations(SECRETS), (text, secrets) => {
      attempt('/etc/ipsec.conf', { '/etc/ipsec.conf': text, '/etc/ipsec.secrets': secrets });
    }),
    { numRuns: 250 },
  );
});

const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/).filter((name) => name !== 'include');
const tree = fc.letrec<{ body: readonly Statement[]; statement: Statement }>((tie) => ({
  body: fc.array(tie('statement'), { maxLength: 4, depthIdentifier: 'depth' }),
  statement: fc.oneof(
    { depthIdentifier: 'depth', maxDepth: 4 },
    fc.record({ kind: fc.constant('value' as const), name: word, text: fc.string({ maxLength: 12 }), line: fc.constant(0) }),
    fc.record({
      kind: fc.constant('section' as const),
      name: word,
      references: fc.array(fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.')), { maxLength: 2 }),
      body: tie('body'),
      line: fc.constant(0),
    }),
  ),
})).body; // prettier-ignore

function write(statements: readonly Statement[]): string {
  return statements
    .map((statement) => {
      if (statement.kind === 'include') return `include ${statement.pattern}\n`;
      if (statement.kind === 'value')
        return `${statement.name} = "${statement.text.replace(/["\\]/g, '\\$&')}"\n`;
      const references = statement.references.length === 0 ? '' : ` : ${statement.references.join(', ')}`;
      return `${statement.name}${references} {\n${write(statement.body)}}\n`;
    })
    .join('');
}

const withoutLines = (statements: readonly Statement[]): readonly unknown[] =>
  statements.map((statement) => ({
    ...statement,
    line: 0,
    ...(statement.kind === 'section' && { body: withoutLines(statement.body) }),
  }));

it('settings that were written are read as they were', () => {
  fc.assert(
    fc.property(tree, (statements) => {
      expect(withoutLines(parseSettings(write(statements), 'f'))).toEqual(withoutLines(statements));
    }),
    { numRuns: 300 },
  );
});
