// What a gateway in which nothing has happened says of itself, for tests of commands.

import { NOTHING } from '../../src/management/loading/loaded-things.ts';
import type { ViciGateway } from '../../src/management/vici/vici-gateway.ts';
import { NO_PAGE } from '../../src/management/vici/extensions/page.ts';
import type { StatusSource } from '../../src/management/vici/extensions/status-source.ts';

export const NO_TRAFFIC = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0 };

export const QUIET: StatusSource = {
  name: 'site-a',
  file: '/etc/isthmus/site-a.yaml',
  tun: 'isthmus0',
  privileges: { uid: 998, capabilities: ['net_admin'] },
  page: NO_PAGE,
  packets: { out: 0, in: 0 },
  drops: [],
  guardDrops: () => Promise.resolve([]),
  securityAssociations: [],
  explain: () => ({ outcome: 'passes', ways: [] }),
  troubleOf: () => undefined,
  secondsSinceMade: () => undefined,
  trafficOf: () => NO_TRAFFIC,
  hitsOf: () => NO_TRAFFIC,
};

/** A gateway with nothing in it, but for what a test gives it. */
export function emptyGateway(parts: Partial<ViciGateway> = {}): ViciGateway {
  const none = (): (() => void) => () => undefined;
  const nothing = (): void => undefined;
  return {
    version: '1.2.3',
    stats: { startedMs: 0, runningMs: 0, ikeSas: 0, halfOpenIkeSas: 0, parts: [] },
    implementations: { esp: 'native', ike: 'node:crypto' },
    ikeSas: [],
    connections: [],
    policies: [],
    certificates: [],
    loaded: NOTHING,
    changeLoaded: () => Promise.resolve(),
    reload: () => Promise.resolve([]),
    counters: new Map(),
    resetCounters: nothing,
    initiate: () => Promise.resolve(true),
    hasIkeSa: () => false,
    hasChildSa: () => false,
    endIkeSa: nothing,
    endChildSa: nothing,
    rekeyIkeSa: nothing,
    rekeyChildSa: nothing,
    capture: () => Promise.reject(new Error('no capture was expected')),
    endCapture: () => false,
    logLevels: [],
    useLogLevel: nothing,
    onLog: none,
    onSaEvent: none,
    onChange: none,
    ...QUIET,
    ...parts,
  };
}
