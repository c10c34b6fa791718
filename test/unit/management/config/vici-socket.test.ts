// Where the vici server listens: `management.vici`.

import { describe, expect, it } from 'vitest';

import { changedFixedSettings } from '../../../../src/gateway/fixed-settings.ts';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import { VALID_CONFIG } from './error-cases.ts';

const parse = (text: string, environment: Readonly<Record<string, string>> = {}) =>
  parseConfig(text === '' ? VALID_CONFIG : `${text}\n${VALID_CONFIG}`, 'f.yaml', environment);

describe('management.vici', () => {
  it('is in /run where nothing is said, or where systemd says', () => {
    expect(parse('').vici).toEqual({ path: '/run/isthmus/isthmus.vici', group: undefined });
    expect(parse('', { RUNTIME_DIRECTORY: '/run/a:/run/b' }).vici?.path).toBe('/run/a/isthmus.vici');
  });

  it('is where the file says, for a group as well; or off', () => {
    const text = 'management: { vici: { socket: /run/charon.vici, group: vpn-admins } }';
    expect(parse(text, { RUNTIME_DIRECTORY: '/run/a' }).vici).toEqual({
      path: '/run/charon.vici',
      group: 'vpn-admins',
    });
    expect(parse('management: { vici: { socket: off } }').vici).toBeUndefined();
  });

  const EXPECTED = 'expected auto, off or an absolute path of at most 107 characters';
  it.each([
    ['socket: isthmus.vici', `1:31: management.vici.socket: found "isthmus.vici", ${EXPECTED}`],
    [`socket: /${'x'.repeat(107)}`, EXPECTED],
    ['group: 7', 'management.vici.group: found 7, expected the name of a group'],
    ['path: /run/vici', 'found the key "path", expected socket or group'],
  ])('{ %s } is refused', (text, error) => {
    expect(() => parse(`management: { vici: { ${text} } }`)).toThrow(error);
  });

  it('stays as it is while the gateway runs', () => {
    const other = parse('management: { vici: { socket: off } }');
    expect(changedFixedSettings(parse(''), other)).toEqual(['management.vici']);
    expect(changedFixedSettings(other, other)).toEqual([]);
  });
});
