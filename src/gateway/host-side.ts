// What the gateway sets in its host: the guard and the routes. While policies change the guard is that of both, the old
// and the new ones; who calls keeps the order (live-databases.ts). One object knows what was planned, so that the next
// policies change only what differs.

import { EnvironmentError } from '../base/errors.ts';
import { monotonicMs } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { clearTunNameOf } from '../host/clear-tun-name.ts';
import { addGuardCounts, applyGuard, hasGuard, removeFormerGuard, removeGuard } from '../host/guard.ts';
import { readFormerGuardCounts, readGuardCounts } from '../host/guard.ts';
import { NO_GUARD_COUNTS, type GuardCounts } from '../host/guard.ts';
import { planGuard, planGuardOfBoth, type GuardPlanInput } from '../host/guard-plan.ts';
import { isIpv6Enabled, readHostFacts, type HostFacts, type PeerPath } from '../host/host-facts.ts';
import { applyHostNetwork, closeHostNetwork, removeHostNetwork } from '../host/host-network.ts';
import { planHostNetwork, type HostNetworkPlan } from '../host/host-plan.ts';
import { hostWarnings } from '../host/host-warnings.ts';
import { queryNft, type NftObject } from '../host/nft-command.ts';
import { limitRoutes } from '../host/route-mtu.ts';
import type { HostFootprint } from '../host/rule-plan.ts';
import type { GatewayConfig, PeerConfig } from '../management/config/gateway-config.ts';

/** What the guard has counted is read again after so long. */
const COUNTS_LAST_MS = 1000;

export class HostSide {
  /** What was applied last. */
  #config: GatewayConfig;
  readonly #log: Logger;
  readonly #hasNft: boolean;
  /** True where a former run, or `isthmus guard`, had closed the host already. */
  readonly #wasClosed: boolean;
  #footprint: HostFootprint;
  #tunMtu: number | undefined;
  #ruleset = '';
  /** The guard of the policies from before stands beside it. */
  #isOfBoth = false;
  /** What guards counted that were replaced. */
  #counts: GuardCounts = NO_GUARD_COUNTS;
  #current: Promise<GuardCounts> = Promise.resolve(NO_GUARD_COUNTS);
  #askedMs = Number.NEGATIVE_INFINITY;
  #isReady = false;
  /** What {@link planTunMtu} went by, for the first {@link applyRoutes}. */
  #found: HostFacts | undefined;
  /** Bytes of the largest ESP packet to each peer whose path is known to be narrow. */
  readonly #rooms = new Map<string, number>();

  private constructor(
    config: GatewayConfig,
    log: Logger,
    footprint: HostFootprint,
    found: { readonly hasNft: boolean; readonly wasClosed: boolean },
  ) {
    this.#config = config;
    this.#log = log;
    this.#footprint = footprint;
    this.#hasNft = found.hasNft;
    this.#wasClosed = found.wasClosed;
  }

  /**
   * Looks whether the host can be guarded; changes nothing.
   * @param mark firewall mark of the gateway's own datagrams; 0 = none
   * @throws EnvironmentError where the configuration wants a guard and nftables is missing
   */
  static async examine(config: GatewayConfig, mark: number, log: Logger): Promise<HostSide> {
    if (config.tun.traffic === 'all' && mark === 0)
      throw new EnvironmentError(
        'tun.traffic is all, and without the native addon nothing can mark the own datagrams: they would run in a circle; run `npm rebuild`',
      );
    const tables = await findTables(config, log);
    const found = {
      hasNft: tables !== undefined,
      wasClosed: tables !== undefined && hasGuard(tables, config.tun.name),
    };
    return new HostSide(config, log, footprintOf(config, mark), found);
  }

  /** True where a packet in clear that is routed back into the TUN is dropped there. */
  get endsCircles(): boolean {
    return this.#hasNft;
  }

  /** What the guard dropped, as of the last {@link #keepCounts}. */
  get counts(): GuardCounts {
    return this.#counts;
  }

