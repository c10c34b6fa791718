// IKE in a running gateway: what the data plane reports goes to the engine, and what the engine wants goes into the
// SAD and out by the sockets. RFC 4301 §4.4, §4.5; GETSPI, UPDATE and ADD of RFC 2367.

import { formatAddress, type Address } from '../base/address.ts';
import type { Time } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { CryptoProvider } from '../crypto/ike-crypto.ts';
import type { DataPlane } from '../dataplane/data-plane.ts';
import type { Acquire, IkeEvent } from '../dataplane/ike-events.ts';
import type { IkeSocket } from '../dataplane/ike-socket.ts';
import type { Connection, Path } from '../ike/connection.ts';
import type { ChildDone, Effect } from '../ike/effects.ts';
import { IkeEngine } from '../ike/ike-engine.ts';
import type { IkeDrops } from '../ike/ike-engine-parts.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import { readConnections, zeroSecrets } from './ike-connections.ts';
import { jittered } from './jittered-lifetime.ts';
import { KeyLog } from './key-log.ts';
import type { IkeObserver } from './ike-observer.ts';
import { IkePaths } from './ike-paths.ts';
import { LocalAddresses } from './local-addresses.ts';
import type { PeerPaths } from './peer-paths.ts';
import { triggerOf, WaitingAcquires } from './waiting-acquires.ts';
import type { Keying, PreparedKeying } from './live-databases.ts';
import { placesOf } from '../ike/peers.ts';
import { selectorsOf } from '../ike/traffic-selectors.ts';
import type { Sad, SaExpire } from '../sad/sad.ts';
import { SadError } from '../sad/sad-error.ts';
import type { SaDescription } from '../sad/sa-record.ts';
import type { Endpoint } from '../sad/security-association.ts';
import type { Policy } from '../spd/policy.ts';
import { ikeSpiBytes } from '../wire/ike/ike-spi.ts';
import { wholeSequenceSpace } from '../sad/sequence-counter.ts';

/** Packets of a policy that could not be keyed ask again after so long. */
const RETRY_AFTER_MS = 1000;
/** How long peers have to hear that their SAs are deleted. */
const FAREWELL_MS = 1000;

export interface IkeKeyingParts {
  readonly log: Logger;
  readonly time: Time;
  /** Bytes that nobody can guess. */
  readonly random: (bytes: number) => Uint8Array;
  readonly sad: Sad;
  readonly dataPlane: Pick<DataPlane, 'send' | 'acquaintances'>;
  readonly sockets: readonly IkeSocket[];
  readonly crypto: CryptoProvider;
  readonly paths: PeerPaths;
  /** Looks on for whoever wants to see. */
  readonly observer: IkeObserver;
  /** Addresses that this host has now. */
  readonly localAddresses: () => readonly Address[];
}

type Install = Extract<Effect, { readonly type: 'install-inbound' | 'install-outbound' }>;
type Remove = Extract<Effect, { readonly type: 'remove-inbound' | 'remove-outbound' }>;

export class IkeKeying implements Keying {
  readonly #parts: IkeKeyingParts;
  readonly #engine: IkeEngine;
  readonly #paths: IkePaths;
  readonly #acquires = new WaitingAcquires();
  #connections: readonly Connection[] = [];
  /** Those in force; they come in the moment in which the engine knows their connections. */
  #policies: ReadonlyMap<string, Policy> = new Map();
  #immediately: readonly string[] = [];
  #hasBegun = false;
  /** Nothing new begins; what is under way may end. */
  #isStopping = false;
  #hasStopped = false;
  readonly #addresses: LocalAddresses;
  #cancelTick: (() => void) | undefined;
  #keyLog: KeyLog | undefined;

