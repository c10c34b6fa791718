// isthmus doctor on hosts that are broken one thing after another: it names each, what it prints mends it, and on a healthy
// host it has nothing to complain of.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ikeExampleKeys, ikeTwoSites, program } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses, type Place } from '../../scripts/topology/plan.ts';
import type { NamedFinding } from '../../src/management/doctor/finding.ts';
import { changed } from '../../scripts/lab/site-files.ts';
import { TwoSites } from './two-sites.ts';

const { hostB } = siteAddresses;

let sites: TwoSites;
/** Of site B, whose host has no gateway that runs: everything goes into the tunnel, and nothing marks the own datagrams. */
let unmarked: string;
let holder: ChildProcess | undefined;

beforeAll(async () => {
  sites = await TwoSites.build('native', planTopology('router'), {
    sites: ikeTwoSites,
    keys: ikeExampleKeys,
  });
  const path = sites.files.configuration('gwB');
  unmarked = join(sites.directory, 'unmarked.yaml');
  await writeFile(
    unmarked,
    changed(await readFile(path, 'utf8'), [
      [['udp', 'mark'], 0],
      [['policies', 0, 'selectors', 'remote_address'], ['0.0.0.0/0']],
    ]),
  );
  await sites.startBoth();
  expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
});

afterAll(async () => {
  holder?.kill('SIGKILL');
  await sites.close();
});

async function sh(place: Place, command: string): Promise<string> {
  return sites.topology.runOrThrow(place, ['sh', '-c', command]);
}

interface Examined {
  readonly exitCode: number | undefined;
  readonly findings: readonly NamedFinding[];
}

async function doctor(place: Place, ...args: readonly string[]): Promise<Examined> {
  const socket = place === 'gwA' ? join(sites.files.runtimeDirectory('gwA'), 'isthmus.vici') : '/nowhere';
  const command = [process.execPath, program, 'doctor', ...args, '--json', '--socket', socket];
  const { exitCode, stdout, stderr } = await sites.topology.run(place, command, { timeoutMs: 20_000 });
  if (stdout === '') throw new Error(stderr);
  return { exitCode, findings: (JSON.parse(stdout) as Examined).findings };
}

/** The gateways of these sites are root's, which has a test of its own. */
const bad = ({ state, check }: NamedFinding): boolean =>
  (state === 'failure' || state === 'warning') && check !== 'privileges';

/** It names what is broken, its mend is run, and it sees that all is well. */
async function namesAndMends(
  place: Place,
  check: string,
  words: RegExp,
  ...args: readonly string[]
): Promise<string> {
  const { exitCode, findings } = await doctor(place, ...args);
  const found = findings.filter(bad);
  expect(found.map((finding) => [finding.check, finding.state])).toEqual([[check, 'failure']]);
  expect(found[0]?.text).toMatch(words);
  expect(exitCode).toBe(4);
  const mend = found[0]?.mend ?? '';
  await sh(place, mend);
  const after = await doctor(place, ...args);
  expect(after.findings.filter(bad)).toEqual([]);
  expect(after.exitCode).toBe(0);
  return mend;
}

