// The SPD and the SAD of a gateway that runs, and every change of them: at the start, by an edit of the policies, or
// by a new configuration file. A change is checked whole before anything of it happens. RFC 4301 §4.4.1, §4.4.2. Then:
//
//   guard of old and new policies ─► policies and SAs, between two batches ─► routes ─► guard of the new ones alone
//
// So the guard closes first and opens last, and a route into the TUN goes only when no policy in force needs it. Where a
// step fails, those behind it are left out: all that was done so far has closed, and not opened.

import { ConfigError, EnvironmentError, InvariantError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Command } from '../dataplane/commands.ts';
import type { DataPlane } from '../dataplane/data-plane.ts';
import type { GatewayConfig, PeerConfig, PolicyConfig } from '../management/config/gateway-config.ts';
import type { Sad } from '../sad/sad.ts';
import type { SadEdit } from '../sad/sad-edit.ts';
import type { SaIdentifier } from '../sad/sa-record.ts';
import { compileSpd, type CompiledSpd } from '../spd/compiled-spd.ts';
import { PolicyHitTotals } from '../spd/policy-hits.ts';
import type { SpdS } from '../spd/spd-edit.ts';
import { changedFixedSettings } from './fixed-settings.ts';
import { endpointOf, manualSas, readManualKeys, zeroKeys, type KeyedPolicy } from './manual-keying.ts';
import { describePair, planManualSas, type ManualPair, type ManualPlan } from './manual-plan.ts';

/** What the host is given around a change of the data plane. */
export interface HostEffects {
  /** What arrives in clear must please the policies that hold (undefined at the start) and the next ones. */
  guardBoth(held: GatewayConfig | undefined, next: GatewayConfig): Promise<void>;
  /** Packets are led to the policies in force. */
  lead(next: GatewayConfig): Promise<void>;
  /** What arrives in clear must please the policies in force, and no others. */
  guardNextAlone(): Promise<void>;
}

/** Who makes the SAs that are not keyed by hand. */
export interface Keying {
  /**
   * Reads what the configuration names, and changes nothing yet.
   * @throws ConfigError where a secret is missing or wrong
   */
  prepare(next: GatewayConfig): PreparedKeying;
}

export interface PreparedKeying {
  /** The policies are in force. */
  commit(): void;
  /** They were refused. */
  abandon(): void;
}

export interface LiveDatabasesParts {
  readonly log: Logger;
  readonly sad: Sad;
  readonly dataPlane: Pick<DataPlane, 'send' | 'workers'>;
  readonly host: HostEffects;
  /** Left out where everything is keyed by hand. */
  readonly keying?: Keying;
}

/** The snapshot that a packet path starts with has 1. */
const FIRST_GENERATION = 2;

export class LiveDatabases {
  readonly hits: PolicyHitTotals = new PolicyHitTotals();
  readonly #parts: LiveDatabasesParts;
  #config: GatewayConfig;
  #spd: CompiledSpd | undefined;
  /** False until the first configuration was put in force. */
  #isInForce = false;
  #pairs: ReadonlyMap<string, ManualPair> = new Map();
  /** Inbound keys that an SA of this process had: a new SA under one of them has forgotten what was received. */
  readonly #usedInboundKeys = new Set<string>();
  #generation = FIRST_GENERATION;
  /** Changes take turns. Never rejects. */
  #turn: Promise<unknown> = Promise.resolve();
  #waitingRefresh: Promise<void> | undefined;

  private constructor(parts: LiveDatabasesParts, config: GatewayConfig) {
    this.#parts = parts;
    this.#config = config;
  }

  /** Puts the first configuration in force. Zeroes the keys. */
  static async install(
    parts: LiveDatabasesParts,
    config: GatewayConfig,
    keys: readonly KeyedPolicy[],
  ): Promise<LiveDatabases> {
    const live = new LiveDatabases(parts, config);
    await live.#apply(config, keys);
    return live;
  }

