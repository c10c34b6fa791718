// The lab as people and programs use it: one JSON object, and nothing left behind however it ends.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { holdsWithin, identify, isAlive, type ProcessIdentity } from '../../scripts/lab/process-identity.ts';
import type { LabReport } from '../../scripts/lab/report.ts';
import { commandEnvironment } from '../../scripts/topology/command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const limitMs = 60_000;

const program = ['--import', 'tsx', 'scripts/lab.ts'];

function startLab(...args: string[]): ChildProcess {
  return spawn(process.execPath, [...program, ...args], {
    cwd: root,
    env: commandEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function labToItsEnd(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const lab = startLab(...args);
  const [stdout, stderr, [code]] = await Promise.all([
    text(lab.stdout!),
    text(lab.stderr!),
    once(lab, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** A process and all that come from it, by their parents. */
function family(pid: number): { identity: ProcessIdentity; commandLine: string }[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = Number(/\nPPid:\t(\d+)/.exec(readIfThere(`/proc/${name}/status`))?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const pids = [pid];
  for (const parent of pids) pids.push(...(children.get(parent) ?? []));
  return pids.flatMap((member) => {
    const identity = identify(member);
    const commandLine = readIfThere(`/proc/${member}/cmdline`).replaceAll('\0', ' ');
    return identity === undefined ? [] : [{ identity, commandLine }];
  });
}

/** Processes come and go while one looks. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function namedNamespaces(): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns') : [];
}

/** Waits until both gateways run and iperf3 is at work. */
async function familyAtWork(
  lab: ChildProcess,
): Promise<{ identity: ProcessIdentity; commandLine: string }[]> {
  let members: ReturnType<typeof family> = [];
  const atWork = await holdsWithin(() => {
    members = family(lab.pid ?? 0);
    const running = (word: string): number =>
      members.filter(({ commandLine }) => commandLine.includes(word)).length;
    return running('main.js run') === 2 && running('iperf3 --client') === 1;
  }, limitMs);
  expect(atWork).toBe(true);
  return members;
}

describe('the lab with --json', () => {
  it('prints one object and nothing else', async () => {
    const namespacesBefore = namedNamespaces();
    const { code, stdout, stderr } = await labToItsEnd('--json', '--seconds', '1');
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const report = JSON.parse(stdout) as LabReport;
    expect(Object.keys(report)).toEqual(['ok', 'keying', 'engine', 'ping', 'iperf3', 'drops']);
    expect(report).toMatchObject({
      ok: true,
      keying: 'ike',
      engine: 'native',
      ping: { sent: 20, received: 20 },
    });
    expect(report.ping.rttMedianMs).toBeGreaterThan(0);
    expect(report.iperf3.map(({ direction, protocol }) => `${direction} ${protocol}`).sort()).toEqual([
      'a-to-b tcp',
      'a-to-b udp',
      'b-to-a tcp',
      'b-to-a udp',
    ]);
    for (const { protocol, mbitPerSecond, lossPercent } of report.iperf3) {
      expect(mbitPerSecond).toBeGreaterThan(0);
      expect(typeof lossPercent).toBe(protocol === 'udp' ? 'number' : 'undefined');
    }
    expect(Object.values(report.drops).every((packets) => packets > 0)).toBe(true);
    expect(code).toBe(0);
    expect(namedNamespaces()).toEqual(namespacesBefore);
  });

  it('runs with the engine and the keys that it is told to', async () => {
    const choice = ['--engine', 'portable', '--keying', 'manual'];
    const { code, stdout } = await labToItsEnd('--json', '--seconds', '1', ...choice);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, engine: 'portable', keying: 'manual' });
    expect(code).toBe(0);
  });
});

describe('the end of a lab', () => {
  it('leaves no process and no namespace behind after SIGKILL', async () => {
    const namespacesBefore = namedNamespaces();
    const lab = startLab('--json', '--seconds', '60');
    const members = await familyAtWork(lab);
    lab.kill('SIGKILL');
    const allGone = (): boolean => members.every(({ identity }) => !isAlive(identity));
    expect(await holdsWithin(allGone, limitMs)).toBe(true);
    expect(namedNamespaces()).toEqual(namespacesBefore);
  });

  it('stops the gateways after SIGTERM, and says by its exit code why it ended', async () => {
    const lab = startLab('--json', '--seconds', '60');
    const output = Promise.all([text(lab.stdout!), text(lab.stderr!)]);
    const members = await familyAtWork(lab);
    lab.kill('SIGTERM');
    expect(await once(lab, 'close')).toEqual([128 + 15, null]);
    expect(await output).toEqual(['', '']);
    expect(members.filter(({ identity }) => isAlive(identity))).toEqual([]);
  });
});

describe('a lab that stays', () => {
  const name = `lab-test-${process.pid}`;

  it('comes up, carries ESP and nothing in clear, and goes down', async () => {
    if (process.getuid?.() !== 0) {
      const refused = await labToItsEnd('up', '--name', name);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toBe('lab: up needs root: its namespaces have names in the system\n');
      return;
    }
    try {
      const manual = ['--keying', 'manual'];
      expect(await labToItsEnd('up', '--name', name, ...manual)).toMatchObject({ code: 0, stderr: '' });
      const again = await labToItsEnd('up', '--name', name);
      expect(again).toMatchObject({ code: 1, stdout: '' });
      expect(again.stderr).toContain(`${name} is up already`);
      expect(await labToItsEnd('status', '--name', name)).toMatchObject({ code: 0 });
      await expectEspOnTheWan();
      const shell = [...program, 'shell', 'gwA', '--name', name];
      const env = { ...commandEnvironment(), SHELL: '/bin/sh' };
      const said = execFileSync(process.execPath, shell, { cwd: root, env, input: 'isthmus status\n' });
      expect(said.toString()).toContain('  site-a-to-site-b  up for ');
    } finally {
      expect(await labToItsEnd('down', '--name', name)).toMatchObject({ code: 0, stderr: '' });
    }
    expect(namedNamespaces().filter((namespace) => namespace.startsWith(name))).toEqual([]);
    expect(await labToItsEnd('status', '--name', name)).toMatchObject({
      code: 1,
      stdout: `${name} is down\n`,
    });
  });

  /** The SPIs are those of etc/site-a.yaml; tcpdump prints what it finds in UDP 4500. */
  async function expectEspOnTheWan(): Promise<void> {
    const capture = startLab('capture', '--name', name);
    let packets = '';
    capture.stdout!.on('data', (chunk: Buffer) => (packets += chunk.toString()));
    let said = '';
    capture.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    expect(await holdsWithin(() => said.includes('listening on'), limitMs)).toBe(true);
    const ping = ['netns', 'exec', `${name}-hostA`, 'ping', '-n', '-c', '2', '-i', '0.1', '10.0.2.7'];
    execFileSync('ip', ping, { env: commandEnvironment() });
    const both = (): boolean => packets.includes('spi=0x0a0b0001') && packets.includes('spi=0x0b0a0001');
    expect(await holdsWithin(both, limitMs)).toBe(true);
    capture.kill('SIGTERM');
    await once(capture, 'close');
    expect(packets).not.toMatch(/10\.0\.[12]\.|fd00:/);
  }
});
