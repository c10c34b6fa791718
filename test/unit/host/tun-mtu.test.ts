import { expect, test } from 'vitest';

import { ESP_TRANSFORMS, sealedLength } from '../../../src/crypto/esp-transform.ts';
import { planTunMtu, type TunMtuInput } from '../../../src/host/tun-mtu.ts';
import { path, policy } from './samples.ts';

const plan = (changes: Partial<TunMtuInput>): ReturnType<typeof planTunMtu> =>
  planTunMtu({
    policies: [policy({})],
    paths: [path('site-b', '198.51.100.1')],
    configuredMtu: undefined,
    carriesIpv6: true,
    ...changes,
  });

test.each(ESP_TRANSFORMS.map((transform) => transform.name))(
  '%s: the packet fits, one byte more does not',
  (name) => {
    const transform = ESP_TRANSFORMS.find((candidate) => candidate.name === name);
    if (transform === undefined) throw new Error(name);
    for (const [peerAddress, ipBytes] of [
      ['198.51.100.1', 20],
      ['2001:db8::2', 40],
    ] as const) {
      for (let pathMtu = 1400; pathMtu < 1420; pathMtu++) {
        const policies = [policy({ transform: name })];
        const { mtu } = plan({ policies, paths: [path('site-b', peerAddress, pathMtu)] });
        expect(ipBytes + 8 + sealedLength(transform, mtu)).toBeLessThanOrEqual(pathMtu);
        expect(ipBytes + 8 + sealedLength(transform, mtu + 1)).toBeGreaterThan(pathMtu);
      }
    }
  },
);

test('1500 bytes of IPv4 leave 1438, of IPv6 1418; the reason is told', () => {
  expect(plan({}).mtu).toBe(1438);
  expect(plan({ paths: [path('site-b', '2001:db8::2')] }).mtu).toBe(1418);
  expect(plan({}).explanations).toEqual([
    'TUN MTU 1438: path MTU 1500 to site-b, less 20 for IP, 8 for UDP and the rest for ESP with aes256gcm16 leaves 1438',
  ]);
});

test('the narrowest path of all PROTECT policies counts, those of other peers do not', () => {
  const paths = [
    path('site-b', '198.51.100.1'),
    path('site-c', '198.51.100.2', 1400),
    path('unused', '198.51.100.3', 600),
  ];
  const policies = [policy({}), policy({ peer: 'site-c' }), policy({ action: 'BYPASS' })];
  expect(plan({ policies, paths }).mtu).toBe(1338);
});

test('the 65536 bytes of the loopback device are no more than an IPv4 packet', () => {
  expect(plan({ paths: [path('site-b', '127.0.0.2', 65_536)] }).mtu).toBe(65_470);
});

test('a peer without a route is taken to be 1500 away, with a warning', () => {
  const unreachable = { ...path('site-b', '198.51.100.1'), device: undefined, mtu: undefined };
  const { mtu, warnings } = plan({ paths: [unreachable] });
  expect(mtu).toBe(1438);
  expect(warnings).toEqual(['there is no route to peer site-b now: a path MTU of 1500 is assumed']);
});

test('IPv6 keeps 1280, with warnings about why and about fragments', () => {
  const narrow = [path('site-b', '198.51.100.1', 1300)];
  const { mtu, warnings } = plan({ paths: narrow });
  expect(mtu).toBe(1280);
  expect(warnings[0]).toBe('the TUN MTU is 1280 and not 1238, because IPv6 needs 1280 (RFC 8200 §5)');
  expect(warnings[1]).toContain('is more than fits the path');
  expect(plan({ paths: narrow, carriesIpv6: false })).toMatchObject({ mtu: 1238, warnings: [] });
});

test('a configured MTU is taken, with a warning where it is too large', () => {
  expect(plan({ configuredMtu: 1400 })).toMatchObject({ mtu: 1400, warnings: [] });
  const large = plan({ configuredMtu: 1439 });
  expect(large.mtu).toBe(1439);
  expect(large.warnings.join()).toContain('a TUN MTU of 1439 is more than fits the path');
});

test('of a peer without an address 1500 over IPv6 is assumed', () => {
  expect(plan({ policies: [policy({ peer: 'roaming' })] }).mtu).toBe(1418);
});

test('a policy whose transform nobody knows is a defect', () => {
  expect(() => plan({ policies: [policy({ transform: 'rot13' })] })).toThrow('unknown transform');
});

test('without any policy there is room for whatever is loaded later: AES-CBC with SHA2-512 over IPv6', () => {
  const { mtu, explanations } = planTunMtu({
    policies: [],
    paths: [],
    configuredMtu: undefined,
    carriesIpv6: false,
  });
  // 1500 less 40 for IP, 8 for UDP, 8 for SPI and number, 16 for the IV, 32 for the ICV; whole blocks, less 2.
  expect(mtu).toBe(16 * Math.floor((1500 - 40 - 8 - 8 - 16 - 32) / 16) - 2);
  expect(explanations).toEqual([expect.stringContaining('there is no policy yet')]);
});
