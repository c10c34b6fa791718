// Two whole gateways, their hosts, the network between them, and whoever watches: what runs and impairments are made of.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from '../../../src/dataplane/commands.ts';
import type { GatewayConfig } from '../../../src/management/config/gateway-config.ts';
import { Random } from '../random.ts';
import type { SiteName } from '../ike-network.ts';
import { SimGateway, type WireDatagram } from './sim-gateway.ts';
import { SimHosts } from './sim-hosts.ts';
import { SimNat } from './sim-nat.ts';
import { SimNetwork } from './sim-network.ts';
import { ownAddress, PUBLIC, randomOptions, writeSites, type SiteOptions } from './sim-sites.ts';
import { SimTime } from './sim-time.ts';
import { SimWatch } from './sim-watch.ts';

export const SITES = ['a', 'b'] as const;
const COUNT_EVERY_MS = 50;

/** Stands between the gateways and everything else; a test puts there what it wants to go wrong. */
export interface Between {
  /** What leaves in the place of a datagram. */
  datagram?(from: SiteName, datagram: WireDatagram): readonly WireDatagram[];
  /** A worker is about to execute a command. @throws in its place */
  command?(site: SiteName, command: Command): void;
  /** A packet for the hosts. @returns what they get */
  frame?(site: SiteName, bytes: Uint8Array): readonly Uint8Array[];
}

export class SimWorld {
  readonly time: SimTime = new SimTime();
  readonly random: Random;
  readonly options: SiteOptions;
  readonly watch: SimWatch;
  readonly hosts: SimHosts;
  readonly network: SimNetwork;
  readonly nat: SimNat | undefined;
  readonly between: Between;
  readonly gateways: Record<SiteName, SimGateway | undefined> = { a: undefined, b: undefined };
  readonly lives: Record<SiteName, number> = { a: 0, b: 0 };
  #countedMs = 0;
  readonly #directory: string;
  readonly #configs: Readonly<Record<SiteName, GatewayConfig>>;

  private constructor(
    directory: string,
    configs: Readonly<Record<SiteName, GatewayConfig>>,
    random: Random,
    options: SiteOptions,
    between: Between,
  ) {
    this.#directory = directory;
    this.#configs = configs;
    this.random = random;
    this.options = options;
    this.between = between;
    const now = (): number => this.time.nowMs;
    this.watch = new SimWatch(now);
    this.nat = options.hasNat ? new SimNat(PUBLIC.a, now) : undefined;
    this.hosts = new SimHosts({
      random,
      now,
      broken: (text) => {
        this.watch.broken(text);
      },
      lifeOf: (site) => this.lives[site],
    });
    this.network = new SimNetwork({
      ...{ time: this.time, random, nat: this.nat },
      addresses: { a: ownAddress('a', options), b: ownAddress('b', options) },
      station: (site) => this.gateways[site],
      onSend: (from, datagram) => {
        this.watch.sent(from, datagram);
        return between.datagram?.(from, datagram) ?? [datagram];
      },
    });
  }

  /** @param change of what the seed chooses */
  static async build(
    seed: number,
    {
      change = {},
      between = {},
    }: { readonly change?: Partial<SiteOptions>; readonly between?: Between } = {},
  ): Promise<SimWorld> {
    const random = new Random(seed);
    // The first numbers of seeds that are near each other are near each other, too.
    for (let count = 0; count < 8; count++) random.uint32();
    const options = { ...randomOptions(random), ...change };
    const directory = await mkdtemp(join(tmpdir(), 'isthmus-simnet-'));
    const configs = await writeSites(directory, options, random);
    return new SimWorld(directory, configs, random, options, between);
  }

  async close(): Promise<void> {
    for (const site of SITES) this.kill(site);
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** @throws where there is none at this moment */
  gateway(site: SiteName): SimGateway {
    const gateway = this.gateways[site];
    if (gateway === undefined) throw new Error(`site ${site} has no gateway now`);
    return gateway;
  }

  async start(site: SiteName): Promise<void> {
    const { time, watch, hosts, network, between } = this;
    this.lives[site]++;
    watch.note(`site ${site} starts`);
    this.gateways[site] = await SimGateway.start({
      time,
      // Other keys and SPIs in each life.
      random: new Random(this.random.uint32()),
      config: this.#configs[site],
      surroundings: {
        send: (datagram) => network.send(site, datagram),
        deliver: ({ bytes }) => {
          watch.trace(`${site} delivers`, bytes);
          for (const one of between.frame?.(site, bytes) ?? [bytes]) hosts.deliver(site, one);
        },
        clear: ({ bytes }) => {
          watch.trace(`${site} lets out`, bytes);
          hosts.clear(site, bytes);
        },
        log: (line) => {
          watch.log(site, line);
        },
        command: (command) => {
          watch.command(site, command);
          between.command?.(site, command);
        },
        event: ({ type }) => {
          watch.trace(`${site} ${type}`);
        },
      },
    });
  }

  /** As by SIGKILL: nobody is told. */
  kill(site: SiteName): void {
    this.gateways[site]?.die();
    this.watch.note(`site ${site} is gone`);
    this.gateways[site] = undefined;
  }

  /** Lets time pass, and looks at what must hold after everything that happens. @throws FaultFound */
  async pass(ms: number): Promise<void> {
    await this.time.pass(ms, () => {
      this.look();
    });
    this.look();
  }

  look(): void {
    const { watch, gateways, time } = this;
    // What the SADs hold is counted now and then, because it takes longer than what happens.
    if (time.nowMs - this.#countedMs >= COUNT_EVERY_MS) {
      this.#countedMs = time.nowMs;
      for (const site of SITES) {
        const gateway = gateways[site];
        if (gateway !== undefined) watch.count(site, gateway);
      }
    }
    if (watch.violation !== undefined) throw new FaultFound(watch.violation, watch.linesAround());
  }
}

/** An invariant did not hold. */
export class FaultFound extends Error {
  override readonly name = 'FaultFound';

  constructor(violation: string, lines: readonly string[]) {
    super(`${violation}\nwhat came before:\n${lines.join('\n')}`);
  }
}
