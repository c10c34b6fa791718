// A soak: two gateways whose SAs are replaced every few seconds under traffic, with reloads, and a peer that is stopped
// or killed now and then. Gateway B lives all the time, and is what is measured.

import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readProcess } from '../bench/floods/gateway-figures.ts';
import {
  gatewayReady,
  killGateway,
  startGateway,
  stopGateway,
  type GatewayProcess,
} from '../lab/gateway-process.ts';
import { holdsWithin } from '../lab/process-identity.ts';
import {
  changed,
  ikeExampleKeys,
  ikeTwoSites,
  writeSiteFiles,
  type GatewayPlace,
  type Setting,
  type SiteFiles,
} from '../lab/site-files.ts';
import { siteAddresses } from '../topology/plan.ts';
import type { Topology } from '../topology/topology.ts';
import { ViciSession } from '../../src/management/cli/control/vici-session.ts';
import { findGrowth, type SoakSample } from './flatness.ts';
import { HostsTraffic } from './hosts-traffic.ts';

const PROBE = fileURLToPath(new URL('probe.mjs', import.meta.url));
const CALM_MS = 9000;
const ANSWER_LIMIT_MS = 20_000;
const PROBE_LIMIT_MS = 10_000;
const REKEYS: readonly Setting[] = [
  [['policies', 0, 'sa', 'lifetime'], { time: { soft: '3s', hard: '60s' } }],
  [['peers', 0, 'ike', 'lifetime'], { soft: '7s', hard: '60s', jitter: '0s' }],
  [['peers', 0, 'ike', 'liveness'], '5s'],
  [['policies', 0, 'sa', 'start'], 'immediately'],
];
/** Comes and goes with the reloads. */
const OTHER_POLICY = {
  name: 'sometimes',
  priority: 1,
  action: 'DISCARD',
  selectors: { remote_address: '10.0.2.200' },
};
const DISTURBANCES = ['reload', 'stop', 'reload', 'kill'] as const;
type Disturbance = (typeof DISTURBANCES)[number];

export interface SoakReport {
  readonly minutes: number;
  readonly samples: readonly SoakSample[];
  readonly datagrams: number;
  /** Between restarts. */
  readonly lost: number;
  readonly streamBytes: number;
  readonly rekeys: { readonly ike: number; readonly child: number };
  readonly disturbances: Readonly<Record<Disturbance, number>>;
  /** What is not as it should be, in words. */
  readonly faults: readonly string[];
}

