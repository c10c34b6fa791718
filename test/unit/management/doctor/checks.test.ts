// Each check of the doctor with the facts of a healthy host, and with those of one that is broken in one way.

import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import { askPeers } from '../../../../src/management/doctor/ask-peers.ts';
import { examine } from '../../../../src/management/doctor/checks.ts';
import type { DoctorFacts, RunningGateway, Setup } from '../../../../src/management/doctor/facts.ts';
import type { NamedFinding } from '../../../../src/management/doctor/finding.ts';
import type { AskedPeer, PeerAnswer, PeerQuestion } from '../../../../src/management/doctor/peer-question.ts';
import { planHostNetwork } from '../../../../src/host/host-plan.ts';
import { formatPrefix } from '../../../../src/host/prefix-cover.ts';
import type { HostFacts } from '../../../../src/host/host-facts.ts';
import type { FilterChain } from '../../../../src/host/probes/filter-chain.ts';
import type { PeerStatus, TunnelStatus } from '../../../../src/management/vici/extensions/status.ts';
import { address } from '../../host/samples.ts';

const CONFIG = `gateway: { name: a }
guard: { interfaces: [wan0] }
udp: { listen: 203.0.113.1 }
peers:
  - name: site-b
    address: 198.51.100.1
    ike: { local: { psk: { file: psk } } }
policies:
  - name: a-to-b
    priority: 1
    selectors: { local_address: 10.0.1.0/24, remote_address: 10.0.2.0/24 }
    action: PROTECT
    sa: { peer: site-b }
`;
const NOW_MS = Date.UTC(2026, 5, 1);
const DAY_MS = 24 * 3_600_000;

const HOST_FACTS: HostFacts = {
  devices: ['lo', 'wan0', 'lan0', 'isthmus0'],
  addresses: [
    { address: address('203.0.113.1'), device: 'wan0', prefixBits: 24, tentative: false },
    { address: address('10.0.1.1'), device: 'lan0', prefixBits: 24, tentative: false },
  ],
  paths: [
    {
      peer: { name: 'site-b', address: address('198.51.100.1') },
      device: 'wan0',
      mtu: 1500,
      source: '203.0.113.1',
    },
  ],
  ipv6Enabled: true,
  ipv4Forwarding: true,
  ipv6Forwarding: false,
  reversePathFilters: new Map([['wan0', 0]]),
  reversePathFilter: 0,
};

const TUNNEL: TunnelStatus = {
  ...{ name: 'a-to-b', state: 'up', why: undefined, upSeconds: 7, childSas: 1 },
  ...{
    local: ['10.0.1.0/24'],
    remote: ['10.0.2.0/24'],
    packetsIn: 1,
    packetsOut: 1,
    bytesIn: 1,
    bytesOut: 1,
  },
};
const PEER: PeerStatus = {
  ...{ name: 'site-b', keying: 'ikev2', address: '198.51.100.1:4500', identity: '198.51.100.1', ikeSas: 1 },
  ...{ upSeconds: 7, lastTrouble: undefined, tunnels: [TUNNEL] },
};

function setupOf(change: Partial<Setup> = {}, facts: Partial<HostFacts> = {}, text: string = CONFIG): Setup {
  const config = parseConfig(text, '/etc/isthmus/a.yaml', {});
  const found = { ...HOST_FACTS, ...facts };
  const footprint = { tunName: 'isthmus0', clearTunName: 'isthmus0-clear', mark: config.udp.mark };
  const plan = planHostNetwork({
    ...footprint,
    ...{ traffic: config.tun.traffic, configuredMtu: config.tun.mtu, unprotected: config.guardedInterfaces },
    ...{ policies: config.policies, facts: found },
  });
  const routes = plan.routes.map(({ table, kind, destination }) => ({
    ...{ table, kind, metric: 0, destination: formatPrefix(destination) },
    device: kind === 'tun' ? 'isthmus0' : undefined,
  }));
  const rules = plan.rules.map(({ priority, table, inputDevice, mark, inverted }) => ({
    ...{ priority, src: 'all', protocol: '73' },
    ...(table === 'unreachable' ? { action: 'unreachable' } : { table }),
    ...(inputDevice !== undefined && { iif: inputDevice }),
    ...(mark !== undefined && { fwmark: `0x${mark.toString(16)}` }),
    ...(inverted && { not: null }),
  }));
  return {
    ...{
      config,
      network: { facts: found, plan },
      planProblem: undefined,
      names: new Map(),
      certificates: [],
    },
    tun: {
      name: 'isthmus0',
      mtu: plan.tunMtu,
      isUp: true,
      offloads: new Map([['tcp-segmentation-offload', true]]),
    },
    outside: [
      { name: 'wan0', mtu: 1500, isUp: true, offloads: new Map([['generic-receive-offload', true]]) },
    ],
    routing: { 4: { routes, rules }, 6: { routes: [], rules: [] } },
    hasGuard: true,
    ownNetworks: new Map([['10.0.1.0/24', 'lan0']]),
    ...change,
  };
}

