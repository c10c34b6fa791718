// Two sites with two real gateways in a sandbox, for tests: topology, files with fresh keys, capture on the wan.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFailed, TestRunner } from 'vitest';
import {
  gatewayReady,
  startGateway,
  stopGateway,
  type GatewayProcess,
} from '../../scripts/lab/gateway-process.ts';
import type { LogLine } from '../../scripts/lab/gateway-log.ts';
import {
  changed,
  exampleKeys,
  gatewayPlaces,
  program,
  twoSites,
  writeSiteFiles,
  type GatewayPlace,
  type Setting,
  type Site,
  type SiteFiles,
} from '../../scripts/lab/site-files.ts';
import { holdsWithin, isAlive } from '../../scripts/lab/process-identity.ts';
import { runOrThrow } from '../../scripts/topology/command.ts';
import { openSandbox, type OpenSandbox } from '../../scripts/topology/open-sandbox.ts';
import { planTopology, type Place, type TopologyPlan } from '../../scripts/topology/plan.ts';
import { Topology } from '../../scripts/topology/topology.ts';
import { countPackets } from '../support/pcap.ts';

const PING = join(import.meta.dirname, 'host-programs/ping.py');
/** How long `ping` waits for answers that have to come: longer than IKE takes to send a lost message again. */
const PATIENCE_SECONDS = 10;
/** And for answers that must not come. */
export const BRIEFLY = 1;
const RELOAD_LIMIT_MS = 10_000;
const LOG_LIMIT_MS = 30_000;
const CAPTURE_LIMIT_MS = 10_000;
const ASK_AGAIN_MS = 1000;
const GRACE_MS = 100;
const LINES_SHOWN = 30;

export class TwoSites {
  readonly topology: Topology;
  readonly directory: string;
  readonly files: SiteFiles;
  readonly #sandbox: OpenSandbox;
  readonly #gateways = new Map<GatewayPlace, GatewayProcess>();
  readonly #started: GatewayProcess[] = [];
  #starts = 0;
  /** What the gateways logged, for a test that failed: their files go before it is known. */
  #lastWords = '';

  private constructor(topology: Topology, directory: string, files: SiteFiles, sandbox: OpenSandbox) {
    this.topology = topology;
    this.directory = directory;
    this.files = files;
    this.#sandbox = sandbox;
  }

  static async build(
    engine: 'native' | 'portable' = 'native',
    plan: TopologyPlan = planTopology('router'),
    { sites, keys }: { readonly sites: readonly Site[]; readonly keys: readonly string[] } = {
      sites: twoSites,
      keys: exampleKeys,
    },
  ): Promise<TwoSites> {
    const sandbox = await openSandbox();
    const directory = await mkdtemp(join(tmpdir(), 'isthmus-test-'));
    const topology = new Topology({ plan, prefix: '', enter: sandbox.enter });
    await topology.build();
    const files = await writeSiteFiles(directory, engine, sites, keys);
    const two = new TwoSites(topology, directory, files, sandbox);
    // Before hooks have no test that could fail.
    if (TestRunner.getCurrentTest() !== undefined)
      onTestFailed(() => {
        process.stderr.write(`${two.#lastWords}\n`);
      });
    return two;
  }

  /** Changes both configuration files. */
  async configure(place: GatewayPlace, settings: readonly Setting[]): Promise<void> {
    const path = this.files.configuration(place);
    await writeFile(path, changed(await readFile(path, 'utf8'), settings));
  }

