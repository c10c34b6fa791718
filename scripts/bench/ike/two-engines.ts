// Two IKE engines in this process, whose messages reach each other at once, each with a real SAD whose packets nobody
// carries. Messages, keys and signatures are the real ones; sockets and worker are not there. The clock may be simulated.

import { randomBytes } from 'node:crypto';
import type { Address } from '../../../src/base/address.ts';
import { InvariantError } from '../../../src/base/errors.ts';
import type { CryptoProvider } from '../../../src/crypto/ike-crypto.ts';
import { jittered } from '../../../src/gateway/jittered-lifetime.ts';
import type { Path } from '../../../src/ike/connection.ts';
import type { IkeEffects } from '../../../src/ike/ike-engine-parts.ts';
import { IkeEngine } from '../../../src/ike/ike-engine.ts';
import { Timetable } from '../../../src/ike/timetable.ts';
import { selectorsOf } from '../../../src/ike/traffic-selectors.ts';
import { Sad } from '../../../src/sad/sad.ts';
import type { SaDescription } from '../../../src/sad/sa-record.ts';
import { wholeSequenceSpace } from '../../../src/sad/sequence-counter.ts';
import { NO_LIFETIME } from '../../../src/spd/sa-lifetime.ts';
import { DEFAULT_TUNNEL_OPTIONS } from '../../../src/spd/tunnel-options.ts';
import { address, addresses, makeConnections, policyName, type Lifetimes } from './many-connections.ts';

const HUB = address('198.51.100.1');
/** Each peer has an address of its own. */
const peerAddress = (index: number): Address => ({
  family: 4,
  bytes: Uint8Array.of(172, 16 + (index >> 16), (index >> 8) & 0xff, index & 0xff),
});
const indexOf = (name: string): number => Number(name.slice(name.lastIndexOf('-') + 1));
const WINDOW_PACKETS = 64;

export interface TwoEnginesParts {
  readonly count: number;
  /** A name of GROUPS. */
  readonly group: string;
  readonly crypto: CryptoProvider;
  readonly now: () => number;
  /** What the hub says of its IKE SAs. */
  readonly tell?: (sentence: string) => void;
  readonly lifetimes?: Lifetimes;
}

interface Side {
  readonly engine: IkeEngine;
  readonly sad: Sad;
  /** When the engine wants its tick. */
  wakeMs: number;
  /** Soft limits of inbound SAs, which a worker would watch. */
  readonly soft: Timetable<number>;
}

export class TwoEngines {
  readonly hub: Side;
  readonly peer: Side;
  readonly #parts: TwoEnginesParts;
  #installed = 0;
  #failed = 0;

  constructor(parts: TwoEnginesParts) {
    this.#parts = parts;
    const local = addresses('10.0.1.0', '10.0.1.255');
    const remote = addresses('10.0.2.0', '10.0.2.255');
    this.peer = this.#side(() => this.hub, undefined);
    this.hub = this.#side(() => this.peer, parts.tell);
    const { count, group, lifetimes } = parts;
    const common = { count, group, lifetimes };
    this.peer.engine.useConnections(
      makeConnections({ ...common, side: 'peer', remoteAddress: () => HUB, local, remote }),
    );
    this.hub.engine.useConnections(
      makeConnections({ ...common, side: 'hub', remoteAddress: peerAddress, local: remote, remote: local }),
    );
  }