const HEALTHY: DoctorFacts = {
  ...{ nodeVersion: 'v20.19.0', addonProblem: undefined, wallClockMs: NOW_MS },
  host: {
    ...{ tunProblem: undefined, hasNetAdmin: true, isClockSynchronized: true, acceptsRedirects: [] },
    ...{ mostReceiveBytes: 212_992, mostSendBytes: 212_992 },
  },
  filter: { chains: [], unknown: [] },
  daemons: [],
  kernelIpsec: { states: 0, policies: 0 },
  ports: [
    { port: 500, address: '0.0.0.0', owner: { name: 'isthmus', processId: 7 } },
    { port: 4500, address: '0.0.0.0', owner: { name: 'node', processId: 7 } },
  ],
  gateway: {
    status: {
      ...{
        name: 'a',
        version: '1',
        file: '/etc/isthmus/a.yaml',
        runningSeconds: 7,
        engine: 'native',
        tun: 'isthmus0',
        page: undefined,
        privileges: { uid: 998, capabilities: ['net_admin'] },
      },
      ...{ ikeSas: 1, halfOpenIkeSas: 0, packetsOut: 1, packetsIn: 1, drops: [], lastTrouble: undefined },
    },
    peers: [PEER],
  },
  setup: setupOf(),
  asked: [],
};

const IDLE = { ...HEALTHY, gateway: 'nobody answers', ports: [] };

function complaints(facts: DoctorFacts): readonly NamedFinding[] {
  return examine(facts).filter(({ state }) => state !== 'ok' && state !== 'note');
}

const rules = (facts: DoctorFacts): DoctorFacts => facts;

test('a healthy host: nothing but ok', () => {
  const findings = examine(rules(HEALTHY)).filter(({ check }) => check !== 'routes');
  expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(complaints(IDLE)).toEqual([]);
});

function chain(change: Partial<FilterChain>): FilterChain {
  return {
    family: 'ip',
    table: 'filter',
    name: 'FORWARD',
    hook: 'forward',
    type: 'filter',
    policy: 'drop',
    rules: [],
    tool: 'iptables',
    ...change,
  };
}

const host = (change: Partial<DoctorFacts['host']>): DoctorFacts['host'] => ({ ...HEALTHY.host, ...change });
const withPrivileges = (uid: number, ...capabilities: readonly string[]): DoctorFacts['gateway'] => {
  const { status, peers } = HEALTHY.gateway as RunningGateway;
  return { status: { ...status, privileges: { uid, capabilities } }, peers };
};
const tunnel = (change: Partial<TunnelStatus>, trouble?: string): DoctorFacts['gateway'] => {
  const { status } = HEALTHY.gateway as Exclude<DoctorFacts['gateway'], string>;
  const lastTrouble =
    trouble === undefined
      ? undefined
      : ({ level: 'warn', message: trouble, policy: undefined, secondsAgo: 3 } as const);
  return { status, peers: [{ ...PEER, lastTrouble, tunnels: [{ ...TUNNEL, ...change }] }] };
};
const certificate = (change: object): Setup =>
  setupOf({
    certificates: [
      {
        path: '/etc/a b.pem',
        problem: undefined,
        notBeforeMs: NOW_MS - DAY_MS,
        notAfterMs: NOW_MS + 90 * DAY_MS,
        ...change,
      },
    ],
  });
const FULL = CONFIG.replace('10.0.2.0/24', '0.0.0.0/0').replace('203.0.113.1 }', '203.0.113.1, mark: 0 }');

type Broken = readonly [
  what: string,
  facts: DoctorFacts,
  check: string,
  state: string,
  text: RegExp,
  mend: RegExp,
];