  /** What packets meet. */
  get spd(): CompiledSpd {
    if (this.#spd === undefined) throw new InvariantError('no policies are in force');
    return this.#spd;
  }

  get config(): GatewayConfig {
    return this.#config;
  }

  /**
   * Puts another configuration in force; where it is refused, nothing has changed.
   * @throws ConfigError or EnvironmentError with lines that say why
   */
  async use(next: GatewayConfig): Promise<void> {
    await this.#inTurn(() => this.#use(next));
  }

  /** Puts edited policies in force, see spd/spd-edit.ts. @throws what `edit` throws, and what {@link use} does */
  async editPolicies(edit: (spd: SpdS<PolicyConfig>) => SpdS<PolicyConfig>): Promise<void> {
    await this.#inTurn(() => this.#use({ ...this.#config, policies: edit(this.#config.policies) }));
  }

  /** Leads packets once more as the configuration says, because the host has learned something. */
  async refreshRoutes(): Promise<void> {
    // One that waits sees all that was learned before its turn.
    this.#waitingRefresh ??= this.#inTurn(() => {
      this.#waitingRefresh = undefined;
      return this.#parts.host.lead(this.#config);
    });
    await this.#waitingRefresh;
  }

  async #inTurn(change: () => Promise<void>): Promise<void> {
    const changed = this.#turn.then(change);
    this.#turn = changed.catch(() => undefined);
    await changed;
  }

  async #use(next: GatewayConfig): Promise<void> {
    const fixed = changedFixedSettings(this.#config, next);
    if (fixed.length > 0)
      throw new ConfigError(
        `${next.file}: found another value of ${fixed.join(', ')}, expected what the gateway was started with; restart it`,
      );
    // Its packets would wait for SAs that nobody makes.
    const wantsIke = next.policies.some(({ sa }) => sa?.keying === 'ike');
    if (wantsIke && this.#parts.keying === undefined)
      throw new ConfigError(
        `${next.file}: found policies that IKE keys, expected none: the gateway was started with SAs keyed by hand alone, and has not opened IKE's sockets; write a peer with ike, or take those policies away, and restart it`,
      );
    await this.#apply(next, readManualKeys(next, this.#parts.log));
  }

  async #apply(next: GatewayConfig, keys: readonly KeyedPolicy[]): Promise<void> {
    const { sad, dataPlane, host, log, keying } = this.#parts;
    let prepared: PreparedKeying | undefined;
    try {
      prepared = keying?.prepare(next);
      const pairs = new Map(
        keys.map((entry) => [
          entry.policy.name,
          describePair(entry, endpointOf(next, entry.specification.peer)),
        ]),
      );
      const plan = planManualSas(this.#pairs, pairs, (sa) => this.#isThere(sa));
      const sas = await manualSas(
        next,
        plan.missing.map(({ entry }) => entry),
      );
      const edits: SadEdit[] = [...plan.edits, ...sas.map((sa): SadEdit => ({ type: 'add', sa }))];
      await host.guardBoth(this.#isInForce ? this.#config : undefined, next);
      const generation = this.#generation++;
      const spd = compileSpd(generation, next.policies, next.icmpErrors, dataPlane.workers);
      await sad.edit(edits, (changes) =>
        dataPlane.send({
          type: 'together',
          commands: [
            ...next.peers.map((peer) => describePeer(peer, this.#config, next)),
            ...changes,
            { type: 'use-policies', spd },
          ],
        }),
      );
      this.#config = next;
      this.#spd = spd;
      this.hits.use(spd);
      this.#isInForce = true;
      this.#pairs = pairs;
      prepared?.commit();
      prepared = undefined;
      sad.traffic.keepOnly(new Set(next.policies.map(({ name }) => name)));
      this.#warn(plan);
      await this.#lead(next);
      log.debug({ generation, policies: next.policies.length, changes: edits.length }, 'policies in force');
    } finally {
      prepared?.abandon();
      zeroKeys(keys);
    }
  }

  async #lead(next: GatewayConfig): Promise<void> {
    try {
      await this.#parts.host.lead(next);
      await this.#parts.host.guardNextAlone();
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error;
      throw new EnvironmentError(
        `policies and SAs are in force, but the host did not follow: ${error.message}`,
        {
          cause: error,
        },
      );
    }
  }

  #isThere(sa: SaIdentifier): boolean {
    return this.#parts.sad.has(sa);
  }

  #warn({ missing, ended }: ManualPlan): void {
    const { log } = this.#parts;
    for (const policy of ended)
      log.warn(
        { policy },
        'an SA of this policy has ended, and its key is the same: make new keys with isthmus keygen',
      );
    for (const { entry, inboundKeyId } of missing) {
      // RFC 4303 §3.4.3: the new window is empty.
      if (this.#usedInboundKeys.has(inboundKeyId))
        log.warn(
          { policy: entry.policy.name },
          'the new SA has the key of one before it: replayed packets may pass once; make new keys',
        );
      this.#usedInboundKeys.add(inboundKeyId);
    }
  }
}

/** Before the SAs, which look for their peers. A peer stays where it was seen, but where the file now says otherwise. */
function describePeer(peer: PeerConfig, before: GatewayConfig, next: GatewayConfig): Command {
  const { name, followAddress, pathMtu, natKeepaliveMs } = peer;
  const known = before.peers.find((other) => other.name === name);
  return {
    type: 'use-peer',
    peer: { name, followAddress, pathMtu, natKeepaliveMs },
    moveTo: describePlace(known) === describePlace(peer) ? undefined : (endpointOf(next, name) ?? 'unknown'),
  };
}

function describePlace(peer: PeerConfig | undefined): string {
  return JSON.stringify([
    peer?.address,
    peer?.otherAddresses,
    peer?.dnsName,
    peer?.port,
    peer?.followAddress,
  ]);
}
