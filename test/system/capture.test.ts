// `isthmus capture` between two gateways that run: tshark reads what it writes, while it is written and afterwards.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdsWithin } from '../../scripts/lab/process-identity.ts';
import { ikeExampleKeys, ikeTwoSites, program } from '../../scripts/lab/site-files.ts';
import { planTopology, siteAddresses } from '../../scripts/topology/plan.ts';
import { BRIEFLY, TwoSites } from './two-sites.ts';

const { gwA, gwB, hostA, hostB } = siteAddresses;
const TUNNEL = 'site-a-to-site-b';
const LIMIT_MS = 10_000;

let sites: TwoSites;
let socket: string;
let audits: string;
let files = 0;

beforeAll(async () => {
  sites = await TwoSites.build('native', planTopology('router'), {
    sites: ikeTwoSites,
    keys: ikeExampleKeys,
  });
  socket = join(sites.files.runtimeDirectory('gwA'), 'isthmus.vici');
  audits = join(sites.directory, 'audit.jsonl');
  await sites.configure('gwA', [
    [['gateway', 'audit_log'], audits],
    [
      ['policies', 1],
      {
        ...{ name: 'away', priority: 50, action: 'DISCARD' },
        selectors: { local_address: '10.0.1.0/24', remote_address: '10.0.2.99' },
      },
    ],
  ]);
  await sites.muteListenerReports('gwA');
  await sites.startBoth();
  // Its SAs are there before anybody captures.
  expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
});

afterAll(() => sites.close());

interface Capturing {
  readonly file: string;
  /** @returns standard output and error */
  readonly end: () => Promise<string>;
  readonly process: ChildProcess;
}

