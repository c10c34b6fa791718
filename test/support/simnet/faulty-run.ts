// One randomised run: faults, attacks, restarts and deletions for a while, then none; what must hold is looked at after every
// step, and at the end that both sides have found back to each other. One seed, one run.

import { Random } from '../random.ts';
import { other, type SiteName } from '../ike-network.ts';
import { SimAttacker } from './sim-attacker.ts';
import { CARRYING, hasArrived, type HostPacket } from './sim-hosts.ts';
import { ETHERNET_MTU, NO_FAULTS, type LinkFaults } from './sim-network.ts';
import { PUBLIC } from './sim-sites.ts';
import { disagreements } from './sim-watch.ts';
import { FaultFound, SimWorld, SITES, type Between } from './sim-world.ts';

const FAULTS_MS = 60_000;
/** From the last fault until packets pass both ways under every policy. */
const CONVERGED_WITHIN_MS = 60_000;
const CALM_MS = 2000;
/** What one side had asked in vain under the faults ends its IKE SA later than that; only then it is over. */
const STAYS_MS = 12_000;
/** How long nothing at all may be lost afterwards, SAs being replaced all the while, and packets still overtaking each other. */
const STEADY_MS = 20_000;
const STEADY_FAULTS: Readonly<LinkFaults> = { ...NO_FAULTS, reorder: 200 };
/** From the last packet until there is a moment in which both SADs say the same. */
const AGREED_WITHIN_MS = 60_000;
const ARRIVES_WITHIN_MS = 1000;

export interface RunResult {
  /** Of everything that was sent, delivered and told. */
  readonly digest: string;
  readonly options: string;
  readonly delivered: number;
  readonly espPackets: number;
  readonly convergedMs: number;
  readonly agreedMs: number;
  readonly restarts: number;
}

/** @throws FaultFound where an invariant does not hold */
export async function faultyRun(seed: number, between: Between = {}): Promise<RunResult> {
  const world = await SimWorld.build(seed, { between });
  try {
    return await new FaultyRun(world).run();
  } finally {
    await world.close();
  }
}

class FaultyRun {
  readonly #world: SimWorld;
  readonly #random: Random;
  readonly #attacker: SimAttacker;
  #areFaults = true;
  #isTraffic = true;
  #isSteady = false;

