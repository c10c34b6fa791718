// Where the HTTP listener is, and what is refused because anybody could read it: `management.http`.

import { describe, expect, it } from 'vitest';

import { changedFixedSettings } from '../../../../src/gateway/fixed-settings.ts';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import { errorsOf, VALID_CONFIG } from './error-cases.ts';

const written = (text: string): string => `management: { http: { ${text} } }\n${VALID_CONFIG}`;
const parse = (text: string) => parseConfig(written(text), '/etc/isthmus/f.yaml', {}).http;

describe('management.http', () => {
  it('is at its own place, with a token of its own, where nothing is said; and off can be said', () => {
    const own = (environment: Readonly<Record<string, string>>) =>
      parseConfig(VALID_CONFIG, 'f.yaml', environment).http;
    expect(own({})).toEqual({
      listen: { address: { family: 4, bytes: new Uint8Array([127, 0, 0, 1]) }, port: 9500 },
      token: undefined,
      ownTokenFile: '/run/isthmus/http-token',
      hosts: [],
      actions: false,
    });
    expect(own({ RUNTIME_DIRECTORY: '/run/a:/run/b' })?.ownTokenFile).toBe('/run/a/http-token');
    expect(parse('listen: off')).toBeUndefined();
  });

  it('is at an address of this host, for everybody on it', () => {
    expect(parse('listen: 127.0.0.1:9500')).toEqual({
      listen: { address: { family: 4, bytes: new Uint8Array([127, 0, 0, 1]) }, port: 9500 },
      token: undefined,
      ownTokenFile: undefined,
      hosts: [],
      actions: false,
    });
    expect(parse('listen: "[::1]:9500"')?.listen).toMatchObject({ address: { family: 6 }, port: 9500 });
  });

  it('is at a path, for a group as well, and there may act without a token', () => {
    expect(parse('listen: /run/isthmus/http, group: vpn, actions: true')).toMatchObject({
      listen: { path: '/run/isthmus/http', group: 'vpn' },
      actions: true,
    });
  });

  it('is anywhere with a token', () => {
    const http = parse(
      'listen: 192.0.2.1:9500, token: { file: web.key }, hosts: [gw.example], actions: true',
    );
    expect(http).toMatchObject({ hosts: ['gw.example'], actions: true, listen: { port: 9500 } });
    expect(http?.token).toMatchObject({ line: 1, source: { kind: 'file', path: '/etc/isthmus/web.key' } });
  });

  it.each([
    [
      'listen: 0.0.0.0:9500',
      '1:31: management.http.listen: found "0.0.0.0:9500", expected a loopback address (127.0.0.1:9500) or a path, or management.http.token beside it: anybody could read it',
    ],
    ['listen: "[::]:9500"', 'expected a loopback address'],
    ['listen: "[::ffff:127.0.0.1]:9500"', 'expected a loopback address'],
    ['listen: 127.0.0.1:9500, actions: true', 'expected false, or management.http.token beside it'],
    ['listen: 127.0.0.1:9500, group: vpn', 'expected no group: an address belongs to nobody, a path does'],
    ['listen: localhost:9500', 'expected a local address with a port (127.0.0.1:9500)'],
    ['listen: 127.0.0.1', 'expected a local address with a port'],
    ['listen: 127.0.0.1:65536', 'expected a local address with a port'],
    ['listen: "::1:9500"', 'expected a local address with a port'],
    ['listen: 127.0.0.1:1, token: secret', 'management.http.token: found "secret", expected a mapping with'],
    ['listen: 127.0.0.1:1, token: {}', 'expected exactly one of {file: PATH}'],
    ['listen: 127.0.0.1:1, hosts: ["a b"]', 'found "a b", expected a host name'],
    ['token: { file: a }', 'management.http'],
  ])('{ %s } is refused in one line', (text, error) => {
    const errors = errorsOf(written(text));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(error);
  });

  it('stays as it is while the gateway runs, wherever its line in the file is', () => {
    const config = (text: string) => parseConfig(text, 'f.yaml', {});
    const text = written('listen: 127.0.0.1:9500, token: { file: web.key }');
    expect(changedFixedSettings(config(text), config(`\n${text}`))).toEqual([]);
    expect(changedFixedSettings(config(VALID_CONFIG), config(text))).toEqual(['management.http']);
    for (const other of ['listen: 127.0.0.1:9500', 'listen: 127.0.0.1:9501, token: { file: web.key }'])
      expect(changedFixedSettings(config(text), config(written(other)))).toEqual(['management.http']);
  });

  it('may have another token while the gateway runs', () => {
    const config = (file: string) =>
      parseConfig(written(`listen: 127.0.0.1:9500, token: { file: ${file} }`), 'f.yaml', {});
    expect(changedFixedSettings(config('web.key'), config('new.key'))).toEqual([]);
  });
});
