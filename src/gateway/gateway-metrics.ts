// What the gateway counts, gathered for the metrics at the moment in which somebody asks: from live SAs, the configuration
// in force and the shared counters, so that no figure is older than its scrape.

import { Counter } from '../dataplane/counters.ts';
import type { GuardCounts } from '../host/guard.ts';
import { STORIES, type StoryName } from '../ike/stories.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import type {
  DropTotal,
  EventFigures,
  MetricsSource,
  PolicyFigures,
  ProcessFigures,
  TunnelFigures,
} from '../management/http/metrics/metrics-source.ts';
import type { Sad } from '../sad/sad.ts';
import type { PolicyHitTotals } from '../spd/policy-hits.ts';
import { dropTotals } from './drop-views.ts';
import type { IkeKeying } from './ike-keying.ts';
import type { IkeObserver } from './ike-observer.ts';
import { ProcessLook } from './process-figures.ts';

export interface GatewayMetricsParts {
  readonly version: string;
  readonly engine: string;
  readonly config: () => GatewayConfig;
  readonly sad: Pick<Sad, 'traffic'>;
  readonly hits: Pick<PolicyHitTotals, 'of'>;
  readonly keying: IkeKeying | undefined;
  readonly observer: Pick<IkeObserver, 'counters' | 'handshakes'>;
  /** Of all workers. */
  readonly counters: () => Float64Array;
  /** What the guard has dropped; asks the kernel. */
  readonly guardCounts: () => Promise<GuardCounts>;
}

export class GatewayMetrics implements MetricsSource {
  readonly #parts: GatewayMetricsParts;
  readonly #process = new ProcessLook();
  /** While a guard is replaced its counts are nowhere for a moment. */
  readonly #mostOfGuard = new Map<string, number>();

  constructor(parts: GatewayMetricsParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.config().name;
  }

  get version(): string {
    return this.#parts.version;
  }

  get engine(): string {
    return this.#parts.engine;
  }

  get tunnels(): Iterable<TunnelFigures> {
    return this.#tunnels();
  }

  *#tunnels(): Generator<TunnelFigures> {
    const { sad, config } = this.#parts;
    for (const { name, sa } of config().policies)
      if (sa !== undefined)
        yield {
          connection: sa.peer,
          child: name,
          sas: sad.traffic.sasOf(name),
          traffic: sad.traffic.of(name),
        };
  }

  get policies(): Iterable<PolicyFigures> {
    return this.#policies();
  }

  *#policies(): Generator<PolicyFigures> {
    for (const { name, action } of this.#parts.config().policies)
      if (action !== 'PROTECT') yield { policy: name, action, hits: this.#parts.hits.of(name) };
  }

  get ikeSas(): ReadonlyMap<string, number> {
    const { keying } = this.#parts;
    const counts = new Map((keying?.connections ?? []).map(({ name }) => [name, 0]));
    for (const { phase, connection } of keying?.engine.states ?? [])
      if (phase === 'established' && connection !== undefined)
        counts.set(connection.name, (counts.get(connection.name) ?? 0) + 1);
    return counts;
  }

  get halfOpenIkeSas(): number {
    return this.#parts.keying?.engine.halfOpenCount ?? 0;
  }

  get cookiesAsked(): number {
    return this.#parts.keying?.engine.cookiesAsked ?? 0;
  }

  get packets(): MetricsSource['packets'] {
    return { out: this.#count('outboundPackets'), in: this.#count('inboundPackets') };
  }

  get otherPackets(): ReadonlyMap<string, number> {
    return new Map([
      ['bypass-out', this.#count('outboundBypassPackets')],
      ['bypass-in', this.#count('inboundBypassPackets')],
      ['nat-keepalive-in', this.#count('natKeepalives')],
      ['nat-keepalive-out', this.#count('natKeepalivesSent')],
      ['dummy-out', this.#count('outboundDummies')],
      ['too-big-message', this.#count('tooBigMessages')],
      ['ike-datagram-in', this.#count('ikeDatagrams')],
      ['ike-datagram-out', this.#count('ikeDatagramsSent') + this.#count('ikeDatagramsSentAtOnce')],
    ]);
  }

  get busyPollSeconds(): number {
    return this.#count('busyPolledMs') / 1000;
  }

  get ikeMessages(): ReadonlyMap<string, number> {
    return this.#parts.observer.counters.totals;
  }

  get ikeEvents(): Iterable<EventFigures> {
    const counts = this.#parts.keying?.engine.storyCounts;
    const names = Object.keys(STORIES) as StoryName[];
    return names.map((event) => ({ event, level: STORIES[event].level, count: counts?.get(event) ?? 0 }));
  }

  get handshakes(): MetricsSource['handshakes'] {
    return this.#parts.observer.handshakes.figures;
  }

  get process(): ProcessFigures {
    return this.#process.take();
  }

  async drops(): Promise<Iterable<DropTotal>> {
    const { counters, keying } = this.#parts;
    await this.#readGuard();
    return dropTotals(counters(), keying?.drops, Object.fromEntries(this.#mostOfGuard));
  }

  async #readGuard(): Promise<void> {
    const { drops } = await this.#parts.guardCounts();
    for (const [name, count] of Object.entries(drops))
      this.#mostOfGuard.set(name, Math.max(count, this.#mostOfGuard.get(name) ?? 0));
  }

  stop(): void {
    this.#process.stop();
  }

  #count(name: keyof typeof Counter): number {
    return this.#parts.counters()[Counter[name]] ?? 0;
  }
}
