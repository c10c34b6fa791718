// What a gateway still does while it is flooded: its tunnel gets new keys, it asks its peer whether that lives and is
// answered, its peer comes back, and one that it has never seen comes up.

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { untilRekeyed } from '../../../src/management/cli/control/rekeyed.ts';
import { ViciSession } from '../../../src/management/cli/control/vici-session.ts';
import { integerOf, section, type ViciSection } from '../../../src/management/vici/message.ts';
import { siteAddresses } from '../../topology/plan.ts';
import { PEERS_TUNNEL, STRANGER_ADDRESS, STRANGERS_GROUP, TUNNEL, type FloodSite } from './flood-site.ts';

const PROGRAM = fileURLToPath(new URL('one-handshake.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LIVENESS_ANSWERS = ['info-in-resp', 'info-out-resp'];
const LIMIT_SECONDS = 30;
const LIVENESS_LIMIT_MS = 20_000;
const POLL_MS = 250;
const resultSchema = z.object({ ms: z.number().optional() });

/** Milliseconds that each took. */
export interface StillWorks {
  /** Until one side had asked whether the other lives, and was answered. */
  readonly livenessMs: number;
  readonly childRekeyMs: number;
  readonly ikeRekeyMs: number;
  /** The peer of the tunnel ends its IKE SA, and makes another one. */
  readonly peerMs: number;
  /** A peer from an address that the configuration does not have; undefined: it gave up. */
  readonly strangerMs: number | undefined;
}

export class WorksProbe {
  readonly #site: FloodSite;
  readonly #target: ViciSession;
  readonly #peer: ViciSession;

  private constructor(site: FloodSite, target: ViciSession, peer: ViciSession) {
    this.#site = site;
    this.#target = target;
    this.#peer = peer;
  }

  /** Before the flood: of many clients those stay that have asked something. */
  static async open(site: FloodSite): Promise<WorksProbe> {
    const target = await ViciSession.open(site.viciSocket);
    await target.call('version');
    return new WorksProbe(site, target, await ViciSession.open(site.peerViciSocket));
  }

  close(): void {
    this.#target.close();
    this.#peer.close();
  }

  /** Without traffic in the tunnel. @throws Error where something of the tunnel is not done in time */
  async seeTunnel(): Promise<Omit<StillWorks, 'strangerMs'>> {
    return {
      livenessMs: await took(() => this.#untilAlive()),
      childRekeyMs: await took(() => untilRekeyed(this.#target, 'policy', TUNNEL.policy, LIMIT_SECONDS)),
      ikeRekeyMs: await took(() => untilRekeyed(this.#target, 'peer', TUNNEL.peer, LIMIT_SECONDS)),
      peerMs: await took(() => this.#makeAnew()),
    };
  }

  /** @returns milliseconds; undefined where the peer gave up */
  async seeStranger(): Promise<number | undefined> {
    const remote = siteAddresses.gwB.outside.ipv4;
    const node = ['env', '-C', ROOT, process.execPath, '--import', 'tsx', PROGRAM];
    const command = [...node, STRANGER_ADDRESS, remote, STRANGERS_GROUP];
    const output = await this.#site.topology.runOrThrow('wan', command);
    return resultSchema.parse(JSON.parse(output)).ms;
  }

  async #makeAnew(): Promise<void> {
    const timeout = LIMIT_SECONDS * 1000;
    const stream = (command: string, request: Record<string, string | number>): Promise<unknown> =>
      this.#peer.stream(command, 'control-log', section({ ...request, timeout }), () => undefined);
    await stream('terminate', { ike: PEERS_TUNNEL.peer });
    await stream('initiate', { child: PEERS_TUNNEL.policy });
  }

  async #untilAlive(): Promise<void> {
    const before = await this.#livenessAnswers();
    const deadlineMs = performance.now() + LIVENESS_LIMIT_MS;
    while ((await this.#livenessAnswers()) === before) {
      if (performance.now() > deadlineMs) throw new Error('no answer to the question whether the peer lives');
      await sleep(POLL_MS);
    }
  }

  /** To either side. */
  async #livenessAnswers(): Promise<number> {
    const counters = (await this.#target.call('get-counters')).get('counters');
    const all = counters instanceof Map ? (counters as ViciSection).get('') : undefined;
    if (!(all instanceof Map)) throw new Error('get-counters has no counters of the whole gateway');
    return LIVENESS_ANSWERS.reduce((sum, name) => sum + (integerOf(all as ViciSection, name) ?? 0), 0);
  }
}

async function took(what: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await what();
  return performance.now() - startMs;
}