  #side(other: () => Side, tell: ((sentence: string) => void) | undefined): Side {
    const { now, crypto } = this.#parts;
    const sad = new Sad({ now, carrier: { apply: () => Promise.resolve() } });
    const soft = new Timetable<number>();
    const engine = new IkeEngine({
      now,
      wallClock: () => Date.now(),
      random: (bytes) => new Uint8Array(randomBytes(bytes)),
      crypto,
      effects: {
        ...this.#sadEffects(sad, soft),
        send: (path, bytes) => {
          other().engine.receive(bytes, reversed(path));
        },
        childDone: ({ child }) => {
          if (child === undefined) this.#failed++;
          else this.#installed++;
        },
        pathTo: ({ name }) =>
          Promise.resolve({
            localAddress: peerAddress(indexOf(name)),
            localPort: 500,
            remoteAddress: HUB,
            remotePort: 500,
          }),
        floatedPort: () => 4500,
        lastTrafficMs: () => 0,
        wakeAt: (atMs) => {
          side.wakeMs = atMs;
        },
        tell: (_level, sentence) => tell?.(sentence),
      },
    });
    const side: Side = { engine, sad, wakeMs: Infinity, soft };
    return side;
  }

  #sadEffects(
    sad: Sad,
    soft: Timetable<number>,
  ): Pick<IkeEffects, 'getSpi' | 'releaseSpi' | 'install' | 'remove' | 'move'> {
    const { now, lifetimes } = this.#parts;
    const ofPolicy = { ...NO_LIFETIME, timeMs: lifetimes?.childMs };
    return {
      getSpi: (name) => sad.getSpi(name),
      releaseSpi: () => undefined,
      move: () => Promise.resolve(),
      install: async (effect) => {
        const { child, peer, path, keyMaterial } = effect;
        const lifetime = jittered(ofPolicy, randomBytes);
        const description: SaDescription = {
          policy: child.policy,
          peer,
          transform: child.transform,
          esn: child.esn,
          selectors: selectorsOf(child.local, child.remote),
          lifetime,
          tunnel: DEFAULT_TUNNEL_OPTIONS,
          outerAddresses: { local: path.localAddress.bytes, remote: path.remoteAddress.bytes },
          origin: { keying: 'ikev2' },
        };
        if (effect.type === 'install-outbound') {
          await sad.add({
            ...description,
            direction: 'outbound',
            spi: child.outboundSpi,
            keyMaterial,
            endpoint: { socket: 0, address: path.remoteAddress.bytes, port: path.remotePort },
            block: wholeSequenceSpace(child.esn),
            inboundSpi: child.inboundSpi,
          });
          return;
        }
        const { inboundSpi: spi } = child;
        await sad.update({
          ...description,
          direction: 'inbound',
          spi,
          keyMaterial,
          replayWindowPackets: WINDOW_PACKETS,
        });
        if (lifetime.timeMs !== undefined) soft.set(spi, now() + lifetime.timeMs.soft);
      },
      remove: async (effect) => {
        if (effect.type === 'remove-inbound') {
          soft.set(effect.spi, Infinity);
          await sad.delete({ direction: 'inbound', spi: effect.spi });
        } else await sad.delete({ direction: 'outbound', peer: effect.peer, spi: effect.child.outboundSpi });
      },
    };
  }

  /** Makes the tunnels `from` to `to`, one after another. @throws InvariantError where one is not there then */
  async connect(from: number, to: number): Promise<void> {
    for (let index = from; index < to; index++) {
      this.peer.engine.acquire(policyName(index), undefined);
      await this.settled();
    }
    if (this.#installed !== to || this.#failed > 0)
      throw new InvariantError(`${this.#installed} tunnels of ${to}, ${this.#failed} failed`);
  }

  /** When the next thing is to happen. */
  get nextMs(): number {
    return Math.min(...[this.hub, this.peer].map(({ wakeMs, soft }) => Math.min(wakeMs, soft.nextMs)));
  }

  /** Lets happen what is due. */
  async tick(): Promise<void> {
    const nowMs = this.#parts.now();
    for (const side of [this.hub, this.peer]) {
      const { engine, soft } = side;
      if (side.wakeMs <= nowMs) {
        side.wakeMs = Infinity;
        engine.tick();
      }
      for (let spi = soft.takeDue(nowMs); spi !== undefined; spi = soft.takeDue(nowMs))
        engine.rekeyChild(spi);
    }
    await this.settled();
  }

  async settled(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      await this.peer.engine.settled();
      await this.hub.engine.settled();
    }
  }
}

function reversed({ localAddress, localPort, remoteAddress, remotePort }: Path): Path {
  return {
    localAddress: remoteAddress,
    localPort: remotePort,
    remoteAddress: localAddress,
    remotePort: localPort,
  };
}
