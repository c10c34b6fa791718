// The commands that ask a gateway, as a person meets them: the program as it is built, and two gateways that run. Beside
// their tunnel site A has a peer that is silent, one that is keyed by hand, and policies without a peer.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { exampleKeys, ikeExampleKeys, ikeTwoSites, program } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { gwA, gwB, hostB } = siteAddresses;
const TUNNEL = 'site-a-to-site-b';
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

let sites: TwoSites;
let socket: string;

beforeAll(async () => {
  sites = await TwoSites.build('native', planTopology('router'), {
    sites: ikeTwoSites,
    keys: [...ikeExampleKeys, ...exampleKeys],
  });
  socket = join(sites.files.runtimeDirectory('gwA'), 'isthmus.vici');
  await addOthers();
  await sites.startBoth();
  await sites.logged('gwA', 'the status page and metrics are served');
});

afterAll(() => sites.close());

/** Peers and policies of site A that no packet meets. */
async function addOthers(): Promise<void> {
  const policy = (name: string, priority: number, net: string): object => ({
    ...{ name, priority, selectors: { local_address: '10.0.1.0/24', remote_address: net } },
  });
  const psk = { file: 'keys/a-b.psk' };
  const manual = {
    outbound: { spi: 0x1001, key: { file: 'keys/a-to-b.key' } },
    inbound: { spi: 0x1002, key: { file: 'keys/b-to-a.key' } },
  };
  await sites.configure('gwA', [
    [
      ['peers', 1],
      {
        ...{ name: 'site-c', address: '192.0.2.77' },
        ike: { local: { psk }, retransmit: { first: '100ms', factor: 1, tries: 1 } },
      },
    ],
    [['peers', 2], { name: 'site-d', address: '192.0.2.78' }],
    [['policies', 1], { ...policy('to-c', 200, '10.77.0.0/24'), action: 'PROTECT', sa: { peer: 'site-c' } }],
    [
      ['policies', 2],
      {
        ...policy('to-d', 300, '10.78.0.0/24'),
        action: 'PROTECT',
        sa: { peer: 'site-d', proposal: 'aes256gcm16', manual },
      },
    ],
    [['policies', 3], { ...policy('past', 400, '10.79.0.0/24'), action: 'BYPASS' }],
    [['policies', 4], { ...policy('away', 500, '10.80.0.0/24'), action: 'DISCARD' }],
  ]);
}

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function isthmus(...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ISTHMUS_SOCKET: socket },
  });
  return { code: status, out: stdout, err: stderr };
}