export interface SoakOptions {
  readonly minutes: number;
  /** Empty, and for this soak alone. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

export async function runSoak(topology: Topology, options: SoakOptions): Promise<SoakReport> {
  const { minutes, directory, say } = options;
  const files = await writeSiteFiles(directory, undefined, ikeTwoSites, ikeExampleKeys);
  for (const place of ['gwA', 'gwB'] as const) await configure(files, place, REKEYS);
  const soak = new Soak(topology, files, directory);
  try {
    await soak.start();
    const startMs = performance.now();
    const endMs = startMs + minutes * 60_000;
    for (let turn = 0; performance.now() < endMs || soak.samples.length < 6; turn++) {
      await soak.calm(startMs);
      const kind = DISTURBANCES[turn % DISTURBANCES.length] ?? 'reload';
      await soak.disturb(kind, turn);
      const last = soak.samples.at(-1);
      say(
        `${((performance.now() - startMs) / 1000).toFixed(0)} s, before a ${kind}: ${JSON.stringify(last)}`,
      );
    }
    return await soak.report(minutes);
  } finally {
    await soak.stop();
  }
}

class Soak {
  readonly samples: SoakSample[] = [];
  readonly #topology: Topology;
  readonly #files: SiteFiles;
  readonly #probeFile: string;
  readonly #gateways = new Map<GatewayPlace, GatewayProcess>();
  readonly #faults: string[] = [];
  readonly #disturbances: Record<Disturbance, number> = { reload: 0, stop: 0, kill: 0 };
  #traffic: HostsTraffic | undefined;
  #vici: ViciSession | undefined;
  #datagrams = 0;
  #lost = 0;

  constructor(topology: Topology, files: SiteFiles, directory: string) {
    this.#topology = topology;
    this.#files = files;
    this.#probeFile = join(directory, 'probe.json');
  }

  async start(): Promise<void> {
    await writeFile(this.#probeFile, '');
    await this.#startGateway('gwB', { NODE_OPTIONS: `--import ${PROBE}`, SOAK_PROBE: this.#probeFile });
    await this.#startGateway('gwA');
    await this.#untilAnswered();
    this.#traffic = await HostsTraffic.start(this.#topology);
    this.#vici = await ViciSession.open(join(this.#files.runtimeDirectory('gwB'), 'isthmus.vici'));
  }

  /** Rekeys under traffic lose nothing. Then a sample. */
  async calm(startMs: number): Promise<void> {
    await this.#look();
    await sleep(CALM_MS);
    const { sent, answered } = await this.#look();
    this.#datagrams += sent;
    this.#lost += sent - answered;
    if (sent === 0) this.#faults.push('no datagram was sent');
    if (answered < sent)
      this.#faults.push(`${sent - answered} of ${sent} datagrams were lost in a calm stretch`);
    this.samples.push(await this.#sample(performance.now() - startMs));
  }

  async disturb(kind: Disturbance, turn: number): Promise<void> {
    this.#disturbances[kind]++;
    if (kind === 'reload') {
      // Nothing is lost either: the policy is for another destination.
      await this.#look();
      await this.#reload('gwB', turn % 4 === 0 ? OTHER_POLICY : undefined);
      const { sent, answered } = await this.#look();
      this.#datagrams += sent;
      this.#lost += sent - answered;
      if (answered < sent) this.#faults.push(`${sent - answered} of ${sent} datagrams were lost in a reload`);
      return;
    }
    const gateway = this.#gateway('gwA');
    this.#gateways.delete('gwA');
    if (kind === 'kill') await killGateway(gateway);
    else await stopGateway(gateway);
    this.#judgeLog(gateway);
    await this.#startGateway('gwA');
    await this.#untilAnswered();
  }

  async report(minutes: number): Promise<SoakReport> {
    const { streamSent, streamAnswered } = await this.#look();
    if (streamAnswered < streamSent - streamSent / 100)
      this.#faults.push(`of ${streamSent} octets of the TCP stream ${streamAnswered} came back`);
    const { log } = this.#gateway('gwB');
    this.#judgeLog(this.#gateway('gwB'));
    const rekeys = { ike: log.count('IKE SA rekeyed'), child: log.count('Child SA rekeyed') };
    if (rekeys.child < minutes * 10 || rekeys.ike < minutes * 4) this.#faults.push('there were few rekeys');
    return {
      minutes,
      samples: this.samples,
      datagrams: this.#datagrams,
      lost: this.#lost,
      streamBytes: streamAnswered,
      rekeys,
      disturbances: this.#disturbances,
      faults: [...this.#faults, ...findGrowth(this.samples)],
    };
  }

  async stop(): Promise<void> {
    this.#vici?.close();
    await this.#traffic?.stop();
    for (const gateway of this.#gateways.values()) await stopGateway(gateway);
  }

  #gateway(place: GatewayPlace): GatewayProcess {
    const gateway = this.#gateways.get(place);
    if (gateway === undefined) throw new Error(`no gateway runs in ${place}`);
    return gateway;
  }

  async #startGateway(
    place: GatewayPlace,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const gateway = startGateway(this.#topology, this.#files, place, false, environment);
    this.#gateways.set(place, gateway);
    const isReady = (): boolean => gateway.log.count('ready') > this.#starts(place);
    await gatewayReady(gateway, new AbortController().signal);
    // The log of the run before has the line too.
    if (!(await holdsWithin(isReady, ANSWER_LIMIT_MS))) throw new Error(`${place} is not ready`);
    this.#started.set(place, this.#starts(place) + 1);
  }

  readonly #started = new Map<GatewayPlace, number>();

  #starts(place: GatewayPlace): number {
    return this.#started.get(place) ?? 0;
  }

  /** The tunnel carries packets again; counted against nobody. */
  async #untilAnswered(): Promise<void> {
    const deadlineMs = performance.now() + ANSWER_LIMIT_MS;
    const ping = ['ping', '-n', '-c', '1', '-W', '1', siteAddresses.hostB.ipv4];
    while ((await this.#topology.run('hostA', ping)).exitCode !== 0)
      if (performance.now() > deadlineMs) throw new Error('no way through the tunnel after a restart');
  }

  #look(): ReturnType<HostsTraffic['look']> {
    if (this.#traffic === undefined) throw new Error('there is no traffic');
    return this.#traffic.look();
  }

  async #reload(place: GatewayPlace, policy: unknown): Promise<void> {
    const { log, identity } = this.#gateway(place);
    await configure(this.#files, place, [[['policies', 1], policy]]);
    const before = log.count('configuration reloaded');
    process.kill(identity.pid, 'SIGHUP');
    if (!(await holdsWithin(() => log.count('configuration reloaded') > before, ANSWER_LIMIT_MS)))
      throw new Error(`${place} did not reload\n${log.tail(5, place)}`);
  }

  async #sample(atMs: number): Promise<SoakSample> {
    const { pid } = this.#gateway('gwB').identity;
    const lines = (): string[] => readFileSync(this.#probeFile, 'utf8').trimEnd().split('\n');
    const before = lines().filter(Boolean).length;
    process.kill(pid, 'SIGUSR2');
    if (!(await holdsWithin(() => lines().filter(Boolean).length > before, PROBE_LIMIT_MS)))
      throw new Error('the probe in gateway B does not answer');
    const probed = JSON.parse(lines().at(-1) ?? '') as Pick<SoakSample, 'heapBytes' | 'resources'>;
    let [ikeSas, childSas] = [0, 0];
    await this.#vici?.stream('list-sas', 'list-sa', new Map(), (message) => {
      ikeSas++;
      for (const ikeSa of message.values()) {
        const children =
          ikeSa instanceof Map ? (ikeSa as ReadonlyMap<string, unknown>).get('child-sas') : undefined;
        if (children instanceof Map) childSas += children.size;
      }
    });
    return { atMs: Math.round(atMs), ...probed, ...readProcess(pid), ikeSas, childSas };
  }

  #judgeLog({ place, log }: GatewayProcess): void {
    for (const line of log.tail(Infinity, place).split('\n'))
      if (line.includes('"level":"error"') || line.includes('"level":"fatal"')) this.#faults.push(line);
  }
}

async function configure(files: SiteFiles, place: GatewayPlace, settings: readonly Setting[]): Promise<void> {
  const path = files.configuration(place);
  await writeFile(path, changed(await readFile(path, 'utf8'), settings), { mode: 0o600 });
}
