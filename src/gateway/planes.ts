// The planes of a gateway, joined: the databases of RFC 4301 §4.4, IKE where there is any, and what the data plane says. It
// knows no host, no device and no management, and is given time and chance: gateway.ts puts it into a host, test/simnet
// into a network in memory.

import type { Address } from '../base/address.ts';
import type { Time } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { CryptoProvider } from '../crypto/ike-crypto.ts';
import type { DataPlane } from '../dataplane/data-plane.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import { Sad, type SadParts } from '../sad/sad.ts';
import type { AuditFile } from './audit-file.ts';
import type { Chance } from './chance.ts';
import type { DataPlaneEvents } from './data-plane-events.ts';
import { IkeKeying } from './ike-keying.ts';
import { IkeObserver } from './ike-observer.ts';
import { IkeSaViews } from './ike-sa-views.ts';
import { LiveDatabases, type HostEffects } from './live-databases.ts';
import type { KeyedPolicy } from './manual-keying.ts';
import { PeerPaths, type PeerPathsParts } from './peer-paths.ts';
import { SequenceSupply } from './sequence-supply.ts';

/** How often larval SAs are looked at. */
const LARVAL_TICK_MS = 1000;

export interface PlanesParts {
  readonly logs: { readonly ike: Logger; readonly esp: Logger; readonly config: Logger };
  readonly time: Time;
  readonly chance: Chance;
  readonly crypto: CryptoProvider;
  readonly dataPlane: Pick<DataPlane, 'send' | 'workers' | 'ikeSockets' | 'acquaintances'>;
  /** What the data plane says is taken from here. */
  readonly events: DataPlaneEvents;
  readonly audits?: AuditFile | undefined;
  readonly lockKeys?: SadParts['lockKeys'];
  /** @param espRoom bytes of the largest ESP packet; undefined: not known any more */
  readonly onPathMtu: (peer: string, espRoom: number | undefined) => void;
  /** Addresses that this host has now. */
  readonly localAddresses: () => readonly Address[];
  /** See {@link PeerPathsParts}. */
  readonly resolve: PeerPathsParts['resolve'];
  readonly sourceTowards: PeerPathsParts['sourceTowards'];
}

export class Planes {
  readonly sad: Sad;
  readonly views: IkeSaViews;
  readonly observer: IkeObserver;
  /** undefined where there are no sockets for IKE. */
  readonly keying: IkeKeying | undefined;
  readonly #parts: PlanesParts;
  readonly #supply: SequenceSupply;
  readonly #endLarval: () => void;
  #databases: LiveDatabases | undefined;

  constructor(parts: PlanesParts) {
    this.#parts = parts;
    const { logs, time, chance, dataPlane, events } = parts;
    const now = time.monotonicMs;
    const sad = new Sad({
      now,
      random: chance.integer,
      lockKeys: parts.lockKeys,
      carrier: { apply: (commands) => dataPlane.send({ type: 'together', commands }) },
    });
    this.sad = sad;
    const nextBlockOf = sad.nextBlockOf.bind(sad);
    this.#supply = new SequenceSupply({ log: logs.esp, dataPlane, nextBlockOf });
    this.views = new IkeSaViews(sad, now);
    const hasChild = (spi: number): boolean => this.keying?.engine.hasChild(spi) === true;
    this.observer = new IkeObserver({ log: logs.ike, views: this.views, hasChild });
    const keying = dataPlane.ikeSockets.length === 0 ? undefined : this.#startKeying();
    this.keying = keying;
    events.connect({
      log: logs.esp,
      sad,
      supply: this.#supply,
      audits: parts.audits,
      onPathMtu: parts.onPathMtu,
      ...(keying && { onIke: keying.take.bind(keying), onPeerSeen: keying.peerSeen.bind(keying) }),
    });
    this.#endLarval = time.every(LARVAL_TICK_MS, () => {
      sad.tick();
    });
  }

  #startKeying(): IkeKeying {
    const { logs, time, chance, crypto, dataPlane, resolve, sourceTowards, localAddresses } = this.#parts;
    const { ikeSockets: sockets } = dataPlane;
    const now = time.monotonicMs;
    return new IkeKeying({
      log: logs.ike,
      time,
      random: chance.bytes,
      sad: this.sad,
      dataPlane,
      sockets,
      crypto,
      paths: new PeerPaths({ log: logs.ike, sockets, now, resolve, sourceTowards }),
      observer: this.observer,
      localAddresses,
    });
  }

  /** undefined before {@link install} is done. */
  get databases(): LiveDatabases | undefined {
    return this.#databases;
  }

  /** Puts the first configuration in force. Zeroes the keys. */
  async install(
    config: GatewayConfig,
    keys: readonly KeyedPolicy[],
    host: HostEffects,
  ): Promise<LiveDatabases> {
    const { logs, dataPlane } = this.#parts;
    const { sad, keying } = this;
    const parts = { log: logs.config, sad, dataPlane, host, ...(keying && { keying }) };
    this.#databases = await LiveDatabases.install(parts, config, keys);
    return this.#databases;
  }

  /** Packets are carried from now on: makes the SAs that are not to wait for one. */
  begin(): void {
    this.keying?.begin();
  }

  /** Tells every peer that its SAs are deleted, for a bounded time. */
  async farewell(): Promise<void> {
    await this.keying?.stop();
  }

  /** Nothing is looked at or reserved any more. */
  stop(): void {
    this.#supply.stop();
    this.#endLarval();
  }
}
