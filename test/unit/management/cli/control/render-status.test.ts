import { expect, test } from 'vitest';
import { plainly, type Paint } from '../../../../../src/management/cli/control/paint.ts';
import { durationText, sizeText } from '../../../../../src/management/cli/control/quantities.ts';
import { renderStatus } from '../../../../../src/management/cli/control/render-status.ts';
import type {
  GatewayStatus,
  PeerStatus,
  TunnelStatus,
} from '../../../../../src/management/vici/extensions/status.ts';

const gateway: GatewayStatus = {
  ...{ name: 'site-a', version: '1.2.3', file: '/etc/isthmus/a.yaml', runningSeconds: 7500 },
  page: 'http://127.0.0.1:9500/',
  privileges: { uid: 998, capabilities: ['net_admin'] },
  ...{ engine: 'native', tun: 'isthmus0', ikeSas: 2, halfOpenIkeSas: 1, packetsOut: 1, packetsIn: 1200 },
  drops: [
    { name: 'outbound-no-policy', packets: 120, sentence: 'No policy matches the packet.' },
    { name: 'inbound-replay', packets: 3, sentence: 'The sequence number was received before.' },
  ],
  lastTrouble: { level: 'error', message: 'reload failed reason=x', policy: undefined, secondsAgo: 61 },
};

const tunnel: TunnelStatus = {
  ...{ name: 'web', state: 'up', why: undefined, upSeconds: 301, childSas: 1 },
  ...{ local: ['10.0.1.0/24', 'fd00:1::/64'], remote: ['10.0.2.0/24'] },
  ...{ packetsIn: 1, bytesIn: 84, packetsOut: 20, bytesOut: 12_345 },
};

const peer: PeerStatus = {
  ...{ name: 'site-b', keying: 'ikev2', address: '198.51.100.1:4500', identity: 'b.example.org', ikeSas: 1 },
  ...{ upSeconds: 303, lastTrouble: undefined, tunnels: [tunnel] },
};

const none = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0, upSeconds: undefined, childSas: 0 };

const peers: readonly PeerStatus[] = [
  { ...peer, tunnels: [tunnel, { ...tunnel, name: 'laptops', childSas: 3 }] },
  {
    ...{ ...peer, name: 'site-c', identity: 'c\u001b[2J', ikeSas: 0, upSeconds: undefined },
    lastTrouble: { level: 'warn', message: 'the peer\u0007 is silent', policy: undefined, secondsAgo: 12 },
    tunnels: [
      { ...tunnel, ...none, name: 'to-c', state: 'down', why: 'the peer is silent; waits for a packet' },
      { ...tunnel, ...none, name: 'to-c-too', state: 'connecting', why: 'IKE_SA_INIT is sent' },
    ],
  },
  { ...peer, name: 'site-d', keying: 'manual', identity: undefined, tunnels: [] },
];

test('one screen', () => {
  expect(renderStatus(gateway, peers, plainly)).toBe(
    `site-a: Isthmus 1.2.3, running for 2h 5m, native engine, isthmus0, /etc/isthmus/a.yaml
2 of 4 tunnels up, 2 IKE SAs (1 half-open), 1 packet out, 1200 in
page at http://127.0.0.1:9500/, isthmus page opens it
last error, 1m 1s ago: reload failed reason=x

site-b at 198.51.100.1:4500 'b.example.org': 1 IKE SA for 5m 3s
  web       up for 5m 1s
            10.0.1.0/24 fd00:1::/64 === 10.0.2.0/24
            sent 12.3 kB in 20 packets, received 84 B in 1 packet
  laptops   up for 5m 1s, 3 pairs of SAs
            10.0.1.0/24 fd00:1::/64 === 10.0.2.0/24
            sent 12.3 kB in 20 packets, received 84 B in 1 packet

site-c at 198.51.100.1:4500 'c\\u001b[2J': no IKE SA
  to-c      down: the peer is silent; waits for a packet
            10.0.1.0/24 fd00:1::/64 === 10.0.2.0/24
  to-c-too  connecting: IKE_SA_INIT is sent
            10.0.1.0/24 fd00:1::/64 === 10.0.2.0/24
  last warning, 12s ago: the peer\\u0007 is silent

site-d at 198.51.100.1:4500: keyed by hand
  no policy is for this peer

dropped:
  120  outbound-no-policy  No policy matches the packet.
    3  inbound-replay      The sequence number was received before.
`,
  );
});

test('colours say what is up and what is not', () => {
  const paint: Paint = (colour, text) => `<${colour}>${text}</${colour}>`;
  const painted = renderStatus(gateway, peers, paint);
  expect(painted).toContain('<yellow>2 of 4 tunnels up</yellow>');
  expect(painted).toContain('<green>up for 5m 1s</green>');
  expect(painted).toContain('<red>down</red>: the peer is silent');
  expect(renderStatus(gateway, [peer], paint)).toContain('<green>1 of 1 tunnel up</green>');
});

test.each([
  [0, '0s'],
  [59, '59s'],
  [60, '1m'],
  [3661, '1h 1m'],
  [86_400, '1d'],
  [90_061, '1d 1h'],
])('%i seconds are %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [9_996, '10.0 kB'],
  [999_499, '999 kB'],
  [999_999, '1.00 MB'],
  [12_345_678_901, '12.3 GB'],
  [5e18, '5000 PB'],
])('%i bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