/** A run that succeeds, without a word of complaint. */
function shown(...args: readonly string[]): string {
  const { code, out, err } = isthmus(...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out;
}

test('where no gateway runs, one line says so', () => {
  expect(isthmus('status', '--socket', '/nowhere/isthmus.vici')).toEqual({
    code: 3,
    out: '',
    err: 'isthmus: /nowhere/isthmus.vici: no gateway answers there (ENOENT): start one with isthmus run -c FILE, or name its socket with --socket PATH\n',
  });
});

test('the level of a subsystem, until the gateway ends', () => {
  const list = (ike: string): string =>
    `ike      ${ike}\nesp      info\nhost     info\nconfig   info\nvici     info\nhttp     info\ngateway  info\n`;
  expect(shown('logs', 'level')).toBe(list('info'));
  expect(shown('logs', 'level', 'ike', 'warn')).toBe(list('warn, until the gateway ends'));
  expect(JSON.parse(shown('logs', 'level', '--json'))).toContainEqual({
    ...{ subsystem: 'ike', level: 'warn', isOwn: true },
  });
  expect(shown('logs', 'level', 'ike', 'default')).toBe(list('info'));
  expect(isthmus('logs', 'level', 'ike').code).toBe(4);
});

test('names for the completion of shells', () => {
  expect(shown('names', 'peers')).toBe('site-b\nsite-c\nsite-d\n');
  expect(shown('names', 'policies')).toBe(`${TUNNEL}\nto-c\nto-d\npast\naway\n`);
});

describe('status', () => {
  test('before there are SAs', () => {
    const text = shown('status');
    expect(text.replace(/for \d+s/g, 'for 1s').replace(/\ndropped:[^]*/, '')).toBe(
      `site-a: Isthmus ${version}, running for 1s, native engine, isthmus0, ${sites.files.configuration('gwA')}
1 of 3 tunnels up, 0 IKE SAs, 0 packets out, 0 in
page at http://127.0.0.1:9500/, isthmus page opens it

site-b at ${gwB.outside.ipv4}:4500 '${gwB.outside.ipv4}': no IKE SA
  ${TUNNEL}  down: waits for a packet
                    10.0.1.0/24 fd00:1::/64 === 10.0.2.0/24 fd00:2::/64

site-c at 192.0.2.77:4500 '192.0.2.77': no IKE SA
  to-c              down: waits for a packet
                    10.0.1.0/24 === 10.77.0.0/24

site-d at 192.0.2.78:4500: keyed by hand
  to-d              up for 1s
                    10.0.1.0/24 === 10.78.0.0/24
`,
    );
  });

  test('with traffic, and as JSON', async () => {
    expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
    expect(shown('status')).toMatch(
      new RegExp(
        `site-b at ${gwB.outside.ipv4}:4500 '${gwB.outside.ipv4}': 1 IKE SA for \\d+s\n` +
          `  ${TUNNEL}  up for \\d+s\n.*\n {20}sent 252 B in 3 packets, received 252 B in 3 packets\n`,
      ),
    );
    expect(JSON.parse(shown('status', '--json'))).toMatchObject({
      gateway: { name: 'site-a', ikeSas: 1, packetsIn: 3, packetsOut: 3 },
      peers: [
        {
          name: 'site-b',
          tunnels: [{ name: TUNNEL, state: 'up', bytesIn: 252, remote: ['10.0.2.0/24', 'fd00:2::/64'] }],
        },
        { name: 'site-c' },
        { name: 'site-d', keying: 'manual' },
      ],
    });
    expect(shown('status', '--down')).not.toContain('site-b at');
  });
});

describe('up, rekey and down', () => {
  test('a policy', async () => {
    expect(shown('down', TUNNEL)).toMatch(
      new RegExp(`^\\[IKE\\] [^]*'${TUNNEL}' is down\n  ${TUNNEL}  down: waits for a packet\n`),
    );
    const up = shown('up', TUNNEL);
    expect(up).toContain('[IKE] Child SA established');
    expect(up).toMatch(new RegExp(`'${TUNNEL}' is up\n  ${TUNNEL}  up for \\ds`));
    const before = spis();
    expect(shown('rekey', TUNNEL)).toMatch(
      new RegExp(`\\[IKE\\] Child SA rekeyed[^]*'${TUNNEL}' has new keys\n  ${TUNNEL}  up`),
    );
    expect(spis()).not.toEqual(before);
    expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
  });

  test('a peer, as JSON; and by force', () => {
    const { code, out } = isthmus('rekey', 'site-b', '--json');
    expect({ code, ...(JSON.parse(out) as object) }).toMatchObject({
      ...{
        code: 0,
        name: 'site-b',
        result: "'site-b' has new keys",
        tunnels: [{ name: TUNNEL, state: 'up' }],
      },
      log: expect.arrayContaining([expect.stringContaining('IKE SA rekeyed') as string]) as string[],
    });
    expect(shown('down', 'site-b', '--force')).toContain("'site-b' is down\n");
    expect(shown('up', 'site-b')).toContain('[IKE] IKE_SA_INIT sent');
  });

  test('what does not go says why', () => {
    expect(isthmus('up', 'to-c')).toMatchObject({
      code: 4,
      err: "isthmus: establishing 'to-c' failed: the peer does not answer; the IKE SA is closed; waits for a packet\n",
    });
    expect(shown('status', '--down')).toMatch(
      /last warning, \d+s ago: the peer does not answer; the IKE SA is closed\n/,
    );
  });
});

describe('the databases', () => {
  const HEX = '[0-9a-f]';

  test('sa', () => {
    expect(shown('sa', TUNNEL)).toMatch(
      new RegExp(
        `^site-b #\\d: ESTABLISHED
  local  ${gwA.outside.ipv4}:4500 '${gwA.outside.ipv4}'
  remote ${gwB.outside.ipv4}:4500 '${gwB.outside.ipv4}'
  ${HEX}{16}_i\\* ${HEX}{16}_r
  AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_256
  made \\d+s ago, new keys in [^,]*, ends in [^,]*
  ${TUNNEL} #\\d: INSTALLED, ESP AES_GCM_16-256
    10.0.1.0/24 fd00:1::/64 === 10.0.2.0/24 fd00:2::/64
    in  ${HEX}{8}  0 B in 0 packets
    out ${HEX}{8}  0 B in 0 packets
    made \\d+s ago, new keys in [^,]*, ends in [^,]*
$`,
      ),
    );
    const all = JSON.parse(shown('sa', '--json')) as { readonly name: string }[];
    expect(all.map(({ name }) => name)).toEqual(['site-b', 'site-d']);
  });

  test('policies', () => {
    expect(shown('policies').replace(/line \d+/g, 'line 1')).toBe(
      `100  PROTECT  ${TUNNEL}  line 1, with site-b
              10.0.1.0/24 fd00:1::/64 === 10.0.2.0/24 fd00:2::/64
              1 pair of SAs; sent 336 B in 4 packets, received 336 B in 4 packets
200  PROTECT  to-c              line 1, with site-c
              10.0.1.0/24 === 10.77.0.0/24
              no SAs; sent 0 B in 0 packets, received 0 B in 0 packets
300  PROTECT  to-d              line 1, with site-d
              10.0.1.0/24 === 10.78.0.0/24
              1 pair of SAs; sent 0 B in 0 packets, received 0 B in 0 packets
400  BYPASS   past              line 1
              10.0.1.0/24 === 10.79.0.0/24
              no packet has met it
500  DISCARD  away              line 1
              10.0.1.0/24 === 10.80.0.0/24
              no packet has met it
what no policy matches is discarded
`,
    );
  });

  test('tables', () => {
    const [own, peer] = [gwA, gwB].map(({ outside }) => addressHex(outside.ipv4));
    const text = shown('tables');
    expect(text).toMatch(
      new RegExp(
        `^IKE_SA_table <peer, cookie_i, cookie_r>: 1 entry\n<${peer}, ${HEX}{16}, ${HEX}{16}; sa=${HEX}+, flags=1, ` +
          'encr=14, key_bits=100, integ=0, prf=6, group=13; renegotiation=\\d+; \\d+/86\\d{3}>  site-b\n'.replace(
            '; renegotiation',
            ', renegotiation',
          ),
      ),
    );
    const cookie = /^<[^,]*, ([^,]*)/m.exec(text)?.[1] ?? 'none';
    const peerId = Buffer.from(gwB.outside.ipv4).toString('hex');
    const inbound = new RegExp(
      `<(${HEX}{8}); sa=${HEX}+, host=${own}, peer=${peer}, cookie_i=${cookie}, .*peer_method=2, peer_id=${peerId}, .*/28800>  site-b`,
    ).exec(text);
    const outbound = new RegExp(`<${peer}, ${HEX}{8}; mspi=(${HEX}{8}), .*/28800>  site-b ${TUNNEL}`).exec(
      text,
    );
    expect(inbound?.[1]).toBe(outbound?.[1]);
    expect(text).toContain('<00001002; sa=');
    expect(text).toMatch(
      /<c000024e, 00001001; mspi=00001002, .*peer_method=0, peer_id=0, .*; -\/-> {2}site-d to-d/,
    );
    for (const secret of [sites.key('a-to-b'), sites.key('b-to-a')])
      expect(text).not.toContain(secret.slice(0, 16));
    const json = JSON.parse(shown('tables', 'outbound_SPI', '--json')) as Record<string, readonly object[]>;
    expect(Object.keys(json)).toEqual(['outbound_SPI']);
    expect(json['outbound_SPI']).toHaveLength(2);
  });
});

describe('explain', () => {
  const explained = (...args: readonly string[]): string =>
    shown('explain', ...args).replace(/line \d+/g, 'line 1');

  test('both ways through the tunnel', () => {
    const sa = '[0-9a-fx]+ (to|from) site-b( at 198.51.100.1 port 4500)?, aes256gcm16';
    expect(explained('10.0.1.5', hostB.ipv4, 'tcp', '443')).toMatch(
      new RegExp(`^10.0.1.5:49152 -> ${hostB.ipv4}:443 tcp: outbound
  SPD-O  PROTECT with site-b \\(${TUNNEL}, line 1\\)
  SAD    by the SA ${sa}
  it passes

${hostB.ipv4}:443 -> 10.0.1.5:49152 tcp: the answer, inbound
  SAD    by the SA ${sa}
  SPD-I  accepted \\(${TUNNEL}, line 1\\)
  guard  in clear: dropped, its policy says PROTECT \\(${TUNNEL}, line 1\\)
  it passes

Both ways are open.
$`),
    );
  });

  test('what is dropped, and what would have to change', () => {
    expect(explained('10.0.1.5', '10.77.0.1')).toContain(
      '  SAD    no SA takes it: IKE is asked for one, and it waits\n         to change it: the peer does not answer;',
    );
    expect(isthmus('explain', '10.0.1.5', 'fd00::1')).toMatchObject({
      ...{ code: 4, err: 'isthmus: found one IPv4 and one IPv6 address, expected two of one kind\n' },
    });
  });

  test('what it says is so: packets meet the same', async () => {
    const outcome = (to: string): unknown =>
      (JSON.parse(shown('explain', '10.0.1.5', to, '--json')) as { outcome: string }).outcome;
    expect(outcome('10.80.0.1')).not.toBe('passes');
    expect(await sites.ping('hostA', '10.80.0.1', 1, BRIEFLY)).toBe(0);
  });
});

describe('as it happens', () => {
  test('watch', async () => {
    const watching = spawn(process.execPath, [program, 'watch', '-n', '2', '-i', '0.2', '--json'], {
      env: { ...process.env, ISTHMUS_SOCKET: socket },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: watching.stdout })[Symbol.asyncIterator]();
    await lines.next();
    expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
    const { value } = (await lines.next()) as { value: string };
    expect(Object.keys((JSON.parse(value) as { rates: object }).rates)).toEqual([TUNNEL, 'to-c', 'to-d']);
    expect((await lines.next()).done).toBe(true);
  });

  test('logs', async () => {
    const following = spawn(process.execPath, [program, 'logs', '--level', 'info', '--peer', 'site-b'], {
      env: { ...process.env, ISTHMUS_SOCKET: socket },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: following.stdout });
    const first = once(lines, 'line');
    // Whether it listens yet cannot be seen from here: so it is given something to hear until it does.
    const isHeard = first.then(() => true);
    while (!(await Promise.race([isHeard, rekeyIkeSa()])));
    expect((await first)[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}.*peer=site-b/);
    following.kill('SIGINT');
  });

  async function rekeyIkeSa(): Promise<false> {
    shown('rekey', 'site-b');
    await new Promise((resolve) => setImmediate(resolve));
    return false;
  }
});

test('reload: a wrong file changes nothing and is told; a right one is in force', async () => {
  await sites.configure('gwA', [[['policies', 4, 'action'], 'PROTCT']]);
  const refused = isthmus('reload');
  expect(refused).toMatchObject({ code: 4, out: '' });
  expect(refused.err).toMatch(/^isthmus: .*gwA.*PROTCT.*\n$/);
  expect(shown('policies')).toMatch(/DISCARD +away/);
  await sites.configure('gwA', [[['policies', 4, 'action'], 'BYPASS']]);
  expect(shown('reload')).toBe('the configuration file is in force\n');
  expect(shown('policies')).toMatch(/BYPASS +away/);
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
});

function addressHex(text: string): string {
  return Buffer.from(text.split('.').map(Number)).toString('hex');
}

/** What the gateway calls the SAs of the tunnel. */
function spis(): unknown {
  const text = spawnSync('swanctl', ['--list-sas', '--uri', `unix://${socket}`, '--child', TUNNEL], {
    encoding: 'utf8',
  });
  return text.stdout.match(/(in|out) {1,2}[0-9a-f]{8}/g);
}

test('status says what goes through just now', async () => {
  const stream = ['ping', '-n', '-q', '-i', '0.01', '-s', '1000', hostB.ipv4];
  const ping = sites.topology.spawn('hostA', stream, { stdio: 'ignore' });
  const closed = once(ping, 'close');
  const now = / {20}now (\d[\d.]*) kbit\/s out, (\d[\d.]*) kbit\/s in\n/;
  await vi.waitFor(() => {
    expect(shown('status')).toMatch(now);
  }, 10_000);
  ping.kill('SIGINT');
  await closed;
  expect(shown('status')).not.toContain(' now ');
});
