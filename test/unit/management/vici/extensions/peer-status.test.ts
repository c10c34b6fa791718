// Why a tunnel is down, from views made by hand.

import { expect, test } from 'vitest';
import { peerStatus } from '../../../../../src/management/vici/extensions/peer-status.ts';
import type { Trouble } from '../../../../../src/management/vici/extensions/status.ts';
import type {
  ChildConfigView,
  ChildSaView,
  ConnectionView,
  IkeSaView,
} from '../../../../../src/management/vici/vici-gateway.ts';
import type { SaView } from '../../../../../src/sad/sa-view.ts';
import { NO_TRAFFIC, QUIET } from '../../../../support/vici-status.ts';

const policy = (name: string, more: Partial<ChildConfigView> = {}): ChildConfigView => ({
  ...{ name, action: 'PROTECT', peer: 'site-b', priority: 1, line: 1, names: [], local: [], remote: [] },
  ...{ proposals: [], lifetime: undefined, start: 'on-traffic', onClose: 'trap', notInitiated: undefined },
  ...more,
});

const connection = (...children: readonly ChildConfigView[]): ConnectionView => ({
  ...{ name: 'site-b', localAddresses: [], remoteAddresses: ['2001:db8::1'], remotePort: 4500, children },
  ike: {
    ...{ rekeySeconds: 0, livenessSeconds: 0, unique: 'replace', proposals: [] },
    local: { class: 'pre-shared key', identity: 'a', certificates: [], authorities: [] },
    remote: { class: 'pre-shared key', identity: 'b', certificates: [], authorities: [] },
  },
});

const carried = (packets: number): SaView => ({ packets, bytes: 100 * packets, createdMs: 0 }) as SaView;

const child = (name: string, state: ChildSaView['state'] = 'INSTALLED'): ChildSaView =>
  ({
    name,
    state,
    inbound: carried(2),
    outbound: carried(3),
    local: [],
    remote: [],
  }) as unknown as ChildSaView;

const ikeSa = (more: Partial<IkeSaView>): IkeSaView =>
  ({
    ...{ name: 'site-b', state: 'ESTABLISHED', isInitiator: true, establishedSeconds: 60, children: [] },
    remote: { host: '192.0.2.7', port: 1024, identity: 'proved' },
    ...more,
  }) as unknown as IkeSaView;

interface Known {
  readonly trouble?: Trouble;
  readonly madeSeconds?: number;
}

function why(one: ChildConfigView, sas: readonly IkeSaView[], { trouble, madeSeconds }: Known = {}): unknown {
  const { tunnels } = peerStatus(connection(one), sas, {
    ...QUIET,
    troubleOf: () => trouble,
    secondsSinceMade: () => madeSeconds,
  });
  return tunnels.map(({ state, why: reason }) => (reason === undefined ? state : `${state}: ${reason}`))[0];
}

const silent: Trouble = { level: 'warn', message: 'silent', policy: undefined, secondsAgo: 10 };

test.each([
  ['down: waits for a packet', policy('web'), []],
  ['down: is tried again by itself', policy('web', { start: 'immediately' }), []],
  ['down: waits for the peer to begin', policy('web', { start: 'never' }), []],
  ['down: by name', policy('web', { notInitiated: 'by name' }), []],
  ['down: its SAs have ended: make new keys, and reload', policy('web', { proposals: undefined }), []],
  [
    'connecting: IKE_SA_INIT is sent',
    policy('web'),
    [ikeSa({ state: 'CONNECTING', activeTask: 'IKE_INIT' })],
  ],
  ['connecting: IKE_AUTH is sent', policy('web'), [ikeSa({ state: 'CONNECTING', activeTask: 'IKE_AUTH' })]],
  ['connecting: the peer has begun', policy('web'), [ikeSa({ state: 'CONNECTING', isInitiator: false })]],
  ['connecting: CREATE_CHILD_SA is sent', policy('web'), [ikeSa({ activeTask: 'CHILD_CREATE' })]],
  ['up', policy('web'), [ikeSa({ children: [child('web')] })]],
  ['up', policy('web'), [ikeSa({ children: [child('web', 'REKEYED'), child('web', 'REKEYING')] })]],
  [
    'down: waits for a packet',
    policy('web'),
    [ikeSa({ children: [child('web', 'DELETING'), child('mail')] })],
  ],
])('%s', (expected, one, sas) => {
  expect(why(one, sas)).toBe(expected);
});

test('what went wrong is the reason, unless there were SAs since then, or it is about another policy', () => {
  expect(why(policy('web'), [], { trouble: silent })).toBe('down: silent; waits for a packet');
  expect(why(policy('web'), [], { trouble: silent, madeSeconds: 11 })).toBe(
    'down: silent; waits for a packet',
  );
  expect(why(policy('web'), [], { trouble: silent, madeSeconds: 9 })).toBe('down: waits for a packet');
  const other = { ...silent, policy: 'mail' };
  expect(why(policy('web'), [], { trouble: other })).toBe('down: waits for a packet');
  expect(why(policy('mail'), [], { trouble: other })).toBe('down: silent; waits for a packet');
});

test('traffic is what the SAD says of the policy, whatever SAs there are', () => {
  const traffic = { packetsIn: 10, bytesIn: 20, packetsOut: 30, bytesOut: 40 };
  const source = { ...QUIET, trafficOf: (policy: string) => (policy === 'web' ? traffic : NO_TRAFFIC) };
  const sas = [ikeSa({ children: [child('web'), child('web', 'REKEYED'), child('mail')] })];
  const [web, mail] = peerStatus(connection(policy('web'), policy('mail')), sas, source).tunnels;
  expect(web).toMatchObject({ childSas: 1, ...traffic });
  expect(mail).toMatchObject({ childSas: 1, ...NO_TRAFFIC });
});

test('the peer is where it was seen, or where the configuration says', () => {
  expect(peerStatus(connection(), [], QUIET)).toMatchObject({
    ...{ address: '[2001:db8::1]:4500', identity: 'b', ikeSas: 0, upSeconds: undefined, keying: 'ikev2' },
  });
  expect(peerStatus(connection(), [ikeSa({})], QUIET)).toMatchObject({
    ...{ address: '192.0.2.7:1024', identity: 'proved', ikeSas: 1, upSeconds: 60 },
  });
  const two = [ikeSa({}), ikeSa({ establishedSeconds: 90, state: 'REKEYING' }), ikeSa({ state: 'DELETING' })];
  expect(peerStatus(connection(), two, QUIET)).toMatchObject({
    ...{ address: '[2001:db8::1]:4500', identity: 'b', ikeSas: 2, upSeconds: 90 },
  });
});
