// The gateway as management sees it: joins IKE, the SAD and the configuration in force to one interface to read and act.

import { readFileSync } from 'node:fs';
import { monotonicMs, wallClockMs } from '../base/clock.ts';
import { packageFile } from '../base/package-file.ts';
import { listenToLog, type Logger, type LogLevel } from '../base/log.ts';
import type { LogLevels, Subsystem, SubsystemLevel } from '../base/log-levels.ts';
import { Counter } from '../dataplane/counters.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import type { PageGateway } from '../management/http/page-gateway.ts';
import type { LadderStep } from '../management/http/page-state.ts';
import type { LoadedEdit, LoadedThings } from '../management/loading/loaded-things.ts';
import type { CaptureRequest, RunningCapture } from '../management/capture/capture-request.ts';
import type { Explanation, ImaginedPacket } from '../management/vici/extensions/explain.ts';
import type { PageStatus } from '../management/vici/extensions/page.ts';
import { peerStatus } from '../management/vici/extensions/peer-status.ts';
import type { DropStatus, PrivilegeStatus, Traffic, Trouble } from '../management/vici/extensions/status.ts';
import type {
  CertificateView,
  ConnectionView,
  IkeSaView,
  LogListener,
  PolicyView,
  SaEvent,
  StatsView,
  ViciGateway,
} from '../management/vici/vici-gateway.ts';
import { peerOf } from '../ike/connection.ts';
import type { IkeDrops } from '../ike/ike-engine-parts.ts';
import type { IkeSaState } from '../ike/ike-sa-state.ts';
import type { GuardCounts } from '../host/guard.ts';
import { capabilityNames, readPrivileges } from '../host/process-privileges.ts';
import type { Sad } from '../sad/sad.ts';
import type { Captures } from './capture/captures.ts';
import type { ConfigLayers } from './config-layers.ts';
import { reload } from './reload.ts';
import { viewCertificates, viewConnections, viewPolicies } from './config-views.ts';
import type { CompiledSpd } from '../spd/compiled-spd.ts';
import { viewDrops, viewGuardDrops } from './drop-views.ts';
import type { PolicyHitTotals } from '../spd/policy-hits.ts';
import { explainPacket } from './explain/explain-packet.ts';
import type { IkeKeying } from './ike-keying.ts';
import type { IkeObserver } from './ike-observer.ts';
import type { IkeSaViews } from './ike-sa-views.ts';
import { ManualSaViews } from './manual-sa-views.ts';
import type { Troubles } from './troubles.ts';

const { version: VERSION } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as {
  readonly version: string;
};

export interface ManagedGatewayParts {
  readonly log: Logger;
  readonly levels: LogLevels;
  readonly sad: Pick<Sad, 'dump' | 'outbound' | 'inbound' | 'traffic'>;
  readonly config: () => GatewayConfig;
  readonly layers: ConfigLayers;
  readonly spd: () => CompiledSpd;
  readonly hits: Pick<PolicyHitTotals, 'of'>;
  /** Undefined where everything is keyed by hand. */
  readonly keying: IkeKeying | undefined;
  readonly observer: IkeObserver;
  readonly views: IkeSaViews;
  readonly troubles: Troubles;
  /** Of all workers. */
  readonly counters: () => Float64Array;
  readonly captures: Captures;
  /** Of packets in clear, as the kernel counts them. */
  readonly guardCounts: () => Promise<GuardCounts>;
  readonly page: () => PageStatus;
  /** Name of the TUN. */
  readonly tun: string;
  /** Who seals packets, and whose algorithms IKE uses. */
  readonly implementations: { readonly esp: string; readonly ike: string };
}

const NO_DROPS: IkeDrops = { malformed: 0, ikeV1: 0, unknownSpi: 0, flooded: 0, tooLong: 0, failed: 0 };

export class ManagedGateway implements PageGateway {
  readonly #parts: ManagedGatewayParts;
  readonly #startedMs = wallClockMs();
  readonly #sinceMs = monotonicMs();
  readonly #manual = new ManualSaViews();

  constructor(parts: ManagedGatewayParts) {
    this.#parts = parts;
  }

  get version(): string {
    return VERSION;
  }

  get implementations(): ViciGateway['implementations'] {
    return this.#parts.implementations;
  }

  get stats(): StatsView {
    const { esp, ike } = this.#parts.implementations;
    return {
      startedMs: this.#startedMs,
      runningMs: monotonicMs() - this.#sinceMs,
      ikeSas: this.#states.length,
      halfOpenIkeSas: this.#states.filter(({ phase }) => HALF_OPEN.has(phase)).length,
      parts: [esp, ike],
    };
  }

  get name(): string {
    return this.#parts.config().name;
  }

  get file(): string {
    return this.#parts.config().file;
  }

  get tun(): string {
    return this.#parts.tun;
  }

  get privileges(): PrivilegeStatus {
    const { uid, permitted } = readPrivileges();
    return { uid, capabilities: capabilityNames(permitted) };
  }

  get page(): PageStatus {
    return this.#parts.page();
  }

  get packets(): { readonly out: number; readonly in: number } {
    const counters = this.#parts.counters();
    return { out: counters[Counter.outboundPackets] ?? 0, in: counters[Counter.inboundPackets] ?? 0 };
  }

