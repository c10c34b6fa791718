// The host's network configuration against a real kernel, as scenarios that throw where something is not as it
// should be. Each runs in a network namespace of its own.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

import { clearTunNameOf } from '../../../src/host/clear-tun-name.ts';
import { readHostFacts } from '../../../src/host/host-facts.ts';
import { applyHostNetwork, removeHostNetwork } from '../../../src/host/host-network.ts';
import { planHostNetwork, type HostNetworkPlan } from '../../../src/host/host-plan.ts';
import { queryIpTogether, type IpObject } from '../../../src/host/ip-command.ts';
import type { Policy } from '../../../src/spd/policy.ts';
import { address, policy } from '../../unit/host/samples.ts';

const MARK = 0x4953;
const TUN = 'isthmus0';
const CLEAR = 'isthmus0-clear';
const FOOTPRINT = { tunName: TUN, clearTunName: CLEAR, mark: MARK };
const PEERS = [{ name: 'site-b', address: address('198.51.100.1') }];

type Row = Readonly<Record<string, unknown>>;

/** `ip` with words, for building and looking; errors end the program. */
function ip(words: string): string {
  return execFileSync('ip', words.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

const ipJson = (words: string): Row[] => JSON.parse(ip(`-json ${words}`)) as Row[];

/** The table, empty where it does not exist; for IPv6 without the flags that only the link's state changes. */
function table(family: 4 | 6): Row[] {
  try {
    return ipJson(`-${String(family)} route show table 220`);
  } catch (error) {
    assert.equal((error as { status?: number }).status, 2);
    return [];
  }
}

const rules = (family: 4 | 6): string[] =>
  ip(`-${String(family)} rule show`)
    .split('\n')
    .map((line) => line.replace('\t', ' ').trim())
    .filter((line) => line !== '' && !/^(0|32766|32767):/.test(line));

const FIRST_RULE = '213: from all fwmark 0x4953 iif lo lookup main proto 73';
const LAST_RULES = [
  '219: from all fwmark 0x4953 lookup main proto 73',
  '220: not from all fwmark 0x4953 lookup 220 proto 73',
];
const rulesOfDevices = (tun: string, detached = ''): string[] => [
  `214: from all iif ${tun}-clear [detached] lookup main proto 73`,
  `215: from all iif ${tun}-clear [detached] unreachable proto 73`,
  `216: from all iif ${tun}${detached} lookup 221 proto 73`,
  `217: from all iif ${tun}${detached} lookup main proto 73`,
  `218: from all iif ${tun}${detached} unreachable proto 73`,
];
const OUR_RULES = [FIRST_RULE, ...rulesOfDevices(TUN), ...LAST_RULES];

/** What a gateway leaves behind that was killed. */
export function leaveRules(): void {
  ip('rule add priority 219 fwmark 0x4953 lookup main');
  ip('rule add priority 220 not fwmark 0x4953 lookup 220');
}

/** A gateway's host: wan0 towards the peer on a path of 1400 bytes, lan0 with the local network, and a TUN. */
export function buildHost(): void {
  ip('link set lo up');
  for (const device of ['wan0', 'lan0']) {
    ip(`link add ${device} type veth peer name ${device}far`);
    ip(`link set ${device}far up`);
    ip(`link set ${device} up`);
  }
  ip('address add 203.0.113.1/24 dev wan0');
  ip('address add 10.0.1.1/24 dev lan0');
  ip('address add fd00:1::1/64 dev lan0 nodad');
  ip('route add default via 203.0.113.254');
  ip('route add 198.51.100.0/24 via 203.0.113.254 mtu 1400');
  ip(`tuntap add name ${TUN} mode tun`);
}

async function plan(
  policies: readonly Policy[],
  tunName = TUN,
  traffic: 'policy' | 'all' | 'none' = 'policy',
): Promise<HostNetworkPlan> {
  const footprint = { tunName, clearTunName: clearTunNameOf(tunName), mark: MARK };
  const facts = await readHostFacts({ ...footprint, peers: PEERS });
  const input = { ...footprint, traffic, unprotected: ['wan0'], configuredMtu: undefined };
  return planHostNetwork({ ...input, policies, facts });
}

const siteToSite = policy({
  local: ['10.0.1.0/24', 'fd00:1::/64'],
  remote: ['10.0.2.0/24', '10.0.3.7', 'fd00:2::/64'],
});

const routeTo = (words: string): Row | undefined => ipJson(`route get ${words}`)[0];
/** What leads into a TUN or is thrown back; what lies beneath is {@link closed}. */
const destinations = (family: 4 | 6): unknown[] =>
  table(family)
    .filter((row) => row['type'] !== 'unreachable')
    .map((row) => row['dst']);
const closed = (family: 4 | 6): unknown[] =>
  table(family)
    .filter((row) => row['type'] === 'unreachable')
    .map((row) => row['dst']);
const led = (family: 4 | 6): unknown[] =>
  table(family)
    .filter((row) => row['type'] === undefined)
    .map((row) => [row['dst'], row['dev'], row['prefsrc']]);

function assertNothingLeft(): void {
  for (const family of [4, 6] as const) {
    assert.deepEqual(table(family), []);
    assert.deepEqual(rules(family), []);
  }
}

export const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  async 'facts are those of the host'() {
    ip('address add fd00:9::9/64 dev wan0');
    writeFileSync('/proc/sys/net/ipv4/conf/all/rp_filter', '0');
    writeFileSync('/proc/sys/net/ipv4/conf/wan0/rp_filter', '2');
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    const peers = [...PEERS, { name: 'neighbour', address: address('203.0.113.9') }];
    peers.push({ name: 'nowhere', address: address('2001:db8::1') });
    const facts = await readHostFacts({ ...FOOTPRINT, peers });
    assert.deepEqual(
      facts.paths.map(({ peer, device, mtu, source }) => [peer.name, device, mtu, source]),
      [
        ['site-b', 'wan0', 1400, '203.0.113.1'],
        ['neighbour', 'wan0', 1500, '203.0.113.1'],
        ['nowhere', undefined, undefined, undefined],
      ],
    );
    const addresses = facts.addresses.map((one) => `${one.address.bytes.join('.')} ${one.device}`);
    assert.ok(addresses.includes('203.0.113.1 wan0') && addresses.includes('10.0.1.1 lan0'));
    assert.equal(facts.addresses.length, 4);
    assert.equal(facts.addresses.filter((one) => one.tentative).length, 1);
    assert.deepEqual([facts.ipv4Forwarding, facts.ipv6Forwarding, facts.ipv6Enabled], [true, false, true]);
    assert.deepEqual([...facts.reversePathFilters], [['wan0', 2]]);
  },

  async 'queries together are those one by one, also where one of them fails'() {
    const [links, none, found] = await queryIpTogether(4, [
      'link show dev wan0',
      'route show table 220',
      'rule show',
    ]);
    assert.deepEqual([links?.[0]?.['ifname'], none?.length], ['wan0', 0]);
    assert.deepEqual(found, ipJson('-4 rule show'));
    const answers = await queryIpTogether(4, ['link show dev wan1', 'rule show']);
    assert.deepEqual(answers, [[], ipJson('-4 rule show')]);
  },

  async 'a plan is applied, applied again and removed'() {
    const wanted = await plan([siteToSite]);
    await applyHostNetwork(wanted);
    const check = (): void => {
      assert.deepEqual(led(4), [
        ['10.0.2.0/24', TUN, '10.0.1.1'],
        ['10.0.3.7', TUN, '10.0.1.1'],
      ]);
      assert.deepEqual(led(6), [['fd00:2::/64', TUN, 'fd00:1::1']]);
      assert.deepEqual([closed(4), closed(6)], [['10.0.2.0/24', '10.0.3.7'], ['fd00:2::/64']]);
      assert.deepEqual(rules(4), OUR_RULES);
      assert.deepEqual(rules(6), OUR_RULES);
    };
    check();
    const [link] = ipJson(`address show dev ${TUN}`);
    assert.equal(link?.['mtu'], 1338);
    assert.ok((link['flags'] as string[]).includes('UP'));
    assert.deepEqual(addressesOf(link), ['10.0.1.1/32', 'fd00:1::1/128']);
    assert.equal(routeTo('10.0.2.5')?.['dev'], TUN);
    assert.equal(routeTo('10.0.2.5')?.['prefsrc'], '10.0.1.1');
    assert.equal(routeTo('fd00:2::5')?.['dev'], TUN);
    assert.equal(routeTo(`10.0.2.5 mark ${String(MARK)}`)?.['dev'], 'wan0');
    assert.equal(routeTo('198.51.100.1')?.['dev'], 'wan0');
    await applyHostNetwork(wanted);
    check();
    const removed = await removeHostNetwork(wanted);
    assert.equal(removed.length, 2 * OUR_RULES.length + 6);
    assertNothingLeft();
    assert.deepEqual(await removeHostNetwork(wanted), []);
    assert.equal(ipJson(`link show dev ${TUN}`).length, 1);
  },

  async 'a protected default route spares the local network and the marked datagrams'() {
    await applyHostNetwork(await plan([policy({ local: ['10.0.1.0/24', 'fd00:1::/64'] })]));
    assert.equal(routeTo('192.0.2.1')?.['dev'], TUN);
    assert.equal(routeTo('2001:db8::9')?.['dev'], TUN);
    assert.equal(routeTo('198.51.100.1')?.['dev'], TUN);
    assert.equal(routeTo(`198.51.100.1 mark ${String(MARK)}`)?.['dev'], 'wan0');
    assert.equal(routeTo('10.0.1.7')?.['dev'], 'lan0');
    assert.equal(routeTo('fd00:1::7')?.['dev'], 'lan0');
    // Where the main table has no way, marked datagrams have none: never into the TUN.
    ip('route del default');
    assert.throws(() => routeTo(`192.0.2.1 mark ${String(MARK)}`));
    assert.equal(routeTo('192.0.2.1')?.['dev'], TUN);
    await removeHostNetwork(FOOTPRINT);
    assertNothingLeft();
  },

  async 'a changed plan takes the old routes away'() {
    await applyHostNetwork(await plan([siteToSite]));
    await applyHostNetwork(
      await plan([policy({ local: ['10.0.1.0/24'], remote: ['10.0.3.7', '10.0.4.0/24'] })]),
    );
    assert.deepEqual(destinations(4), ['10.0.3.7', '10.0.4.0/24']);
    assert.deepEqual(destinations(6), []);
    await applyHostNetwork(await plan([policy({ local: ['10.0.1.0/24'] })]));
    assert.deepEqual(destinations(4), ['default', '10.0.1.0/24']);
  },

  async 'what others put there stays'() {
    ip('route add 192.0.2.0/24 dev wan0 table 220');
    ip('-6 route add fd00:7::/64 dev lan0 table 220');
    ip('rule add priority 220 lookup 220');
    ip('rule add priority 219 fwmark 0x4953 iif lan0 lookup main');
    const wanted = await plan([policy({ local: ['10.0.1.0/24', 'fd00:1::/64'] })]);
    await applyHostNetwork(wanted);
    assert.equal(rules(4).length, OUR_RULES.length + 2);
    await removeHostNetwork(wanted);
    assert.deepEqual(destinations(4), ['192.0.2.0/24']);
    assert.deepEqual(destinations(6), ['fd00:7::/64']);
    assert.equal(rules(4).length, 2);
    assert.equal(rules(6).length, 0);
  },

  async 'a second gateway keeps its routes and the rules'() {
    ip('tuntap add name isthmus1 mode tun');
    const one = await plan([policy({ local: ['10.0.1.0/24'] })]);
    const other = await plan([policy({ local: ['10.0.1.0/24'], remote: ['10.0.9.0/24'] })], 'isthmus1');
    await applyHostNetwork(one);
    await applyHostNetwork(other);
    await removeHostNetwork(one);
    assert.deepEqual(destinations(4), ['10.0.9.0/24']);
    assert.deepEqual(rules(4), [FIRST_RULE, ...rulesOfDevices('isthmus1'), ...LAST_RULES]);
    await removeHostNetwork(other);
    assertNothingLeft();
  },

  async 'the way stays closed when a gateway is killed, and cleaning up finds the rest'() {
    await applyHostNetwork(await plan([policy({ local: ['10.0.1.0/24'] })]));
    ip(`link del ${TUN}`);
    assert.deepEqual(rules(4), [FIRST_RULE, ...rulesOfDevices(TUN, ' [detached]'), ...LAST_RULES]);
    assert.throws(() => routeTo('192.0.2.1'));
    assert.equal(routeTo('10.0.1.7')?.['dev'], 'lan0');
    await removeHostNetwork(FOOTPRINT, { persistentTun: true });
    assertNothingLeft();
  },

  async 'a persistent TUN is deleted when asked, another device of the name never'() {
    const footprint = FOOTPRINT;
    assert.deepEqual(await removeHostNetwork(footprint, { persistentTun: true }), [`device ${TUN}`]);
    assert.throws(() => ip(`link show dev ${TUN}`));
    assert.deepEqual(await removeHostNetwork(footprint, { persistentTun: true }), []);
    assert.deepEqual(await removeHostNetwork({ ...FOOTPRINT, tunName: 'lan0' }, { persistentTun: true }), []);
    assert.equal(ipJson('link show dev lan0').length, 1);
  },

  async 'IPv6 that is switched off is left alone'() {
    for (const device of ['default', 'all']) {
      writeFileSync(`/proc/sys/net/ipv6/conf/${device}/disable_ipv6`, '1');
    }
    await assert.rejects(plan([siteToSite]), /IPv6 is switched off on this host/);
    const wanted = await plan([policy({})]);
    await applyHostNetwork(wanted);
    assert.deepEqual(destinations(4), ['default', '10.0.1.0/24']);
    assert.deepEqual(rules(6), []);
    await removeHostNetwork(wanted);
    assertNothingLeft();
  },

  async 'a TUN with a reader gets no link-local address, so the kernel sends nothing of its own'() {
    // A pair of devices has a carrier, as a TUN has once the gateway opened it.
    ip('link add quiet0 type veth peer name quiet0far');
    ip('link set quiet0far up');
    await applyHostNetwork(await plan([siteToSite], 'quiet0'));
    const [link] = ipJson('address show dev quiet0');
    assert.ok((link?.['flags'] as string[]).includes('LOWER_UP'));
    // No link-local address among them: the TUN stays quiet.
    assert.deepEqual(addressesOf(link), ['10.0.1.1/32', 'fd00:1::1/128']);
  },

  async 'a narrow path makes a TUN without IPv6'() {
    ip('route replace 198.51.100.0/24 via 203.0.113.254 mtu 1000');
    await applyHostNetwork(await plan([policy({ local: ['10.0.1.0/24'], remote: ['10.0.2.0/24'] })]));
    assert.equal(ipJson(`link show dev ${TUN}`)[0]?.['mtu'], 938);
    // The other way too: from a link too narrow for IPv6 to one that carries it.
    ip('route replace 198.51.100.0/24 via 203.0.113.254 mtu 1400');
    await applyHostNetwork(await plan([siteToSite]));
    assert.deepEqual(destinations(6), ['fd00:2::/64']);
    assert.deepEqual(addressesOf(ipJson(`address show dev ${TUN}`)[0]), ['10.0.1.1/32', 'fd00:1::1/128']);
  },

  async 'a TUN that is not there is one line'() {
    const wanted = { ...(await plan([siteToSite])), tunName: 'isthmus7' };
    await assert.rejects(applyHostNetwork(wanted), (error: Error) => {
      assert.equal(error.name, 'EnvironmentError');
      assert.match(error.message, /^ip -[46] link set dev isthmus7 .*Cannot find device "isthmus7"$/);
      return true;
    });
  },
};

/** These run without CAP_NET_ADMIN, and find the rules of a gateway that ended. */
export const unprivilegedScenarios: Readonly<Record<string, () => Promise<void>>> = {
  async 'missing permission is one line'() {
    const wanted = await plan([siteToSite]);
    await assert.rejects(applyHostNetwork(wanted), (error: Error) => {
      assert.equal(error.name, 'EnvironmentError');
      assert.match(
        error.message,
        /^ip -[46] route replace unreachable .*not permitted \(needs CAP_NET_ADMIN: [^\n]*\)$/,
      );
      return true;
    });
    // Where nothing is there to remove, no permission is needed.
    assert.deepEqual(await removeHostNetwork({ ...wanted, mark: 1 }), []);
  },

  async 'missing permission to remove is one line'() {
    await assert.rejects(removeHostNetwork(FOOTPRINT), {
      name: 'EnvironmentError',
      message: /^ip -4 rule del priority 220 not fwmark 0x4953 lookup 220: .*needs CAP_NET_ADMIN/,
    });
  },
};

/** `10.0.1.1/32`, as `ip -json address show` tells of a link. */
function addressesOf(link: IpObject | undefined): string[] {
  const entries = (link?.['addr_info'] ?? []) as { readonly local: string; readonly prefixlen: number }[];
  return entries.map(({ local, prefixlen }) => `${local}/${String(prefixlen)}`);
}
