// Several addresses in the place of one of a peer's.

import { expect, test } from 'vitest';
import { formatAddress } from '../../../../src/base/address.ts';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import { errorsAfter, VALID_CONFIG, VALID_IKE_CONFIG } from './error-cases.ts';

const ADDRESS = 'address: 198.51.100.1';

function withAddresses(list: string): string {
  return VALID_IKE_CONFIG.replace(ADDRESS, `address: ${list}`);
}

function withIdentity(text: string): string {
  return text.replace('{ psk: { file: b.psk } }\n', '$&      remote: { identity: gw-b.example.org }\n');
}

test('the first is where IKE begins; the others are kept, and an identity is asked for', () => {
  const text = withAddresses('[198.51.100.1, 198.51.100.2]');
  expect(text).not.toBe(VALID_IKE_CONFIG);
  const [peer] = parseConfig(withIdentity(text), 'f.yaml', {}).peers;
  expect(peer?.address && formatAddress(peer.address)).toBe('198.51.100.1');
  expect(peer?.otherAddresses.map(formatAddress)).toEqual(['198.51.100.2']);
  expect(peer).toMatchObject({ dnsName: undefined, followAddress: false });
  expect(() => parseConfig(text, 'f.yaml', {})).toThrow(
    /remote.*the identity of the peer \(or a pattern as "\*\.example\.org"\), because its address is one of several/,
  );
});

test('a list of one is that address', () => {
  const [peer] = parseConfig(withAddresses('[198.51.100.1]'), 'f.yaml', {}).peers;
  expect(peer?.ike?.remote.identity.text).toBe('198.51.100.1');
  expect(peer?.otherAddresses).toEqual([]);
});

test.each(['[]', '[any, 198.51.100.1]', '[198.51.100.1, gw.example.net]', '[198.51.100.1, 198.51.100.1]', '[0.0.0.0, 198.51.100.1]', `[${Array.from({ length: 17 }, (_, index) => `198.51.100.${index}`).join()}]`])(
  'is not %s',
  (list) => {
    expect(errorsAfter(ADDRESS, `address: ${list}`, VALID_IKE_CONFIG).join()).toContain(
      "expected the peer's IPv4 or IPv6 address, several addresses, its DNS name, or any",
    );
  },
); // prettier-ignore

test('each is of a family that the gateway has', () => {
  expect(
    errorsAfter(ADDRESS, 'address: [198.51.100.1, "2001:db8::1"]', withIdentity(VALID_IKE_CONFIG)).join(),
  ).toContain('expected an IPv4 address, or an IPv6 address in udp.listen');
});

test('is nothing for keys that are set by hand', () => {
  expect(errorsAfter(ADDRESS, 'address: [198.51.100.1, 198.51.100.2]', VALID_CONFIG).join()).toContain(
    'expected an address, or any, because the SAs of this peer are keyed by hand; only with ike several are tried',
  );
});
