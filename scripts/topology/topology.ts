// Builds the plan out of network namespaces and veth pairs, runs programs in them and takes them away again.
// Names live in the /run/netns of the mount namespace it runs in: in a sandbox nobody else sees them.

import type { ChildProcess } from 'node:child_process';
import { EnvironmentError } from '../../src/base/errors.ts';
import { runCommand, runOrThrow, spawnCommand } from './command.ts';
import type { CommandOptions, CommandResult, SpawnOptions } from './command.ts';
import type { Link, Place, TopologyPlan } from './plan.ts';

const ETHERNET_MTU = 1500;

export interface TopologyOptions {
  readonly plan: TopologyPlan;
  /** Put before each place's name to name its namespace: `isthmus-`. Empty in a sandbox. */
  readonly prefix: string;
  /** Command that enters the sandbox, for a caller that is not in it (open-sandbox.ts). */
  readonly enter?: readonly string[];
}

/** Network namespaces that were built, or are found by their names. */
export class Topology {
  readonly plan: TopologyPlan;
  readonly #prefix: string;
  readonly #enter: readonly string[];

  constructor(options: TopologyOptions) {
    this.plan = options.plan;
    this.#prefix = options.prefix;
    this.#enter = options.enter ?? [];
  }

  namespaceOf(place: Place): string {
    return this.#prefix + place;
  }

  /** The command line that runs `command` in a place. The process is the command itself, not a parent of it. */
  argv(place: Place, command: readonly string[]): string[] {
    return [...this.#enter, 'ip', 'netns', 'exec', this.namespaceOf(place), ...command];
  }

  /** Runs a program in a place to its end; any exit code is an answer. */
  run(place: Place, command: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return runCommand(this.argv(place, command), options);
  }

  /** Runs a program that must succeed. @returns its standard output */
  runOrThrow(place: Place, command: readonly string[], options?: CommandOptions): Promise<string> {
    return runOrThrow(this.argv(place, command), options);
  }

  spawn(place: Place, command: readonly string[], options: SpawnOptions): ChildProcess {
    return spawnCommand(this.argv(place, command), options);
  }

  /** @throws EnvironmentError where one of the namespaces exists already or the system refuses */
  async build(): Promise<void> {
    const present = await this.present();
    if (present.length > 0) {
      throw new EnvironmentError(
        `network namespace ${this.namespaceOf(present[0] ?? 'hostA')} exists already`,
      );
    }
    try {
      await this.#batch(this.plan.places.map((place) => `netns add ${this.namespaceOf(place)}`));
      await Promise.all(this.plan.places.map((place) => this.#setKernelParameters(place)));
      await this.#batch(this.plan.links.map((ends) => this.#linkCommand(ends)));
      await Promise.all(this.plan.places.map((place) => this.#batch(this.#placeCommands(place), place)));
    } catch (error) {
      await this.remove();
      throw error;
    }
  }

  /** Joins the sites without a VPN. */
  async addPlainRoutes(): Promise<void> {
    const routes = Object.entries(this.plan.plainRoutes) as [Place, readonly string[]][];
    await Promise.all(routes.map(([place, list]) => this.#batch(list.map(routeCommand), place)));
  }

  /** The places whose namespaces exist. */
  async present(): Promise<Place[]> {
    const listing = await runOrThrow([...this.#enter, 'ip', 'netns', 'list']);
    const names = new Set(listing.split('\n').map((line) => line.split(' ')[0]));
    return this.plan.places.filter((place) => names.has(this.namespaceOf(place)));
  }

  /** Removes the names; a namespace and its interfaces end with the last process in it. */
  async remove(): Promise<void> {
    const present = await this.present();
    await this.#batch(present.map((place) => `netns delete ${this.namespaceOf(place)}`));
  }

  async #batch(commands: readonly string[], place?: Place): Promise<void> {
    if (commands.length === 0) return;
    const inPlace = place === undefined ? [] : ['-n', this.namespaceOf(place)];
    await runOrThrow([...this.#enter, 'ip', ...inPlace, '-batch', '-'], {
      input: `${commands.join('\n')}\n`,
    });
  }

  /** Before there are interfaces: new ones take over the defaults. No address waits for duplicate detection. */
  async #setKernelParameters(place: Place): Promise<void> {
    const forward = this.plan.forwarding.includes(place) ? 1 : 0;
    const parameters = {
      'ipv6/conf/default/accept_dad': 0,
      'ipv6/conf/all/disable_ipv6': 0,
      'ipv6/conf/default/disable_ipv6': 0,
      'ipv4/ip_forward': forward,
      'ipv6/conf/all/forwarding': forward,
    };
    const script = Object.entries(parameters).map(([key, value]) => `echo ${value} > /proc/sys/net/${key}`);
    await this.runOrThrow(place, ['sh', '-ec', script.join('\n')]);
  }

  #linkCommand([one, other]: Link): string {
    const mtu = Math.min(one.mtu ?? ETHERNET_MTU, other.mtu ?? ETHERNET_MTU);
    const near = `name ${one.name} mtu ${mtu} netns ${this.namespaceOf(one.place)}`;
    const far = `name ${other.name} mtu ${mtu} netns ${this.namespaceOf(other.place)}`;
    return `link add ${near} type veth peer ${far}`;
  }

  #placeCommands(place: Place): string[] {
    const interfaces = this.plan.links.flat().filter((end) => end.place === place);
    return [
      'link set lo up',
      ...interfaces.flatMap(({ name, addresses }) => [
        `link set ${name} up`,
        ...addresses.map(
          (address) => `address add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`,
        ),
      ]),
      ...(this.plan.routes[place] ?? []).map(routeCommand),
    ];
  }
}

function routeCommand(route: string): string {
  return `route add ${route}`;
}