const BROKEN: readonly Broken[] = [
  ['an old Node', { ...HEALTHY, nodeVersion: 'v18.19.0' }, 'node', 'failure', /v18/, /20\.19/],
  ['no addon', { ...HEALTHY, addonProblem: 'not built' }, 'addon', 'failure', /not built/, /^npm rebuild/],
  ['no TUN file', { ...IDLE, host: host({ tunProblem: 'ENOENT' }) }, 'tun-device', 'failure', /ENOENT/, /^modprobe tun; /],
  ['a TUN file of others', { ...IDLE, host: host({ tunProblem: 'EACCES' }) }, 'tun-device', 'failure', /EACCES/, /^chmod 666/],
  ['no permission', { ...IDLE, host: host({ hasNetAdmin: false, mostReceiveBytes: 2 ** 30, mostSendBytes: 2 ** 30 }) }, 'permission', 'failure', /CAP_NET_ADMIN/, /AmbientCapabilities/],
  ['small buffers, and no way beyond', { ...HEALTHY, host: host({ hasNetAdmin: false, mostSendBytes: 2 ** 30 }) }, 'buffers', 'warning', /rmem_max is 212992/, /^sysctl -w net.core.rmem_max=8388608$/],
  ['a gateway of root', { ...HEALTHY, gateway: withPrivileges(0, 'dac_override', 'net_admin') }, 'privileges', 'warning', /as root, with CAP_DAC_OVERRIDE and CAP_NET_ADMIN; it needs CAP_NET_ADMIN alone/, /gateway\.user/],
  ['a gateway with much', { ...HEALTHY, gateway: withPrivileges(998, 'chown', 'setuid', 'net_admin', 'net_raw') }, 'privileges', 'warning', /user 998 with 4 capabilities/, /isthmus\.service/],
  ['a clock of 1970', { ...HEALTHY, wallClockMs: 0 }, 'clock', 'failure', /1970/, /set-ntp/],
  ['certificates and a clock by itself', { ...HEALTHY, host: host({ isClockSynchronized: false }), setup: certificate({}) }, 'clock', 'warning', /not synchronised/, /set-ntp/],
  ['a certificate of tomorrow', { ...HEALTHY, setup: certificate({ notBeforeMs: NOW_MS + DAY_MS }) }, 'certificates', 'failure', /valid from 2026-06-02/, /set-ntp/],
  ['a certificate of yesterday', { ...HEALTHY, setup: certificate({ notAfterMs: NOW_MS - DAY_MS }) }, 'certificates', 'failure', /ended on 2026-05-31/, /-in '\/etc\/a b\.pem'/],
  ['a certificate that ends soon', { ...HEALTHY, setup: certificate({ notAfterMs: NOW_MS + DAY_MS }) }, 'certificates', 'warning', /ends on 2026-06-02/, /pki issue/],
  ['a certificate that is not there', { ...HEALTHY, setup: certificate({ problem: 'cannot be read (ENOENT)' }) }, 'certificates', 'failure', /ENOENT/, /^ls -l '/],
  ['another daemon', { ...HEALTHY, daemons: [{ name: 'charon-systemd', processId: 99 }] }, 'other-ipsec', 'failure', /charon-systemd, process 99/, /disable --now strongswan \|\| kill 99/],
  ["the kernel's IPsec", { ...HEALTHY, kernelIpsec: { states: 2, policies: 3 } }, 'other-ipsec', 'warning', /2 states and 3 policies/, /^ip xfrm state flush/],
  ['a port that is taken', { ...IDLE, ports: [{ port: 4500, address: '0.0.0.0', owner: { name: 'x$(reboot)', processId: 9 } }] }, 'ports', 'failure', /4500/, /^kill 9$/],
  ['a route that is gone', { ...HEALTHY, setup: setupOf({ routing: { 4: { routes: [], rules: setupOf().routing[4].rules }, 6: { routes: [], rules: [] } } }) }, 'routes', 'failure', /no route into isthmus0 for 10\.0\.2\.0\/24/, /restart/],
  ['a network of this side behind the outside', { ...HEALTHY, setup: setupOf({ ownNetworks: new Map([['10.0.1.0/24', 'wan0']]) }) }, 'own-networks', 'warning', /leave by wan0/, /^ip route add 10\.0\.1\.0\/24/],
  ['no guard', { ...HEALTHY, setup: setupOf({ hasGuard: false }) }, 'guard', 'failure', /gone/, /restart/],
  ['an MTU that is too large', { ...HEALTHY, setup: setupOf({ tun: { name: 'isthmus0', mtu: 1500, isUp: true, offloads: new Map() } }) }, 'mtu', 'warning', /1500, and the paths/, /^ip link set dev isthmus0 mtu \d+$/],
  ['no TUN beside a gateway', { ...HEALTHY, setup: setupOf({ tun: undefined }) }, 'mtu', 'failure', /no device isthmus0/, /restart/],
  ['a TUN that is down', { ...HEALTHY, setup: setupOf({ tun: { name: 'isthmus0', mtu: 1400, isUp: false, offloads: new Map() } }) }, 'mtu', 'failure', /is down/, /^ip link set dev isthmus0 up$/],
  ['no forwarding', { ...HEALTHY, setup: setupOf({}, { ipv4Forwarding: false }) }, 'forwarding', 'failure', /ip_forward is 0/, /^sysctl -w net.ipv4.ip_forward=1$/],
  ['a strict rp_filter', { ...HEALTHY, setup: setupOf({}, { reversePathFilters: new Map([['wan0', 1]]) }, FULL) }, 'reverse-path', 'failure', /wan0\.rp_filter is 1/, /^sysctl -w net\.ipv4\.conf\.wan0\.rp_filter=2$/],
  ['FORWARD drop', { ...HEALTHY, filter: { chains: [chain({})], unknown: [] } }, 'forward-policy', 'failure', /into the TUN and out of it/, /^iptables -I FORWARD -i isthmus0 -j ACCEPT && iptables -I FORWARD -o isthmus0 -j ACCEPT$/],
  ['FORWARD drop of a table with a strange name', { ...HEALTHY, filter: { chains: [chain({ tool: 'nft', table: 'a;reboot', name: 'f' })], unknown: [] } }, 'forward-policy', 'failure', /a;reboot/, /^let what comes from isthmus0/],
  ['masquerading', { ...HEALTHY, filter: { chains: [chain({ table: 'nat', name: 'POSTROUTING', hook: 'postrouting', type: 'nat', policy: 'accept', rules: [[{ masquerade: null }]] })], unknown: [] } }, 'masquerading', 'failure', /of policy a-to-b/, /^iptables -t nat -I POSTROUTING -o isthmus0 -j ACCEPT$/],
  ['no nftables', { ...HEALTHY, filter: { chains: [], unknown: ['nftables: missing'] } }, 'forward-policy', 'unknown', /missing/, /^$/],
  ['a name without an address', { ...IDLE, setup: setupOf({ names: new Map([['gw.example.org', 'ENOTFOUND']]) }) }, 'peers', 'failure', /cannot be resolved: ENOTFOUND/, /^getent ahosts gw\.example\.org$/],
  ['no route to a peer', { ...IDLE, setup: setupOf({}, { paths: [{ peer: { name: 'site-b', address: address('198.51.100.1') }, device: undefined, mtu: 1500, source: undefined }] }) }, 'peers', 'failure', /no route to site-b/, /^ip route add 198\.51\.100\.1/],
  ['another secret', { ...HEALTHY, gateway: tunnel({ state: 'down', why: 'the peer refused: AUTHENTICATION_FAILED' }, 'x') }, 'peers', 'failure', /AUTHENTICATION_FAILED/, /compare the secret/],
  ['other networks', { ...HEALTHY, gateway: tunnel({ state: 'down', why: 'TS_UNACCEPTABLE' }, 'x') }, 'peers', 'failure', /TS_UNACCEPTABLE/, /compare the networks/],
  ['a configuration with errors', { ...HEALTHY, setup: 'a.yaml:1:1: found x, expected y' }, 'configuration', 'failure', /found x/, /isthmus check/],
]; // prettier-ignore

describe('is named with its mend', () => {
  test.each(BROKEN)('%s', (_, facts, check, state, text, mend) => {
    const found = complaints(facts);
    expect(found.map((one) => [one.check, one.state])).toEqual([[check, state]]);
    expect(found[0]?.text).toMatch(text);
    expect(found[0]?.mend ?? '').toMatch(mend);
  });
});

describe('a peer that was asked', () => {
  const asked = (answer: PeerAnswer | undefined): NamedFinding => {
    const peer = {
      name: 'site-b',
      address: address('198.51.100.1'),
      ports: [500, 4500],
      isGuarded: false,
      answer,
    };
    const found = examine({ ...HEALTHY, asked: [peer] }).at(-1);
    expect(found?.check).toBe('peers');
    return found!;
  };
  const said = (text: string): PeerAnswer => ({ kind: 'answered', port: 500, said: text });
  const code = (text: string): PeerAnswer => ({ kind: 'unreachable', code: text, ports: [500, 4500] });

  test.each<[PeerAnswer | undefined, string, string, RegExp]>([
    [said('SA'), 'ok', 'site-b (198.51.100.1) answers IKE_SA_INIT at UDP port 500: it takes a proposal (SA)', /^$/],
    [said('COOKIE'), 'ok', 'site-b (198.51.100.1) answers IKE_SA_INIT at UDP port 500: it asks for a cookie first (COOKIE)', /^$/],
    [said('INVALID_SYNTAX'), 'ok', 'site-b (198.51.100.1) answers IKE_SA_INIT at UDP port 500: it says INVALID_SYNTAX', /^$/],
    [said('NO_PROPOSAL_CHOSEN'), 'warning', 'site-b (198.51.100.1) answers IKE_SA_INIT at UDP port 500, and takes none of the proposals (NO_PROPOSAL_CHOSEN)', /^compare ike.proposals/],
    [code('ECONNREFUSED'), 'failure', 'site-b (198.51.100.1) is there, and no IKE: its UDP ports 500 and 4500 are closed (ICMP port unreachable)', /^start the gateway at the peer/],
    [{ kind: 'unreachable', code: 'ECONNREFUSED', ports: [4500] }, 'warning', 'site-b (198.51.100.1) is there: its UDP port 4500 is closed (ICMP port unreachable), and it is silent at the other', /tcpdump/],
    [code('EPERM'), 'failure', 'a packet filter of this host drops what is sent to site-b (198.51.100.1)', /^nft list ruleset$/],
    [code('EHOSTUNREACH'), 'failure', 'site-b (198.51.100.1) cannot be reached (EHOSTUNREACH)', /^ip route get 198\.51\.100\.1$/],
    [{ kind: 'silent' }, 'warning', 'site-b (198.51.100.1) does not answer IKE_SA_INIT at UDP ports 500 and 4500: a firewall on the way, a wrong address, or the peer is down or takes nothing from this address', /tcpdump -ni any 'udp port 500 or udp port 4500'$/],
    [undefined, 'unknown', 'site-b (198.51.100.1) was not asked: the policies lead what this host sends there into a tunnel', /^$/],
  ])('%j', (answer, state, text, mend) => {
    const found = asked(answer);
    expect([found.state, found.text]).toEqual([state, text]);
    expect(found.mend ?? '').toMatch(mend);
  }); // prettier-ignore

  test('from behind the guard: that nothing comes says nothing', () => {
    const answer = { kind: 'silent' } as const;
    const peer = {
      name: 'site-b',
      address: address('198.51.100.1'),
      ports: [500, 4500],
      isGuarded: true,
      answer,
    };
    expect(examine({ ...HEALTHY, asked: [peer] }).at(-1)?.state).toBe('unknown');
  });

  test('at several addresses: where one answers, another that is closed is no failure', () => {
    const at = (text: string, answer: PeerAnswer): AskedPeer => ({
      ...{ name: 'site-b', address: address(text), ports: [500, 4500], isGuarded: false, answer },
    });
    const closed = at('198.51.100.2', code('ECONNREFUSED'));
    const states = (asked: readonly AskedPeer[]): readonly string[] =>
      examine({ ...HEALTHY, asked })
        .slice(-asked.length)
        .map(({ state }) => state);
    expect(states([at('198.51.100.1', said('SA')), closed])).toEqual(['ok', 'warning']);
    expect(states([at('198.51.100.1', { kind: 'silent' }), closed])).toEqual(['warning', 'failure']);
  });

  test('is one with ike and an address that has no IKE SA, and to which no policy leads', async () => {
    const questions: PeerQuestion[] = [];
    const ask = (question: PeerQuestion): Promise<PeerAnswer> => {
      questions.push(question);
      return Promise.resolve({ kind: 'silent' });
    };
    const names = async (setup: Setup, gateway: DoctorFacts['gateway']): Promise<readonly unknown[]> =>
      (await askPeers(setup, gateway, ask)).map(({ name, answer }) => [name, answer?.kind]);
    // It has an IKE SA, as the gateway says.
    expect(await names(setupOf(), HEALTHY.gateway)).toEqual([]);
    const down = {
      status: (HEALTHY.gateway as RunningGateway).status,
      peers: [{ ...PEER, upSeconds: undefined }],
    };
    for (const gateway of [down, 'nobody answers'])
      expect(await names(setupOf(), gateway)).toEqual([['site-b', 'silent']]);
    expect(questions).toHaveLength(2);
    expect(questions[0]).toMatchObject({
      ...{ to: address('198.51.100.1'), from: address('203.0.113.1'), port: 4500 },
    });
    expect(questions[0]?.proposals.length).toBeGreaterThan(0);
    expect(await names(setupOf({}, {}, FULL), 'nobody answers')).toEqual([['site-b', undefined]]);
    expect(questions).toHaveLength(2);
  });
});

test('a tunnel that waits for its first packet is as it should be', () => {
  expect(complaints({ ...HEALTHY, gateway: tunnel({ state: 'down', why: 'waits for a packet' }) })).toEqual(
    [],
  );
});
