// A gateway that is not there, for a picture of the status page: names and figures are made up.

import { wallClockMs } from '../../src/base/clock.ts';
import type { PageGateway } from '../../src/management/http/page-gateway.ts';
import type { LadderStep } from '../../src/management/http/page-state.ts';
import type { TrafficSelector } from '../../src/wire/ike/payload.ts';
import type {
  ChildConfigView,
  ChildSaView,
  ConnectionView,
  IkeSaView,
  PolicyView,
} from '../../src/management/vici/vici-gateway.ts';
import { parseAddress, prefixRange } from '../../src/base/address.ts';

type Shown = Pick<
  PageGateway,
  | 'name'
  | 'version'
  | 'tun'
  | 'packets'
  | 'drops'
  | 'stats'
  | 'implementations'
  | 'ikeSas'
  | 'connections'
  | 'policies'
  | 'troubleOf'
  | 'secondsSinceMade'
  | 'trafficOf'
  | 'hitsOf'
  | 'ladderOf'
>;

const STARTED_MS = wallClockMs() - 8 * 3_600_000;
const SITES = [
  { name: 'lisbon', address: '198.51.100.20', net: '10.0.2.0/24', isUp: true, mbit: 840 },
  { name: 'oslo', address: '198.51.100.37', net: '10.0.3.0/24', isUp: true, mbit: 210 },
  { name: 'vienna', address: '203.0.113.99', net: '10.0.4.0/24', isUp: false, mbit: 0 },
] as const;

export function exampleGateway(): Shown {
  const beganMs = wallClockMs();
  const bytesOf = (mbit: number, share: number): number => {
    const seconds = (wallClockMs() - beganMs) / 1000;
    // A swell, so that the chart has a shape.
    return Math.round(((mbit * share * 1e6) / 8) * (seconds + 0.9 * Math.sin(seconds * 0.9)) + 3e10 * share);
  };
  const traffic = (policy: string) => {
    const mbit = SITES.find(({ name }) => `to-${name}` === policy)?.mbit ?? 0;
    const [bytesOut, bytesIn] = mbit === 0 ? [0, 0] : [bytesOf(mbit, 1), bytesOf(mbit, 0.35)];
    return {
      bytesOut,
      bytesIn,
      packetsOut: Math.round(bytesOut / 1400),
      packetsIn: Math.round(bytesIn / 1300),
    };
  };
  return {
    name: 'porto',
    version: '0.1.0',
    tun: 'isthmus0',
    implementations: { esp: 'native', ike: 'node:crypto' },
    get packets() {
      return { out: traffic('to-lisbon').packetsOut, in: traffic('to-lisbon').packetsIn };
    },
    stats: {
      startedMs: STARTED_MS,
      runningMs: Date.now() - STARTED_MS,
      ikeSas: 2,
      halfOpenIkeSas: 0,
      parts: [],
    },
    drops: [
      {
        name: 'outbound-discard',
        packets: 412,
        sentence: 'A policy with action DISCARD matches the packet.',
      },
      {
        name: 'inbound-replay',
        packets: 3,
        sentence: 'The packet was received before, or is older than the window.',
      },
    ],
    ikeSas: SITES.filter(({ isUp }) => isUp).map(ikeSa),
    connections: SITES.map(connection),
    policies: [...SITES.map((site, index) => policy(site, index)), ...OTHERS],
    troubleOf: (peer) =>
      peer === 'vienna'
        ? {
            level: 'warn',
            message:
              'the peer refuses our authentication: the shared secret differs, or it does not know our identity',
            policy: undefined,
            secondsAgo: 40,
          }
        : undefined,
    secondsSinceMade: (name) => (name === 'to-vienna' ? undefined : 5400),
    trafficOf: traffic,
    hitsOf: (name) => ({ packetsOut: name === 'web' ? 18_204 : 412, bytesOut: 0, packetsIn: 0, bytesIn: 0 }),
    ladderOf: () => LADDER,
  };
}

type Site = (typeof SITES)[number];

function networks(...texts: readonly string[]): readonly TrafficSelector[] {
  return texts.flatMap((text) => {
    const [address = '', bits] = text.split('/');
    const parsed = parseAddress(address);
    if (parsed === undefined) return [];
    const { first, last } = prefixRange(parsed, Number(bits));
    return [{ protocol: 0, startPort: 0, endPort: 65_535, first, last }];
  });
}