describe('beside a gateway that runs', () => {
  test('a healthy host, and it changes nothing', async () => {
    const state =
      'ip -j rule; ip -j route show table all; nft list ruleset; sysctl -a 2>/dev/null | grep -v -e random -e nf_conntrack_count -e ns_last -e .nr -e dentry -e inode -e file-nr';
    const before = await sh('gwA', state);
    const { exitCode, findings } = await doctor('gwA');
    expect(findings.filter((finding) => bad(finding) || finding.state === 'unknown')).toEqual([]);
    expect(exitCode).toBe(0);
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['routes', 'guard', 'peers', 'ports', 'mtu']),
    );
    const counters = /"(packets|bytes|expires)": ?\d+|packets \d+ bytes \d+|"cache":\[[^\]]*\]/g;
    expect((await sh('gwA', state)).replace(counters, '')).toBe(before.replace(counters, ''));
  });

  test.each([
    ['net.ipv4.ip_forward', 'sysctl -w net.ipv4.ip_forward=0', 'forwarding', /net.ipv4.ip_forward is 0/],
    ['a FORWARD policy of drop, by iptables', 'iptables -P FORWARD DROP && iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', 'forward-policy', /drops what is forwarded into the TUN and out of it/],
    ['the same beside rules of Docker', 'iptables -F FORWARD && iptables -N DOCKER-USER && iptables -A FORWARD -j DOCKER-USER && iptables -A FORWARD -o docker0 -j ACCEPT', 'forward-policy', /chain FORWARD of iptables/],
    ['a FORWARD policy of drop, by nftables', `nft 'add table inet own; add chain inet own through { type filter hook forward priority 0; policy drop; }; add rule inet own through iifname isthmus0 accept'`, 'forward-policy', /chain through of nft .*into the TUN$/],
    ['masquerading, by iptables', 'iptables -t nat -A POSTROUTING -s 10.0.0.0/8 ! -o docker0 -j MASQUERADE', 'masquerading', /chain POSTROUTING of iptables .* masquerades packets of policy/],
    ['masquerading, by nftables', `nft 'add table inet own; add chain inet own post { type nat hook postrouting priority 100; }; add rule inet own post oifname != "lo" masquerade'`, 'masquerading', /chain post of nft/],
    ['a FORWARD policy of drop, by the older iptables', 'iptables-legacy -P FORWARD DROP', 'forward-policy', /the chain FORWARD of iptables-legacy \(table ip filter\) drops what is forwarded into the TUN and out of it/],
    ['the same for IPv6', 'ip6tables-legacy -A FORWARD -o isthmus0 -j REJECT', 'forward-policy', /the chain FORWARD of ip6tables-legacy \(table ip6 filter\) drops what is forwarded into the TUN$/],
    ['masquerading, by the older iptables', 'iptables-legacy -t nat -A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE', 'masquerading', /chain POSTROUTING of iptables-legacy .* masquerades packets of policy/],
  ])('%s', async (_, breaks, check, words) => {
    await sh('gwA', breaks);
    await namesAndMends('gwA', check, words);
  }); // prettier-ignore

  test('masquerading that is not of tunnels is none of its business', async () => {
    await sh(
      'gwA',
      'iptables -t nat -A POSTROUTING -o outside -j MASQUERADE && iptables -t nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE',
    );
    expect((await doctor('gwA')).findings.filter(bad)).toEqual([]);
  });

  test('a gateway that root has started, and that stays root', async () => {
    const { exitCode, findings } = await doctor('gwA');
    expect(findings.filter(({ check }) => check === 'privileges')).toEqual([
      {
        ...{ check: 'privileges', state: 'warning' },
        text: 'the gateway runs as root, with CAP_DAC_OVERRIDE and CAP_NET_ADMIN; it needs CAP_NET_ADMIN alone',
        mend: expect.stringContaining('gateway.user') as unknown,
      },
    ]);
    expect(exitCode).toBe(0);
  });

  test('routes and guard that somebody has flushed', async () => {
    await sh('gwA', 'ip route flush table 220; ip -6 route flush table 220; nft flush ruleset');
    const { findings } = await doctor('gwA');
    expect(findings.filter(bad).map(({ check }) => check)).toEqual(['routes', 'guard']);
  });
});