  get drops(): readonly DropStatus[] {
    return viewDrops(this.#parts.counters(), this.#parts.keying?.drops);
  }

  async guardDrops(): Promise<readonly DropStatus[]> {
    return viewGuardDrops(await this.#parts.guardCounts());
  }

  troubleOf(peer?: string): Trouble | undefined {
    return this.#parts.troubles.of(peer);
  }

  secondsSinceMade(policy: string): number | undefined {
    return this.#parts.views.secondsSinceMade(policy);
  }

  explain(packet: ImaginedPacket): Explanation {
    const { sad, config, spd } = this.#parts;
    const whyDown = (policy: string): string | undefined => this.#whyDown(policy);
    return explainPacket({ config: config(), spd: spd(), sad, whyDown }, packet);
  }

  #whyDown(policy: string): string | undefined {
    const connection = this.connections.find(({ children }) => children.some(({ name }) => name === policy));
    if (connection === undefined) return undefined;
    const ikeSas = [...this.#viewIkeSas()].filter(({ name }) => name === connection.name);
    return peerStatus(connection, ikeSas, this).tunnels.find(({ name }) => name === policy)?.why;
  }

  get securityAssociations(): ReturnType<Sad['dump']> {
    return this.#parts.sad.dump();
  }

  trafficOf(policy: string): Traffic {
    return this.#parts.sad.traffic.of(policy);
  }

  hitsOf(policy: string): Traffic {
    return this.#parts.hits.of(policy);
  }

  /** The last messages of IKE with a peer. */
  ladderOf(peer: string): readonly LadderStep[] {
    return this.#parts.observer.history.of(peer);
  }

  get #states(): readonly IkeSaState[] {
    return this.#parts.keying?.engine.states ?? [];
  }

  get ikeSas(): Iterable<IkeSaView> {
    return this.#viewIkeSas();
  }

  *#viewIkeSas(): Generator<IkeSaView> {
    const { views, sad, config } = this.#parts;
    for (const state of this.#states)
      if (state.phase !== 'closed') yield views.viewIkeSa(state, peerOf(state));
    yield* this.#manual.view(sad.dump(), config(), (policy) => views.requestNumber(policy));
  }

  hasIkeSa(uniqueId: number): boolean {
    return this.#parts.views.ikeNumbers.keyOf(uniqueId) !== undefined;
  }

  hasChildSa(uniqueId: number): boolean {
    return this.#parts.views.childNumbers.keyOf(uniqueId) !== undefined;
  }

  get connections(): readonly ConnectionView[] {
    return viewConnections(this.#parts.config(), this.#parts.keying?.connections ?? []);
  }

  get policies(): readonly PolicyView[] {
    return viewPolicies(this.#parts.config());
  }

  get certificates(): readonly CertificateView[] {
    return viewCertificates(this.#parts.keying?.connections ?? [], this.#parts.layers.loaded);
  }

  get loaded(): LoadedThings {
    return this.#parts.layers.loaded;
  }

  changeLoaded(edit: LoadedEdit, wanted: readonly string[] = []): Promise<void> {
    return this.#parts.layers.change(edit, wanted);
  }

  reload(): Promise<readonly string[]> {
    return reload(this.#parts.layers, this.#parts.levels.of('config'));
  }

  get counters(): ReadonlyMap<string, number> {
    return this.#parts.observer.counters.read(this.#parts.keying?.drops ?? NO_DROPS);
  }

  resetCounters(): void {
    this.#parts.observer.counters.reset(this.#parts.keying?.drops ?? NO_DROPS);
  }

  async initiate(policy: string): Promise<boolean> {
    const { keying, observer } = this.#parts;
    if (keying === undefined) return false;
    // Before it is asked for: the answer may be there at once.
    const made = observer.nextChild(policy);
    if (!keying.engine.initiate(policy)) observer.childDone({ policy, trigger: undefined, child: undefined });
    return made;
  }

  endIkeSa(uniqueId: number, force: boolean): void {
    const spi = this.#parts.views.ikeNumbers.keyOf(uniqueId);
    if (spi !== undefined) this.#parts.keying?.engine.endIke(spi, !force);
  }

  endChildSa(uniqueId: number): void {
    const spi = this.#parts.views.childNumbers.keyOf(uniqueId);
    if (spi !== undefined) this.#parts.keying?.engine.deleteChild(spi);
  }

  rekeyIkeSa(uniqueId: number): void {
    const spi = this.#parts.views.ikeNumbers.keyOf(uniqueId);
    if (spi !== undefined) this.#parts.keying?.engine.rekeyIke(spi);
  }

  rekeyChildSa(uniqueId: number): void {
    const spi = this.#parts.views.childNumbers.keyOf(uniqueId);
    if (spi !== undefined) this.#parts.keying?.engine.rekeyChild(spi);
  }

  capture(request: CaptureRequest): Promise<RunningCapture> {
    return this.#parts.captures.start(request);
  }

  endCapture(id: number): boolean {
    return this.#parts.captures.askForEnd(id);
  }

  get logLevels(): readonly SubsystemLevel[] {
    return this.#parts.levels.all;
  }

  useLogLevel(subsystem: Subsystem, level: LogLevel | undefined): void {
    this.#parts.levels.use(subsystem, level);
  }

  onLog(listener: LogListener): () => void {
    return listenToLog(this.#parts.log, listener);
  }

  onSaEvent(listener: (event: SaEvent) => void): () => void {
    return this.#parts.observer.onEvent(listener);
  }

  onChange(listener: () => void): () => void {
    return this.#parts.observer.onChange(listener);
  }
}

const HALF_OPEN: ReadonlySet<IkeSaState['phase']> = new Set(['connecting', 'half-open', 'authenticating']);