function policy({ name, net }: Site, index: number): PolicyView {
  const place = { priority: 100 * (index + 1), line: 30 + 9 * index, names: [] };
  const ends = { local: networks('10.0.1.0/24'), remote: networks(net) };
  return { name: `to-${name}`, action: 'PROTECT', peer: name, ...place, ...ends };
}

const OTHERS: readonly PolicyView[] = [
  {
    name: 'no-telnet',
    action: 'DISCARD',
    peer: undefined,
    priority: 800,
    line: 70,
    names: [],
    local: networks('10.0.1.0/24'),
    remote: networks('0.0.0.0/0'),
  },
  {
    name: 'web',
    action: 'BYPASS',
    peer: undefined,
    priority: 900,
    line: 76,
    names: [],
    local: networks('10.0.1.0/24'),
    remote: networks('0.0.0.0/0'),
  },
];

function connection(site: Site, index: number): ConnectionView {
  const { name, address } = site;
  const side = { class: 'pre-shared key', certificates: [], authorities: [] } as const;
  const child: ChildConfigView = {
    ...policy(site, index),
    ...{ proposals: [], lifetime: undefined, start: 'on-traffic', onClose: 'trap', notInitiated: undefined },
  };
  return {
    ...{
      name,
      localAddresses: ['203.0.113.1'],
      remoteAddresses: [address],
      remotePort: 4500,
      children: [child],
    },
    ike: {
      ...{ rekeySeconds: 77_760, livenessSeconds: 30, unique: 'replace', proposals: [] },
      local: { ...side, identity: '203.0.113.1' },
      remote: { ...side, identity: `gw.${name}.example` },
    },
  };
}

function ikeSa(site: Site, index: number): IkeSaView {
  const { name, address, net } = site;
  const child = {
    ...{
      uniqueId: index,
      requestId: index,
      name: `to-${name}`,
      state: 'INSTALLED',
      inboundSpi: 1,
      outboundSpi: 1,
    },
    ...{ esn: false, group: 0, inbound: undefined, outbound: undefined },
    ...{ local: networks('10.0.1.0/24'), remote: networks(net) },
    transform: { encryptionId: 20, integrityId: 0, keyBytes: 32 },
  } satisfies ChildSaView;
  return {
    ...{ uniqueId: index, name, state: 'ESTABLISHED', isInitiator: true, algorithms: undefined },
    local: { host: '203.0.113.1', port: 4500, identity: '203.0.113.1' },
    remote: { host: address, port: 4500, identity: `gw.${name}.example` },
    ...{
      initiatorSpi: '1',
      responderSpi: '2',
      establishedSeconds: 5400,
      rekeySeconds: 72_000,
      lifeSeconds: 80_000,
    },
    ...{ queuedTasks: [], activeTask: undefined, children: [child] },
  };
}

const message = (
  at: number,
  direction: 'in' | 'out',
  exchange: string,
  bytes: number,
  payloads: string,
): LadderStep => ({
  ...{
    type: 'message',
    atMs: STARTED_MS + at,
    direction,
    exchange,
    isResponse: direction === 'in',
    messageId: exchange === 'IKE_SA_INIT' ? 0 : 1,
  },
  ...{ bytes, datagrams: 1, payloads, spi: '1' },
});
const story = (at: number, sentence: string): LadderStep => ({
  ...{ type: 'story', atMs: STARTED_MS + at, level: 'info', sentence, spi: '1' },
});

const LADDER: readonly LadderStep[] = [
  message(0, 'out', 'IKE_SA_INIT', 392, 'SA, KE, Nonce, N, N, N, N'),
  story(0, 'IKE_SA_INIT sent'),
  message(21, 'in', 'IKE_SA_INIT', 392, 'SA, KE, Nonce, N, N, N, N'),
  story(22, 'IKE_SA_INIT done, IKE_AUTH sent'),
  message(22, 'out', 'IKE_AUTH', 304, 'SK{…}'),
  message(44, 'in', 'IKE_AUTH', 240, 'SK{…}'),
  story(45, 'IKE SA established'),
  story(45, 'Child SA established'),
];