describe('where no gateway runs', () => {
  beforeAll(async () => {
    await sites.stop('gwB');
    await sh('gwB', `${process.execPath} ${program} cleanup -c ${sites.files.configuration('gwB')}`);
  });

  test('it says so, and the host is well otherwise', async () => {
    const { exitCode, findings } = await doctor('gwB', sites.files.configuration('gwB'));
    expect(findings.filter(bad)).toEqual([]);
    expect(exitCode).toBe(0);
    expect(findings.find(({ check }) => check === 'gateway')?.text).toContain('no gateway runs');
    expect(findings.filter(({ check }) => check === 'peers').map(({ text }) => text)).toEqual([
      expect.stringMatching(/^a route leads to site-a .* from 198\.51\.100\.1$/),
      'site-a (203.0.113.1) answers IKE_SA_INIT at UDP port 500: it takes a proposal (SA)',
    ]);
  });

  test.each([
    ['198.51.100.77', 'warning', /^site-a \(198\.51\.100\.77\) does not answer IKE_SA_INIT at UDP ports 500 and 4500: /],
    ['198.51.100.254', 'failure', /^site-a \(198\.51\.100\.254\) is there, and no IKE: its UDP ports 500 and 4500 are closed/],
  ])('a peer at %s, where none is', async (where, state, words) => {
    const other = join(sites.directory, 'elsewhere.yaml');
    const text = await readFile(sites.files.configuration('gwB'), 'utf8');
    await writeFile(other, changed(text, [[['peers', 0, 'address'], where]]));
    const { findings } = await doctor('gwB', other);
    const found = findings.filter(bad);
    expect(found.map((finding) => [finding.check, finding.state])).toEqual([['peers', state]]);
    expect(found[0]?.text).toMatch(words);
  }); // prettier-ignore

  test('a gateway that runs, and whose peer is gone', async () => {
    // Its guard lets nothing in.
    const { findings } = await doctor('gwA');
    expect(findings.filter(({ check, state }) => check === 'peers' && state !== 'note').at(-1)?.text).toMatch(
      /^site-b \(198\.51\.100\.1\) is there, and no IKE: /,
    );
  });

  test('net.ipv4.conf.outside.rp_filter', async () => {
    // IPv4 alone.
    await sh('gwB', 'sysctl -w net.ipv4.conf.outside.rp_filter=1');
    await namesAndMends(
      'gwB',
      'reverse-path',
      /itself a protected destination and net.ipv4.conf.outside.rp_filter is 1/,
      unmarked,
    );
  });

  test('UDP port 4500 that another program has', async () => {
    const bind =
      'import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 4500)); print("bound", flush=True); time.sleep(600)';
    holder = sites.topology.spawn('gwB', ['/usr/bin/python3', '-c', bind], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (holder.stdout !== null) await once(holder.stdout, 'data');
    const mend = await namesAndMends(
      'gwB',
      'ports',
      /UDP port 4500 of .* is taken: python3, process \d+, has it/,
      sites.files.configuration('gwB'),
    );
    expect(mend).toMatch(/^kill \d+$/);
  });

  test('/dev/net/tun', async () => {
    const doctorHere = `${process.execPath} ${program} doctor ${sites.files.configuration('gwB')} --json --socket /nowhere`;
    const mendOf = `const { findings } = JSON.parse(require('node:fs').readFileSync(0, 'utf8')); console.log(findings.find(({ check }) => check === 'tun-device').mend)`;
    const seen = await sh(
      'gwB',
      `unshare -m sh -c '
mount -t tmpfs none /dev/net
${doctorHere} > ${sites.directory}/before.json 2>/dev/null
mend=$(${process.execPath} -e "${mendOf}" < ${sites.directory}/before.json)
sh -c "$mend" 2>/dev/null
${doctorHere} > ${sites.directory}/after.json; echo $?'`
        .replaceAll("'utf8'", String.raw`\"utf8\"`)
        .replaceAll("'node:fs'", String.raw`\"node:fs\"`)
        .replaceAll("=== 'tun-device'", String.raw`=== \"tun-device\"`),
    );
    const before = JSON.parse(await readFile(join(sites.directory, 'before.json'), 'utf8')) as Examined;
    expect(before.findings.filter(bad).map(({ check, text }) => [check, text])).toEqual([
      ['tun-device', '/dev/net/tun cannot be opened (ENOENT)'],
    ]);
    expect(seen.trim()).toBe('0');
  });

  test('another IPsec daemon, and what it has put into the kernel', async () => {
    await sh(
      'gwB',
      'ip xfrm policy add src 10.0.2.0/24 dst 10.0.1.0/24 dir out tmpl src 1.1.1.1 dst 2.2.2.2 proto esp mode tunnel',
    );
    const { findings, exitCode } = await doctor('gwB', sites.files.configuration('gwB'));
    expect(exitCode).toBe(0);
    const [found, ...others] = findings.filter(bad);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ check: 'other-ipsec', state: 'warning' });
    await sh('gwB', found?.mend ?? '');
    expect((await doctor('gwB', sites.files.configuration('gwB'))).findings.filter(bad)).toEqual([]);
  });
});