  /** As of now, or of a second ago: whoever looks often does not start a program each time. Never rejects */
  currentCounts(): Promise<GuardCounts> {
    const nowMs = monotonicMs();
    if (nowMs - this.#askedMs < COUNTS_LAST_MS) return this.#current;
    this.#askedMs = nowMs;
    this.#current = this.#readAll().catch((error: unknown) => {
      this.#log.warn({ err: error }, 'what the guard has counted cannot be read');
      return this.#counts;
    });
    return this.#current;
  }

  /** Plans for the policies of the configuration. @returns bytes of the largest inner packet */
  async planTunMtu(): Promise<number> {
    this.#found = await this.#readFacts(this.#config);
    const plan = this.#plan(this.#config, this.#found, true);
    this.#tunMtu = plan.tunMtu;
    return plan.tunMtu;
  }

  /** The names that the kernel gave, before anything is applied. */
  useDevices(tunName: string, clearTunName: string): void {
    this.#footprint = { ...this.#footprint, tunName, clearTunName };
  }

  /**
   * First of all: from here on what arrives in clear must please the policies that hold and the next ones.
   * @param held undefined at the start
   */
  async guardBoth(held: GatewayConfig | undefined, next: GatewayConfig): Promise<void> {
    if (!this.#hasNft) {
      if (next.guardedInterfaces === undefined) return;
      throw new EnvironmentError('nftables was not there when the gateway started: restart it for a guard');
    }
    const input = this.#guardInput(next);
    const { ruleset } = planGuard(input);
    // Where it stands already, so does that of the policies that hold, or it is the same.
    if (ruleset === this.#ruleset) return;
    await this.#keepCounts();
    await applyGuard(held === undefined ? planGuard(input) : planGuardOfBoth(this.#guardInput(held), input));
    this.#isOfBoth = held !== undefined;
    this.#ruleset = ruleset;
  }

  /** Last of all: the policies from before have no say any more. */
  async guardNextAlone(): Promise<void> {
    if (!this.#isOfBoth) return;
    const { tunName } = this.#footprint;
    this.#counts = addGuardCounts(this.#counts, await readFormerGuardCounts(tunName));
    await removeFormerGuard(tunName);
    this.#isOfBoth = false;
  }

  #guardInput({ guardedInterfaces, udp, policies }: GatewayConfig): GuardPlanInput {
    return { ...this.#footprint, interfaces: guardedInterfaces, listen: udp.listen, policies };
  }

  /** Counters that are replaced begin anew. */
  async #keepCounts(): Promise<void> {
    this.#counts = await this.#readAll();
  }

  async #readAll(): Promise<GuardCounts> {
    const { tunName } = this.#footprint;
    let counts = this.#counts;
    if (this.#ruleset !== '') counts = addGuardCounts(counts, await readGuardCounts(tunName));
    if (this.#isOfBoth) counts = addGuardCounts(counts, await readFormerGuardCounts(tunName));
    return counts;
  }

  /** The path to a peer has another MTU; the next {@link applyRoutes} goes by it. @param room undefined: unknown */
  learnPath(peer: string, room: number | undefined): void {
    if (room === undefined) this.#rooms.delete(peer);
    else this.#rooms.set(peer, room);
  }

  /** Once the policies are in force: packets are led to the TUN. */
  async applyRoutes(next: GatewayConfig): Promise<void> {
    const facts = await this.#factsFor(next);
    const plan = this.#plan(next, facts, this.#isReady);
    const complaints = await applyHostNetwork(plan, this.#isReady);
    for (const line of complaints) this.#log.warn(line);
    this.#config = next;
    this.#isReady = true;
  }

  /** Guard and unreachable routes with no gateway behind them. */
  async close(): Promise<void> {
    const plan = this.#plan(this.#config, await this.#readFacts(this.#config), true);
    await this.guardBoth(undefined, this.#config);
    await closeHostNetwork(plan);
  }

  /** At the start they were read a moment ago; only the TUN has come since. */
  async #factsFor(next: GatewayConfig): Promise<HostFacts> {
    const found = this.#found;
    if (found === undefined) return this.#readFacts(next);
    this.#found = undefined;
    return { ...found, ipv6Enabled: await isIpv6Enabled(this.#footprint.tunName) };
  }

  async #readFacts({ peers }: GatewayConfig): Promise<HostFacts> {
    const known = peers.flatMap(({ name, address, otherAddresses }) =>
      (address === undefined ? [] : [address, ...otherAddresses]).map((one) => ({ name, address: one })),
    );
    const found = await readHostFacts({ ...this.#footprint, peers: known });
    return { ...found, paths: found.paths.map((path) => withConfiguredMtu(path, peers)) };
  }

  #plan(config: GatewayConfig, facts: HostFacts, says: boolean): HostNetworkPlan {
    const { tun, guardedInterfaces, policies } = config;
    const planned = planHostNetwork({
      ...this.#footprint,
      traffic: tun.traffic,
      configuredMtu: this.#tunMtu ?? tun.mtu,
      unprotected: guardedInterfaces,
      policies,
      facts,
    });
    const plan = { ...planned, routes: limitRoutes(planned.routes, policies, this.#rooms) };
    if (says) {
      for (const line of plan.explanations) this.#log.info(line);
      for (const line of hostWarnings(facts, plan, {
        guardedInterfaces,
        policies,
        marksArriving: this.#hasNft,
      }))
        this.#log.warn(line);
    }
    return plan;
  }

  /**
   * The first part of the end: routes go, or stay closed. It stays closed where nobody asked for the end; where the
   * start failed, everything is as it was before.
   * @param wasAsked true: somebody told the gateway to stop
   */
  async endRoutes(wasAsked: boolean): Promise<void> {
    if (this.#hasNft) await this.#keepCounts();
    if (this.#opens(wasAsked)) {
      await removeHostNetwork(this.#footprint);
      return;
    }
    this.#log.info(
      'guard and unreachable routes stay: `isthmus cleanup` takes them away, gateway.on_stop: open does so at each stop',
    );
  }

  /** The last part: no packet is carried any more, and the guard may go. */
  async endGuard(wasAsked: boolean): Promise<void> {
    if (this.#hasNft && this.#opens(wasAsked)) await removeGuard(this.#footprint.tunName);
  }

  #opens(wasAsked: boolean): boolean {
    return this.#isReady ? wasAsked && this.#config.onStop === 'open' : !this.#wasClosed;
  }

  /** Takes everything away, the guard last. @returns what was removed, one line each */
  async open(): Promise<string[]> {
    const removed = [...(await removeHostNetwork(this.#footprint, { persistentTun: true }))];
    if (this.#hasNft && (await removeGuard(this.#footprint.tunName)))
      removed.push(`guard of ${this.#footprint.tunName}`);
    return removed;
  }
}

function footprintOf({ tun }: GatewayConfig, mark: number): HostFootprint {
  return { tunName: tun.name, clearTunName: clearTunNameOf(tun.name), mark };
}

/** Without a guard to set, nftables only marks own datagrams and ends circles; then it may be missing: undefined. */
async function findTables(
  { guardedInterfaces }: GatewayConfig,
  log: Logger,
): Promise<readonly NftObject[] | undefined> {
  try {
    return (await queryNft(['tables'])) ?? [];
  } catch (error) {
    if (guardedInterfaces !== undefined || !(error instanceof EnvironmentError)) throw error;
    log.info(
      { reason: error.message },
      'guard: none, and no nftables: own datagrams are not marked as they arrive',
    );
    return undefined;
  }
}

/** RFC 4301 §8.2.1: the administrator may know the path better than the route does. */
function withConfiguredMtu(path: PeerPath, peers: readonly PeerConfig[]): PeerPath {
  const configured = peers.find(({ name }) => name === path.peer.name)?.pathMtu;
  return configured === undefined ? path : { ...path, mtu: configured };
}