  constructor(world: SimWorld) {
    this.#world = world;
    const { network, watch, hosts, gateways } = world;
    this.#random = new Random(world.random.uint32());
    this.#attacker = new SimAttacker({
      ...{ random: this.#random, network, watch, hosts, publicAddress: PUBLIC },
      gateway: (site) => gateways[site],
    });
  }

  async run(): Promise<RunResult> {
    const world = this.#world;
    const random = this.#random;
    for (const site of SITES) await world.start(site);
    for (const site of SITES)
      this.#repeat(
        20,
        180,
        () => this.#isTraffic,
        () => this.#sendRandom(site),
      );
    const areFaults = (): boolean => this.#areFaults;
    this.#repeat(50, 400, areFaults, () => this.#attacker.act());
    this.#repeat(500, 4000, areFaults, () => this.#changeNetwork());
    this.#repeat(1000, 6000, areFaults, () => this.#disturb(random.pick(SITES)));
    await world.pass(FAULTS_MS);
    await this.#calm();
    const convergedMs = await this.#converge();
    await this.#steady();
    const agreedMs = await this.#agree();
    const { watch, hosts, lives } = world;
    return {
      digest: watch.digest,
      options: JSON.stringify(world.options),
      delivered: hosts.deliveredCount,
      espPackets: watch.espCount,
      restarts: lives.a + lives.b - 2,
      convergedMs,
      agreedMs,
    };
  }

  #repeat(first: number, last: number, goesOn: () => boolean, act: () => void | Promise<void>): void {
    const { time } = this.#world;
    const again = (): void => {
      time.after(this.#random.between(first, last), async () => {
        if (!goesOn()) return;
        await act();
        again();
      });
    };
    again();
  }

  #sendRandom(site: SiteName): void {
    const { gateways, hosts } = this.#world;
    // Also while there is no gateway: then its hosts reach nobody.
    gateways[site]?.push(hosts.randomPacket(site));
  }

  #changeNetwork(): void {
    const { network, nat } = this.#world;
    const random = this.#random;
    const site = random.pick(SITES);
    const faults = network.faults[site];
    const acts: (() => void)[] = [
      () => Object.assign(faults, NO_FAULTS),
      () => (faults.loss = random.pick([0, 20, 100, 400])),
      () => (faults.duplicate = random.pick([0, 50, 500])),
      () => (faults.reorder = random.pick([0, 50, 300])),
      () => (faults.corrupt = random.pick([0, 10, 100])),
      () => (faults.extraDelayMs = random.pick([0, 20, 150, 700])),
      () => (faults.mtu = random.pick([ETHERNET_MTU, ETHERNET_MTU, 1280, 900, 576])),
      () => (faults.isCut = !faults.isCut),
      () => nat?.rebind(),
      () => {
        if (nat !== undefined) nat.lifetimeMs = random.pick([Infinity, 1000, 5000]);
      },
    ];
    random.pick(acts)();
    this.#world.watch.note(`faults of ${site}: ${JSON.stringify(faults)}`);
  }

  /** Somebody at a gateway does something, or it dies. */
  async #disturb(site: SiteName): Promise<void> {
    const world = this.#world;
    const random = this.#random;
    const gateway = world.gateways[site];
    if (gateway === undefined) return world.start(site);
    const { engine, planes } = gateway;
    const child = (): number => random.pick(planes.sad.inbound).spi;
    const acts: Record<string, () => void> = {
      killed: () => world.kill(site),
      stopped: () => void planes.farewell().then(() => world.kill(site)),
      'its IKE SA deleted': () => engine.deleteIke('far'),
      'its IKE SA rekeyed': () => engine.states.forEach(({ localSpi }) => engine.rekeyIke(localSpi)),
      'a Child SA deleted': () => engine.deleteChild(child()),
      'a Child SA rekeyed': () => engine.rekeyChild(child()),
      'its Child SAs asked for': () => void engine.initiate('net'),
    };
    const name = random.pick(Object.keys(acts));
    world.watch.note(`site ${site} has ${name}`);
    acts[name]?.();
  }

  async #calm(): Promise<void> {
    const { network, nat, gateways, watch } = this.#world;
    this.#areFaults = false;
    for (const site of SITES) Object.assign(network.faults[site], NO_FAULTS);
    if (nat !== undefined) nat.lifetimeMs = Infinity;
    watch.note('there are no faults any more');
    // Whoever was about to stop has stopped.
    await this.#world.pass(CALM_MS);
    for (const site of SITES) if (gateways[site] === undefined) await this.#world.start(site);
  }

  /** @returns how long after the last fault packets began to pass, and went on */
  async #converge(): Promise<number> {
    const { time, watch } = this.#world;
    const startMs = time.nowMs;
    let passedSinceMs: number | undefined;
    for (;;) {
      const sentMs = time.nowMs;
      const missing = await this.#probe();
      passedSinceMs = missing.length > 0 ? undefined : (passedSinceMs ?? sentMs);
      if (passedSinceMs !== undefined && time.nowMs - passedSinceMs >= STAYS_MS)
        return passedSinceMs - startMs;
      if (time.nowMs - startMs > CONVERGED_WITHIN_MS)
        throw new FaultFound(
          `${CONVERGED_WITHIN_MS / 1000} s after the last fault packets do not pass: ${missing.map(describe).join('; ')}`,
          watch.linesAround(),
        );
    }
  }

  /** Sends a packet under everything that carries some. @returns those that did not arrive */
  async #probe(): Promise<readonly HostPacket[]> {
    const { time, hosts } = this.#world;
    const sentMs = time.nowMs;
    for (const site of SITES)
      for (const packet of hosts.carriedPackets(site)) this.#world.gateway(site).push(packet);
    await this.#world.pass(ARRIVES_WITHIN_MS);
    return hosts.packets.filter(
      (packet) =>
        packet.sentMs === sentMs && packet.fate === 'tunnel' && !hasArrived(packet) && !packet.isRefused,
    );
  }

  async #steady(): Promise<void> {
    const { time, hosts, watch, network } = this.#world;
    const fromMs = time.nowMs;
    hosts.mayBeCut = false;
    for (const site of SITES) Object.assign(network.faults[site], STEADY_FAULTS);
    this.#isSteady = true;
    this.#repeat(
      60,
      180,
      () => this.#isSteady,
      () => {
        for (const site of SITES)
          for (const packet of hosts.carriedPackets(site)) this.#world.gateway(site).push(packet);
      },
    );
    await this.#world.pass(STEADY_MS);
    this.#isSteady = false;
    this.#isTraffic = false;
    await this.#world.pass(ARRIVES_WITHIN_MS);
    const lost = hosts.packets.filter(
      (packet) =>
        packet.sentMs >= fromMs && packet.fate === 'tunnel' && !packet.isRefused && !hasArrived(packet),
    );
    if (lost.length > 0)
      throw new FaultFound(
        `without any fault packets are lost: ${lost.map(describe).join('; ')}`,
        watch.linesAround(lost[0]?.sentMs),
      );
    const policies = new Set(
      hosts.packets.filter(({ sentMs }) => sentMs >= fromMs).map(({ policy }) => policy),
    );
    if (!CARRYING.every((policy) => policies.has(policy)))
      watch.broken('the hosts have not used every policy');
  }

  async #agree(): Promise<number> {
    const { time, watch } = this.#world;
    const startMs = time.nowMs;
    for (;;) {
      const gateways = { a: this.#world.gateway('a'), b: this.#world.gateway('b') };
      const found = disagreements(gateways, watch);
      if (found.length === 0) return time.nowMs - startMs;
      if (time.nowMs - startMs > AGREED_WITHIN_MS)
        throw new FaultFound(`the sites do not agree: ${found.join('; ')}`, watch.linesAround());
      await this.#world.pass(250);
    }
  }
}

function describe({ from, policy, source, destination, sentMs }: HostPacket): string {
  return `${String(policy)} from ${from} to ${other(from)}, ${source} to ${destination} at ${(sentMs / 1000).toFixed(3)} s`;
}
