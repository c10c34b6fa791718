// A DNS name in the place of a peer's address.

import { expect, test } from 'vitest';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import { errorsAfter, VALID_CONFIG, VALID_IKE_CONFIG } from './error-cases.ts';

const ADDRESS = 'address: 198.51.100.1';

test.each([
  ['gw.example.net', 'gw.example.net'],
  ['Hub', 'hub'],
  ['3com.example', '3com.example'],
])('a peer at the DNS name %s', (written, dnsName) => {
  const text = VALID_IKE_CONFIG.replace(ADDRESS, `address: ${written}`);
  const [peer] = parseConfig(text, 'f.yaml', {}).peers;
  expect(peer).toMatchObject({ address: undefined, dnsName, followAddress: true });
  expect(peer?.ike?.remote.identity).toEqual({ idType: 2, text: dnsName });
});

test('is followed wherever it goes', () => {
  expect(
    errorsAfter(ADDRESS, 'address: gw.example.net\n    follow_address: false', VALID_IKE_CONFIG),
  ).toEqual([
    '9:21: peers[0].follow_address: found false, expected true, because the address or the port of the peer may change',
  ]);
});

test('is nothing for keys that are set by hand', () => {
  expect(errorsAfter(ADDRESS, 'address: gw.example.net', VALID_CONFIG)).toEqual([
    '8:14: peers[0].address: found "gw.example.net", expected an address, or any, because the SAs of this peer are keyed by hand; only with ike a DNS name is resolved',
  ]);
});

test.each(['gw_b.example.net', 'gw..example', '-gw.example', '198.51.100', 'gw.example.1'])(
  'is not %s',
  (name) => {
    expect(errorsAfter(ADDRESS, `address: ${name}`, VALID_IKE_CONFIG).join()).toContain(
      "expected the peer's IPv4 or IPv6 address, several addresses, its DNS name, or any",
    );
  },
);
