// The side of the benchmark that asks for IKE SAs: the engine with two sockets for each address, without a data plane.

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress, type Address } from '../../../src/base/address.ts';
import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import type { Connection, Path } from '../../../src/ike/connection.ts';
import { IkeEngine } from '../../../src/ike/ike-engine.ts';
import { addresses, makeConnections, policyName } from './many-connections.ts';

const MARKER_BYTES = 4;
const FAREWELL_MS = 1000;
const TICK_MS = 100;

export interface InitiatingSideParts {
  /** They take turns: a gateway bounds what it answers to one address. */
  readonly locals: readonly Address[];
  readonly remote: Address;
  /** A name of GROUPS. */
  readonly group: string;
  /** How many connections there are. */
  readonly count: number;
  /** Told when a handshake that was begun has its Child SA, or has failed. */
  readonly onDone: (index: number, isEstablished: boolean) => void;
}

export class InitiatingSide {
  readonly #parts: InitiatingSideParts;
  readonly #engine: IkeEngine;
  readonly #connections: readonly Connection[];
  /** By local address and port. */
  readonly #sockets = new Map<string, Socket>();
  readonly #underWay = new Set<string>();
  readonly #ticks: NodeJS.Timeout;
  #turn = 0;
  #nextSpi = 0x1000;
  #wakeMs = Infinity;

  private constructor(parts: InitiatingSideParts) {
    this.#parts = parts;
    this.#engine = this.#makeEngine();
    this.#connections = makeConnections({
      side: 'peer',
      count: parts.count,
      group: parts.group,
      remoteAddress: () => parts.remote,
      local: addresses('10.0.3.0', '10.0.3.255'),
      remote: addresses('10.0.2.0', '10.0.2.255'),
    });
    this.#engine.useConnections(this.#connections);
    this.#ticks = setInterval(() => {
      if (performance.now() >= this.#wakeMs) this.#engine.tick();
    }, TICK_MS);
  }

  static async open(parts: InitiatingSideParts): Promise<InitiatingSide> {
    const side = new InitiatingSide(parts);
    for (const local of parts.locals) for (const port of [500, 4500]) await side.#bind(local, port);
    return side;
  }

  begin(index: number): void {
    this.#underWay.add(policyName(index));
    this.#engine.acquire(policyName(index), undefined);
  }

  delete(index: number): void {
    this.#engine.deleteIke(`connection-${index}`);
  }

  /** Deletes all that there is, and waits a while for the answers. */
  async close(): Promise<void> {
    for (const { name } of this.#connections) this.#engine.deleteIke(name);
    await sleep(FAREWELL_MS);
    clearInterval(this.#ticks);
    for (const socket of this.#sockets.values()) socket.close();
  }

  #makeEngine(): IkeEngine {
    const { locals, remote } = this.#parts;
    return new IkeEngine({
      now: () => performance.now(),
      wallClock: () => Date.now(),
      random: (bytes) => new Uint8Array(randomBytes(bytes)),
      crypto: chooseProvider('auto'),
      effects: {
        send: (path, bytes) => {
          const isFloated = path.localPort !== 500;
          const datagram = isFloated ? Buffer.concat([Buffer.alloc(MARKER_BYTES), bytes]) : bytes;
          this.#sockets
            .get(`${formatAddress(path.localAddress)} ${path.localPort}`)
            ?.send(datagram, path.remotePort, formatAddress(path.remoteAddress));
        },
        getSpi: () => this.#nextSpi++,
        releaseSpi: () => undefined,
        move: () => Promise.resolve(),
        install: () => Promise.resolve(),
        remove: () => Promise.resolve(),
        childDone: ({ policy, child }) => {
          if (!this.#underWay.delete(policy)) return;
          this.#parts.onDone(Number(policy.slice(policyName(0).length - 1)), child !== undefined);
        },
        pathTo: () => {
          const localAddress = locals[this.#turn++ % locals.length];
          return Promise.resolve(
            localAddress && { localAddress, localPort: 500, remoteAddress: remote, remotePort: 500 },
          );
        },
        floatedPort: () => 4500,
        lastTrafficMs: () => 0,
        wakeAt: (atMs) => {
          this.#wakeMs = atMs;
        },
        tell: () => undefined,
      },
    });
  }

  async #bind(local: Address, port: number): Promise<void> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 2 ** 22 });
    socket.on('message', (bytes, { port: remotePort }) => {
      const path: Path = {
        localAddress: local,
        localPort: port,
        remoteAddress: this.#parts.remote,
        remotePort,
      };
      if (port === 500) this.#engine.receive(bytes, path);
      // ESP begins with an SPI that is not zero (RFC 3948 §2.2).
      else if (bytes.length > MARKER_BYTES && bytes.readUInt32BE(0) === 0)
        this.#engine.receive(bytes.subarray(MARKER_BYTES), path);
    });
    const text = formatAddress(local);
    socket.bind(port, text);
    await once(socket, 'listening');
    this.#sockets.set(`${text} ${port}`, socket);
  }
}