/** Begins a capture, and waits until it runs. */
async function capture(...args: readonly string[]): Promise<Capturing> {
  const file = join(sites.directory, `capture-${String(files++)}.pcapng`);
  const child = spawn(process.execPath, [program, 'capture', file, ...args], {
    env: { ...process.env, ISTHMUS_SOCKET: socket },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const closed = once(child, 'close');
  // The gateway has begun when it sends what the file begins with.
  const runs = (): boolean => existsSync(file) && statSync(file).size > 0;
  const ended = new AbortController();
  void closed.then(() => {
    ended.abort();
  });
  const isRunning = await holdsWithin(runs, LIMIT_MS, ended.signal).catch(() => false);
  if (!isRunning) throw new Error(`no capture runs: ${said}`);
  return {
    ...{ file, process: child },
    end: async () => {
      child.kill('SIGINT');
      await closed;
      expect(child.exitCode, said).toBe(0);
      return said;
    },
  };
}

/** One line for each packet that the filter lets through. */
function dissect(file: string, fields: readonly string[], filter = ''): readonly string[] {
  const options = fields.flatMap((field) => ['-e', field]);
  const filtered = filter === '' ? [] : ['-Y', filter];
  const { status, stdout, stderr } = spawnSync(
    'tshark',
    [
      '-r',
      file,
      '-o',
      'ip.check_checksum:TRUE',
      '-T',
      'fields',
      '-E',
      'separator=|',
      ...filtered,
      ...options,
    ],
    { encoding: 'utf8' },
  );
  expect(status, stderr).toBe(0);
  return stdout.split('\n').filter((line) => line !== '');
}

test('a ping is ICMP inside and ESP outside, with its direction, its time and its policy', async () => {
  const beganMs = Date.now();
  const running = await capture();
  expect(await sites.ping('hostA', hostB.ipv4, 3)).toBe(3);
  expect(await running.end()).toBe('6 inner, 6 outer; none was lost\n');

  const owner = `policy ${TUNNEL}, peer site-b`;
  const inner = ['ip.src', 'ip.dst', 'icmp.type', 'frame.packet_flags_direction', 'frame.comment'];
  expect(dissect(running.file, inner, 'frame.interface_name == "inner"')).toEqual(
    [1, 2, 3].flatMap(() => [
      `${hostA.ipv4}|${hostB.ipv4}|8|0x00000002|${owner}`,
      `${hostB.ipv4}|${hostA.ipv4}|0|0x00000001|${owner}`,
    ]),
  );
  const outer = ['ip.src', 'ip.dst', 'udp.srcport', 'udp.dstport', 'ip.checksum.status', '_ws.col.Protocol'];
  expect(dissect(running.file, outer, 'frame.interface_name == "outer"')).toEqual(
    [1, 2, 3].flatMap(() => [
      `${gwA.outside.ipv4}|${gwB.outside.ipv4}|4500|4500|1|ESP`,
      `${gwB.outside.ipv4}|${gwA.outside.ipv4}|4500|4500|1|ESP`,
    ]),
  );
  for (const time of dissect(running.file, ['frame.time_epoch'])) {
    expect(1000 * Number(time)).toBeGreaterThan(beganMs - 5);
    expect(1000 * Number(time)).toBeLessThan(Date.now() + 5);
  }
  // It holds plaintext.
  expect(statSync(running.file).mode & 0o777).toBe(0o600);
  const info = spawnSync('capinfos', ['-T', '-M', '-m', running.file], { encoding: 'utf8' });
  expect(info.stderr).toBe('');
  expect(info.stdout).toContain('pcapng');
});

test('what IKE asks and what it is answered are outer packets, too', async () => {
  const running = await capture('--outer');
  const rekey = spawnSync(process.execPath, [program, 'rekey', TUNNEL], {
    ...{ env: { ...process.env, ISTHMUS_SOCKET: socket }, encoding: 'utf8' },
  });
  expect(rekey.status, rekey.stderr).toBe(0);
  await running.end();
  const fields = ['ip.src', 'ip.dst', 'isakmp.flag_r'];
  const messages = new Set(dissect(running.file, fields, 'isakmp.exchangetype == 36'));
  expect([...messages].toSorted()).toEqual(
    [`${gwA.outside.ipv4}|${gwB.outside.ipv4}|0`, `${gwB.outside.ipv4}|${gwA.outside.ipv4}|1`].toSorted(),
  );
});

test('a dropped packet has the reason, and a policy keeps the others out', async () => {
  const running = await capture('--policy', 'away');
  expect(await sites.ping('hostA', hostB.ipv4, 1)).toBe(1);
  expect(await sites.ping('hostA', '10.0.2.99', 2, BRIEFLY)).toBe(0);
  expect(await running.end()).toBe('2 inner, 0 outer; none was lost\n');
  const line = `10.0.2.99|outbound-discard: A policy with action DISCARD matches the packet. (policy away)`;
  expect(dissect(running.file, ['ip.dst', 'frame.comment'])).toEqual([line, line]);
});

test('the same drop is an audit, in a file of its own that may be moved away', async () => {
  const read = (file: string): readonly unknown[] =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  const audit = {
    audit: 'outbound-discard',
    ...{ local: hostA.ipv4, remote: '10.0.2.99', protocol: 1, icmpType: 8, icmpCode: 0 },
    msg: 'A policy with action DISCARD matches the packet.',
  };
  expect(read(audits)[0]).toMatchObject(audit);
  expect(statSync(audits).mode & 0o777).toBe(0o600);
  renameSync(audits, `${audits}.1`);
  await sites.reload('gwA');
  expect(await sites.ping('hostA', '10.0.2.99', 1, BRIEFLY)).toBe(0);
  expect(read(audits)).toEqual([{ time: expect.stringMatching(/^\d{4}-.*Z$/) as string, ...audit }]);
});

test('into a pipe, as much of it as was asked for', async () => {
  const piped = spawn(
    'sh',
    [
      '-c',
      `'${process.execPath}' '${program}' capture - --inner -n 2 | tshark -r - -T fields -e icmp.type -l`,
    ],
    { env: { ...process.env, ISTHMUS_SOCKET: socket } },
  );
  let out = '';
  piped.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const closed = once(piped, 'close');
  // Until it has begun, which nothing shows that reads it.
  while (piped.exitCode === null && out.split('\n').length < 3) await sites.ping('hostA', hostB.ipv4, 1);
  await closed;
  expect(out).toMatch(/^[08]\n[08]\n$/);
});

test('a capture ends with its client, and what it had is free', async () => {
  for (let i = 0; i < 6; i++) {
    const { process: child } = await capture();
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  const held = await Promise.all([capture(), capture(), capture(), capture()]);
  await expect(capture()).rejects.toThrow('4 captures run already, and no more may');
  for (const one of held) await one.end();
});