  constructor(parts: IkeKeyingParts) {
    const { time, random } = parts;
    this.#parts = parts;
    this.#addresses = new LocalAddresses({
      time,
      look: parts.localAddresses,
      onChange: (isLocal) => {
        this.#engine.useLocalAddresses(isLocal);
      },
    });
    this.#paths = new IkePaths(parts.sockets);
    this.#engine = new IkeEngine({
      now: time.monotonicMs,
      wallClock: time.wallClockMs,
      random,
      crypto: parts.crypto,
      effects: {
        send: (path, datagram) => {
          this.#send(path, datagram);
        },
        getSpi: (peer) => parts.sad.getSpi(peer),
        releaseSpi: (spi) => {
          this.#watch(parts.sad.has({ direction: 'inbound', spi }) ? undefined : this.#release(spi));
        },
        spi: (spi, isThere) => {
          const { acquaintances } = parts.dataPlane;
          if (isThere) acquaintances.addSpi(ikeSpiBytes(spi));
          else acquaintances.removeSpi(ikeSpiBytes(spi));
        },
        install: (effect) => this.#install(effect),
        remove: (effect) => this.#remove(effect),
        move: (effect) => this.#move(effect),
        childDone: (done) => {
          this.#answer(done);
        },
        pathTo: (connection) => parts.paths.pathTo(connection),
        floatedPort: (path) => this.#paths.socketAt(path.localAddress, true)?.port ?? path.localPort,
        lastTrafficMs: (spis) => this.#lastTrafficMs(spis),
        wakeAt: (atMs) => {
          this.#wakeAt(atMs);
        },
        keyed: (ikeSa) => this.#keyLog?.addIkeSa(ikeSa),
        stepped: (before, event, after, done) => {
          parts.observer.stepped(before, event, after, done);
        },
        changed: (before, after) => {
          parts.observer.changed(before, after);
        },
        tell: (level, sentence, details) => {
          parts.log[level](details, sentence);
        },
      },
    });
    parts.sad.onExpire((expire) => {
      this.#expired(expire);
    });
  }

  get engine(): IkeEngine {
    return this.#engine;
  }

  get connections(): readonly Connection[] {
    return this.#connections;
  }

  /** Messages that were met with nothing, by reason. */
  get drops(): Readonly<IkeDrops> {
    return this.#engine.drops;
  }

  prepare(next: GatewayConfig): PreparedKeying {
    const before = this.#connections;
    const { keyLogDirectory } = next;
    const keyLog = keyLogDirectory === undefined ? undefined : KeyLog.open(keyLogDirectory, this.#parts.log);
    const connections = readConnections(next, this.#parts.log, before);
    const policies = new Map(next.policies.map((policy) => [policy.name, policy]));
    const immediately = next.policies
      .filter(({ ike }) => ike?.start === 'immediately')
      .map(({ name }) => name);
    return {
      commit: () => {
        this.#connections = connections;
        this.#policies = policies;
        this.#keyLog = keyLog;
        this.#engine.useConnections(connections);
        this.#parts.dataPlane.acquaintances.usePlaces(
          connections.flatMap(placesOf).map(({ bytes }) => bytes),
        );
        zeroSecrets(before.filter((one) => !connections.includes(one)));
        this.#immediately = immediately;
        if (this.#hasBegun) this.begin();
      },
      abandon: () => {
        zeroSecrets(connections.filter((one) => !before.includes(one)));
      },
    };
  }

  /** Packets are carried from now on: makes the SAs that are not to wait for one. */
  begin(): void {
    this.#hasBegun = true;
    this.#addresses.start();
    for (const policy of this.#immediately) this.#engine.ensure(policy);
  }

  /** What the data plane reports. */
  take(event: IkeEvent): void {
    switch (event.type) {
      case 'ike-datagram':
        this.#parts.observer.received(event.bytes);
        this.#engine.receive(event.bytes, this.#paths.of(event));
        return;
      case 'acquire':
        this.#acquire(event);
        return;
      case 'first-packet': {
        const spi = this.#parts.sad.inboundSpiOf(event.sa);
        if (spi !== undefined) this.#engine.firstPacket(spi);
        return;
      }
      case 'unknown-spi':
        this.#engine.unknownSpi(event.spi, this.#paths.of(event));
        return;
    }
  }

  /** Packets of a peer come from there now. */
  peerSeen(peer: string, { address, port }: Endpoint): void {
    this.#engine.peerSeen(peer, { family: address.length === 4 ? 4 : 6, bytes: address }, port);
  }

  /** Tells every peer that its SAs are deleted, for a bounded time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const peers = new Set(this.#engine.states.map(({ connection }) => connection?.name));
    for (const peer of peers) if (peer !== undefined) this.#engine.deleteIke(peer);
    const { time } = this.#parts;
    const endMs = time.monotonicMs() + FAREWELL_MS;
    while (this.#engine.states.length > 0 && time.monotonicMs() < endMs)
      await new Promise<void>((resolve) => time.after(10, resolve));
    this.#hasStopped = true;
    this.#wakeAt(Infinity);
    this.#addresses.stop();
    zeroSecrets(this.#connections);
  }

  #acquire({ id, policy, packet }: Acquire): void {
    if (this.#isStopping) return;
    const trigger = triggerOf(packet);
    this.#acquires.add(policy, { id, trigger });
    this.#engine.acquire(policy, trigger);
  }

  #answer(done: ChildDone): void {
    this.#parts.observer.childDone(done);
    for (const { id, isCarried } of this.#acquires.take(done))
      this.#watch(
        this.#parts.dataPlane.send({
          type: 'acquire-done',
          id,
          outcome: isCarried ? 'installed' : done.child === undefined ? 'failed' : 'left-out',
          retryAfterMs: isCarried ? 0 : RETRY_AFTER_MS,
        }),
      );
  }

  /** RFC 2367 §3.1.8: a soft limit asks for a replacement, a hard one has ended the SA. */
  #expired({ hard, sa }: SaExpire): void {
    if (!('policy' in sa) || sa.keying !== 'ikev2' || sa.mspi === undefined) return;
    if (hard) this.#engine.childEnded(sa.mspi);
    else this.#engine.rekeyChild(sa.mspi);
  }

  async #install(effect: Install): Promise<void> {
    const { child, peer, path, keyMaterial } = effect;
    const { sad, log } = this.#parts;
    const specification = this.#policies.get(child.policy)?.sa;
    const spi = effect.type === 'install-inbound' ? child.inboundSpi : child.outboundSpi;
    const { family } = path.remoteAddress;
    this.#keyLog?.addSa({ spi, transform: child.transform, keyMaterial, family });
    try {
      // The policy has gone while the peer answered; its connection changes in the same moment.
      if (specification === undefined) return;
      const description: SaDescription = {
        policy: child.policy,
        peer,
        transform: child.transform,
        esn: child.esn,
        selectors: selectorsOf(child.local, child.remote),
        lifetime: specification.lifetime && jittered(specification.lifetime, this.#parts.random),
        tunnel: specification.tunnel,
        outerAddresses: { local: path.localAddress.bytes, remote: path.remoteAddress.bytes },
        origin: { keying: 'ikev2' },
      };
      if (effect.type === 'install-inbound') {
        const { replayWindowPackets } = specification;
        await sad.update({ ...description, direction: 'inbound', spi, keyMaterial, replayWindowPackets });
        return;
      }
      await sad.add({
        ...description,
        direction: 'outbound',
        spi,
        keyMaterial,
        endpoint: this.#paths.endpointOf(path),
        // A fresh key: all numbers are free, and none outlives the process (RFC 4303 §3.3.3).
        block: wholeSequenceSpace(child.esn),
        inboundSpi: child.inboundSpi,
      });
      this.#parts.paths.worked(peer, path.remoteAddress);
    } catch (error) {
      if (!(error instanceof SadError)) throw error;
      // Larval for too long, or a peer that uses one SPI twice.
      log.warn({ err: error, policy: child.policy }, 'the SAD refuses an SA of a Child SA, which is deleted');
      this.#engine.deleteChild(child.inboundSpi);
    } finally {
      keyMaterial.fill(0);
    }
  }

  async #remove(effect: Remove): Promise<void> {
    const { sad } = this.#parts;
    const sa =
      effect.type === 'remove-inbound'
        ? ({ direction: 'inbound', spi: effect.spi } as const)
        : ({ direction: 'outbound', peer: effect.peer, spi: effect.child.outboundSpi } as const);
    // It could not be installed.
    if (effect.type === 'remove-inbound') await this.#release(effect.spi);
    // An SA that reached a hard limit is gone already.
    if (!sad.has(sa)) return;
    this.#parts.observer.removed(sad.get(sa));
    await sad.delete(sa);
  }

  async #move({ peer, path, outboundSpis }: Extract<Effect, { readonly type: 'move' }>): Promise<void> {
    const { sad } = this.#parts;
    const endpoint = this.#paths.endpointOf(path);
    if (endpoint === undefined) return;
    const sas = outboundSpis.map((spi) => ({ direction: 'outbound', peer, spi }) as const);
    const edits = sas.filter((sa) => sad.has(sa)).map((sa) => ({ sa, amendment: { endpoint } }));
    await sad.edit(edits.map((edit) => ({ type: 'amend', ...edit })));
  }

  async #release(spi: number): Promise<void> {
    const { sad } = this.#parts;
    if (sad.isLarval(spi)) await sad.delete({ direction: 'inbound', spi });
  }

  #send({ localAddress, localPort, remoteAddress, remotePort }: Path, bytes: Uint8Array): void {
    this.#parts.observer.sent(bytes);
    const socket = this.#paths.socketOf(localAddress, localPort);
    if (socket === undefined) {
      this.#parts.log.warn(
        { address: formatAddress(localAddress), port: localPort },
        'no socket for an IKE message',
      );
      return;
    }
    this.#watch(
      this.#parts.dataPlane.send({
        type: 'send-ike',
        socket: socket.socket,
        address: remoteAddress.bytes,
        port: remotePort,
        bytes,
      }),
    );
  }

  /** What fails here has ended with the data plane, which says so itself, or was refused by it; IKE notices by what follows. */
  #watch(asked: Promise<unknown> | undefined): void {
    asked?.catch((error: unknown) => {
      this.#parts.log.debug({ err: error }, 'the data plane did not do what IKE asked');
    });
  }

  #lastTrafficMs(inboundSpis: readonly number[]): number {
    const { sad } = this.#parts;
    return Math.max(
      0,
      ...inboundSpis.map((spi) => {
        const sa = { direction: 'inbound', spi } as const;
        return sad.has(sa) ? (sad.get(sa).lastUsedMs ?? 0) : 0;
      }),
    );
  }

  #wakeAt(atMs: number): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    if (atMs === Infinity || this.#hasStopped) return;
    const { time } = this.#parts;
    this.#cancelTick = time.after(atMs - time.monotonicMs(), () => {
      this.#engine.tick();
    });
  }
}