  /** Puts another text over a file of /etc, for all programs of the sandbox. @returns how to change it again */
  async overlay(name: string, text: string): Promise<(text: string) => Promise<void>> {
    const file = join(this.directory, name);
    await writeFile(file, text);
    await runOrThrow([...this.#sandbox.enter, 'mount', '--bind', file, `/etc/${name}`]);
    return (other) => writeFile(file, other);
  }

  /** Sends SIGHUP and waits for the gateway's answer in its log. */
  async reload(place: GatewayPlace, answer = 'configuration reloaded'): Promise<void> {
    const gateway = this.#gateways.get(place);
    if (gateway === undefined) throw new Error(`no gateway runs in ${place}`);
    const before = gateway.log.count(answer);
    process.kill(gateway.identity.pid, 'SIGHUP');
    const hasAnswered = (): boolean => gateway.log.count(answer) > before;
    if (!(await holdsWithin(hasAnswered, RELOAD_LIMIT_MS, new AbortController().signal)))
      throw new Error(`${place} did not say "${answer}"\n${gateway.log.tail(20, place)}`);
  }

  /** @param environment variables of its own @param before a command that runs the gateway */
  async start(
    place: GatewayPlace,
    environment: Readonly<Record<string, string>> = {},
    before: readonly string[] = [],
  ): Promise<void> {
    // A log of its own for each start: the one before has said "ready" too.
    const log = `${this.files.log(place)}.${String(this.#starts++)}`;
    const files = { ...this.files, log: () => log };
    const gateway = startGateway(this.topology, files, place, false, environment, before);
    this.#gateways.set(place, gateway);
    this.#started.push(gateway);
    await gatewayReady(gateway, new AbortController().signal);
  }

  /** Waits until the gateway has logged a sentence so many times since it was started. */
  async logged(place: GatewayPlace, sentence: string, times = 1): Promise<void> {
    const gateway = this.#gateways.get(place);
    if (gateway === undefined) throw new Error(`no gateway runs in ${place}`);
    const hasSaid = (): boolean => gateway.log.count(sentence) >= times;
    if (!(await holdsWithin(hasSaid, LOG_LIMIT_MS, new AbortController().signal)))
      throw new Error(
        `${place} did not say "${sentence}" ${String(times)} times\n${gateway.log.tail(20, place)}`,
      );
  }

  /** Waits until the gateway has logged a sentence. @returns all that its last line says */
  async logLine(place: GatewayPlace, sentence: string): Promise<unknown> {
    const gateway = this.#gateways.get(place);
    await this.logged(place, sentence);
    return gateway?.log.detailsOf(sentence);
  }

  /** What the gateway has logged with this sentence since it was started. */
  said(place: GatewayPlace, sentence: string): readonly LogLine[] {
    return this.#gateways.get(place)?.log.findAll(sentence) ?? [];
  }

  async startBoth(): Promise<void> {
    await Promise.all(gatewayPlaces.map((place) => this.start(place)));
  }

  /** @returns the drop counters */
  async stop(place: GatewayPlace): Promise<Record<string, number>> {
    const gateway = this.#gateways.get(place);
    if (gateway === undefined) throw new Error(`no gateway runs in ${place}`);
    this.#gateways.delete(place);
    return stopGateway(gateway);
  }

  /** Of the gateway that runs there. */
  pid(place: GatewayPlace): number {
    const gateway = this.#gateways.get(place);
    if (gateway === undefined) throw new Error(`no gateway runs in ${place}`);
    return gateway.identity.pid;
  }

  /** Waits until the gateway has ended by itself. @returns its last words */
  async ended(place: GatewayPlace): Promise<string> {
    const gateway = this.#gateways.get(place);
    if (gateway === undefined) throw new Error(`no gateway runs in ${place}`);
    if (!(await holdsWithin(() => !isAlive(gateway.identity), LOG_LIMIT_MS)))
      throw new Error(`${place} goes on\n${gateway.log.tail(20, place)}`);
    this.#gateways.delete(place);
    return gateway.log.tail(LINES_SHOWN, place);
  }

  /** Waits until the gateway has ended by itself. @returns the signal that ended it */
  async endedBy(place: GatewayPlace): Promise<NodeJS.Signals | null> {
    const child = this.#gateways.get(place)?.child;
    await this.ended(place);
    // Told a little later.
    await holdsWithin(() => child?.exitCode !== null || child.signalCode !== null, LOG_LIMIT_MS);
    return child?.signalCode ?? null;
  }

  /** Runs a command that must succeed before all places: what it mounts, gateways started later see. */
  async inSandbox(command: readonly string[]): Promise<void> {
    await runOrThrow([...this.#sandbox.enter, ...command]);
  }

  /**
   * The kernel of a place no longer says which groups its devices have joined: it does at a time of its choice, and
   * who counts packets would count the report, too.
   */
  async muteListenerReports(place: Place): Promise<void> {
    const chain = 'chain own { type filter hook output priority 0; icmpv6 type mld2-listener-report drop; }';
    await this.topology.runOrThrow(place, ['nft', `table inet quiet { ${chain}; }`]);
  }

  /** SIGKILL, as a crash would be. */
  kill(place: GatewayPlace): void {
    process.kill(this.pid(place), 'SIGKILL');
    this.#gateways.delete(place);
  }

  /** @returns how many of `count` echo requests came back; the last of them may take so many seconds */
  async ping(from: Place, to: string, count = 5, patience: number = PATIENCE_SECONDS): Promise<number> {
    const command = ['/usr/bin/python3', PING, to, String(count), '0.05', String(patience)];
    return Number(await this.topology.runOrThrow(from, command));
  }

  /** Captures the wan between two points in time. @returns how to end it, once it holds so many packets; the answer is the file */
  async capture(filter = 'udp port 4500'): Promise<(packets?: number) => Promise<string>> {
    // A veth carries a batch of datagrams as one packet, and a capture would count it as one; a wire does not.
    const senders = this.topology.plan.places.filter((place) => /^gw/.test(place));
    for (const place of senders)
      await this.topology.runOrThrow(place, ['ethtool', '-K', 'outside', 'tx-udp-segmentation', 'off']);
    return this.#tcpdump('wan', ['-i', 'toA', '-U', '--immediate-mode', filter]);
  }

  /** Captures the heads of all packets that arrive at, or leave, an interface under load; fails where one was missed. */
  async captureLoad(
    place: Place,
    device: string,
    filter = '',
    headBytes = 128,
  ): Promise<() => Promise<string>> {
    return this.#tcpdump(place, [
      '-i',
      device,
      '-s',
      String(headBytes),
      '-B',
      '65536',
      ...(filter === '' ? [] : [filter]),
    ]);
  }

  async #tcpdump(place: Place, options: readonly string[]): Promise<(packets?: number) => Promise<string>> {
    const file = join(this.directory, `${place}-${String(this.#starts++)}.pcap`);
    const command = ['tcpdump', '-Z', 'root', '-w', file, ...options];
    const tcpdump: ChildProcess = this.topology.spawn(place, command, {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const closed = once(tcpdump, 'close');
    if (tcpdump.stderr === null) throw new Error('tcpdump has no standard error');
    const words: string[] = [];
    const speech = tcpdump.stderr.setEncoding('utf8').on('data', (text: string) => words.push(text));
    // Said when the socket is open.
    const isListening = (async () => {
      while (!words.join('').includes('listening on')) await once(speech, 'data');
    })();
    await Promise.race([isListening, closed]);
    return async (packets = 0) => {
      const isWritten = (): boolean => countPackets(readFileSync(file)) >= packets;
      if (packets > 0) await holdsWithin(isWritten, CAPTURE_LIMIT_MS, new AbortController().signal);
      // It forgets what waits in its socket when it is told to end; asked for its counts, it says how far it is.
      const endMs = performance.now() + CAPTURE_LIMIT_MS;
      while (!hasAll(words.join(''))) {
        if (tcpdump.exitCode !== null || performance.now() > endMs)
          throw new Error(`tcpdump has ended, or does not come to an end\n${words.join('')}`);
        tcpdump.kill('SIGUSR1');
        // Asked again where it did not hear, or has said a part of it; not at once, because each question ends its wait for packets.
        await Promise.race([once(speech, 'data'), closed, sleep(ASK_AGAIN_MS)]);
        if (!hasAll(words.join(''))) await Promise.race([closed, sleep(GRACE_MS)]);
      }
      tcpdump.kill('SIGINT');
      await closed;
      const missed = /(\d+) packets? dropped by kernel/.exec(words.join(''))?.[1];
      if (missed !== '0') throw new Error(`the capture in ${place} is not whole\n${words.join('')}`);
      return file;
    };
  }

  /** Puts a fresh key for another transform in the place of one of this run's keys. */
  async renewKey(name: string, transform: string): Promise<void> {
    const file = join(this.directory, 'keys', `${name}.key`);
    await rm(file);
    await runOrThrow([process.execPath, program, 'keygen', transform, '--out', file]);
  }

  /** A key of this run, hexadecimal. */
  key(name: 'a-to-b' | 'b-to-a'): string {
    return readFileSync(join(this.directory, 'keys', `${name}.key`), 'utf8').trim();
  }

  signal(place: GatewayPlace, signal: NodeJS.Signals): void {
    const gateway = this.#gateways.get(place);
    if (gateway === undefined) throw new Error(`no gateway runs in ${place}`);
    process.kill(gateway.identity.pid, signal);
  }

  /** The gateway stands still meanwhile, as a machine that is too busy: SIGSTOP, and SIGCONT. */
  async whileStopped(place: GatewayPlace, meanwhile: () => Promise<void>): Promise<void> {
    const gateway = this.#gateways.get(place);
    if (gateway === undefined) throw new Error(`no gateway runs in ${place}`);
    process.kill(gateway.identity.pid, 'SIGSTOP');
    try {
      await meanwhile();
    } finally {
      process.kill(gateway.identity.pid, 'SIGCONT');
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#gateways.values()].map((gateway) => stopGateway(gateway)));
    this.#lastWords = this.#started.map(({ log, place }) => log.tail(LINES_SHOWN, place)).join('\n');
    await this.#sandbox.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** @param said by tcpdump, at each SIGUSR1 its counts */
function hasAll(said: string): boolean {
  const counts = /(\d+) packets? captured, (\d+) packets? received by filter/g;
  const [, captured, received] = [...said.matchAll(counts)].at(-1) ?? [];
  return captured !== undefined && captured === received;
}
