// Whatever a file holds: reading it gives a configuration, or a ConfigError whose lines each have a place.

import { readFileSync } from 'node:fs';

import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { ConfigError } from '../../src/base/errors.ts';
import { parseConfig } from '../../src/management/config/load-config.ts';

// Without comments a mutation is more likely to meet something.
const bare = (file: string): string =>
  readFileSync(file, 'utf8')
    .replace(/ *#.*$/gm, '')
    .replace(/^\n+/gm, '');
const EXAMPLES = ['etc/site-a.yaml', 'etc/ike-site-a.yaml'].map((file): [string, string] => [
  file,
  bare(file),
]);

const FRAGMENTS = [
  '', ' ', '\n', '  ', ':', '- ', '[', ']', '{', '}', '"', "'", '|', '>', '&a ', '*a', '!!str ', '? ', '#', '%', '\t', '~',
  '0', '-1', '65536', '1e400', '.nan', '0x100000000', '4294967296', '/33', '-', 'any', 'null', 'true', '::', '__proto__: 1',
  'name: x', 'sa: {}', 'key: {}', 'icmp: {}', '\u0000', '\ud800', '\u2028', 'x'.repeat(300),
]; // prettier-ignore

const mutationOf = (text: string) =>
  fc.record({
    start: fc.nat(text.length),
    length: fc.oneof(fc.constant(0), fc.nat(5), fc.nat(60)),
    insert: fc.oneof(
      fc.constantFrom(...FRAGMENTS),
      fc.string({ maxLength: 6 }),
      // A piece of the file itself in another place.
      fc.tuple(fc.nat(text.length), fc.nat(80)).map(([at, size]) => text.slice(at, at + size)),
    ),
  });

function check(text: string): void {
  try {
    const { policies, peers } = parseConfig(text, 'f.yaml', {});
    // What was accepted can be run: every PROTECT policy has its peer and its SAs.
    for (const policy of policies) {
      expect(policy.action === 'PROTECT').toBe(policy.sa !== undefined);
      const keyings = [policy.manual, policy.ike].filter((keying) => keying !== undefined);
      expect(keyings).toHaveLength(policy.action === 'PROTECT' ? 1 : 0);
      if (policy.sa !== undefined) expect(peers.map(({ name }) => name)).toContain(policy.sa.peer);
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const line of error.message.split('\n')) {
      expect(line).toMatch(/^f\.yaml:[1-9]\d*:[1-9]\d*: (\S+: )?found .+, expected ./);
    }
  }
}

it.each(EXAMPLES)('mutations of %s', (_file, example) => {
  fc.assert(
    fc.property(fc.array(mutationOf(example), { minLength: 1, maxLength: 4 }), (mutations) => {
      let text = example;
      for (const { start, length, insert } of mutations) {
        text = text.slice(0, start) + insert + text.slice(start + length);
      }
      check(text);
    }),
    { numRuns: 250 },
  );
});

it.each(EXAMPLES)('any value in the place of any value of %s', (_file, example) => {
  const lines = example.split('\n');
  fc.assert(
    fc.property(fc.nat(lines.length - 1), fc.json({ maxDepth: 3 }), (index, value) => {
      const changed = lines.map((line, at) =>
        at === index ? line.replace(/(: ?).*$/, (_all, colon: string) => colon + value) : line,
      );
      check(changed.join('\n'));
    }),
    { numRuns: 250 },
  );
});

it('any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), check), { numRuns: 300 });
});
