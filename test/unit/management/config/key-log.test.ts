import { expect, it } from 'vitest';

import { parseConfig } from '../../../../src/management/config/load-config.ts';
import { VALID_IKE_CONFIG } from './error-cases.ts';

const parse = (text: string) => parseConfig(text, '/etc/isthmus/f.yaml', {});

it('is off where nothing is said, and then nothing is warned of', () => {
  const { keyLogDirectory, warnings } = parse(VALID_IKE_CONFIG);
  expect(keyLogDirectory).toBeUndefined();
  expect(warnings).toEqual([]);
});

it('is warned of, with its line', () => {
  const { keyLogDirectory, warnings } = parse(`ike: { key_log: /root/keys }\n${VALID_IKE_CONFIG}`);
  expect(keyLogDirectory).toBe('/root/keys');
  expect(warnings).toEqual([
    expect.stringMatching(
      /^\/etc\/isthmus\/f\.yaml:1: ike\.key_log: THE KEYS OF EVERY TUNNEL ARE WRITTEN to \/root\/keys: /,
    ),
  ]);
});

it('is an absolute path', () => {
  expect(() => parse(`ike: { key_log: keys }\n${VALID_IKE_CONFIG}`)).toThrow(
    '1:17: ike.key_log: found "keys", expected an absolute path of a directory',
  );
});
