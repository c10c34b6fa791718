// One whole gateway in memory: the composition of src/gateway, with another host, other devices, another clock and chance.
// The data plane runs as a worker does: commands and events take a while to cross, and come between two batches.

import { parseAddress } from '../../../src/base/address.ts';
import { InvariantError } from '../../../src/base/errors.ts';
import type { Time } from '../../../src/base/clock.ts';
import { createLogger, type Logger } from '../../../src/base/log.ts';
import { allocateBatchMemory, type BatchLimits } from '../../../src/dataplane/batch-memory.ts';
import type { Command, DataPlaneEvent } from '../../../src/dataplane/commands.ts';
import { allocateCounters, readDrops, type Counters } from '../../../src/dataplane/counters.ts';
import { allocateAcquaintances, IkeAcquaintances } from '../../../src/dataplane/ike-acquaintances.ts';
import { ikeListen, ikeSockets, type IkeSocket } from '../../../src/dataplane/ike-socket.ts';
import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';
import { createNativeEngine } from '../../../src/dataplane/native/native-engine.ts';
import { PacketPath } from '../../../src/dataplane/packet-path.ts';
import { MemoryDevices, type TunFrameOut } from '../../../src/dataplane/portable/memory-devices.ts';
import { createPortableEngine } from '../../../src/dataplane/portable/portable-engine.ts';
import { DataPlaneEvents } from '../../../src/gateway/data-plane-events.ts';
import { readManualKeys } from '../../../src/gateway/manual-keying.ts';
import { Planes } from '../../../src/gateway/planes.ts';
import type { GatewayConfig } from '../../../src/management/config/gateway-config.ts';
import { NON_ESP_MARKER_BYTES } from '../../../src/wire/esp.ts';
import type { Random } from '../random.ts';
import { seededChance, seededCrypto } from './sim-crypto.ts';
import type { SimTime } from './sim-time.ts';

/** The largest inner packet. */
export const INNER_MTU = 1400;
/** What crosses between main thread and worker takes at most so long; now and then, where one of them is busy, much longer. */
const LONGEST_CROSSING_MS = 3;
const LONGEST_BUSY_CROSSING_MS = 300;
const BUSY_ONCE_IN = 10;
/** A worker looks once a second at the latest. */
const LONGEST_WAIT_MS = 1000;
/** The main thread sends shorter IKE messages by itself, see dataplane/ike-sender.ts. */
const MOST_SENT_AT_ONCE = 548;
const LIMITS: BatchLimits = {
  frames: 16,
  frameBytes: 2 * 65_536,
  sealJobs: 32,
  sealedBytes: 3 * 65_536,
  datagramsOut: 64,
  datagramsIn: 8,
  openJobs: 64,
};

/** A UDP datagram on the wire. Addresses are text. */
export interface WireDatagram {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly bytes: Uint8Array;
  readonly trafficClass: number;
  readonly dontFragment: boolean;
}

/** What a gateway does outside of itself. */
export interface Surroundings {
  /** @returns 0, or the errno of the failure */
  send(datagram: WireDatagram): number;
  /** To the hosts behind it. */
  deliver(frame: TunFrameOut): void;
  /** Past the tunnel. */
  clear(frame: TunFrameOut): void;
  log(line: string): void;
  /** A command on its way to the worker. @throws in the place of the worker */
  command(command: Command): void;
  event(event: DataPlaneEvent): void;
}

interface SentCommand {
  readonly command: Command;
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

export interface SimGatewayParts {
  readonly time: SimTime;
  readonly random: Random;
  readonly config: GatewayConfig;
  readonly surroundings: Surroundings;
}

export class SimGateway {
  isAlive = true;
  readonly devices: MemoryDevices;
  readonly counters: Counters = allocateCounters();
  readonly planes: Planes;
  readonly path: PacketPath;
  readonly sockets: readonly IkeSocket[];
  readonly #parts: SimGatewayParts;
  readonly #time: Time;
  readonly #log: Logger;
  readonly #memory = allocateBatchMemory(LIMITS);
  readonly #events = new DataPlaneEvents();
  readonly #taken = new Int32Array(1);
  /** That the worker has not taken. */
  readonly #commands: SentCommand[] = [];
  /** When the last command is with the worker. */
  #crossedMs = 0;
  readonly #upwards: DataPlaneEvent[] = [];
  #isStarting = true;
  #turnAtMs = Infinity;
  #cancelTurn: () => void = () => undefined;

  private constructor(parts: SimGatewayParts) {
    this.#parts = parts;
    const { time, random, config, surroundings } = parts;
    this.#time = time.timeOf(this);
    this.#log = createLogger('info', {
      human: false,
      destination: {
        write: (line) => {
          surroundings.log(line);
        },
      },
    });
    const { listen } = config.udp;
    const at = listen.map(({ address, port }) => ({ address, port }));
    this.sockets = ikeSockets(at, ikeListen(at));
    const memory = this.#memory;
    this.devices = new MemoryDevices(memory, {
      now: this.#time.monotonicMs,
      onFrame: (frame) => {
        surroundings.deliver(frame);
        return true;
      },
      onClearFrame: (frame) => {
        surroundings.clear(frame);
        return true;
      },
      onDatagram: ({ bytes, socket, address, port, trafficClass, dontFragment }) =>
        surroundings.send({
          ...this.#from(socket),
          destination: textOf(address),
          destinationPort: port,
          ...{ bytes, trafficClass, dontFragment },
        }),
    });
    const options = { coalesceTcp: false, coalesceUdp: false };
    const acquaintances = allocateAcquaintances();
    this.path = new PacketPath({
      memory,
      devices: this.devices,
      engine:
        config.engine === 'native'
          ? createNativeEngine(loadAddon(), memory, options)
          : createPortableEngine(memory, options),
      counters: this.counters,
      innerMtu: INNER_MTU,
      raisesHopLimit: true,
      flowSeed: random.uint32(),
      ike: { sockets: this.sockets, taken: this.#taken, acquaintances },
      onEvent: (event) => {
        this.tell(event);
      },
    });
    const logs = { ike: this.#log, esp: this.#log, config: this.#log };
    this.planes = new Planes({
      logs,
      time: this.#time,
      chance: seededChance(random),
      crypto: seededCrypto(random),
      dataPlane: {
        workers: 1,
        ikeSockets: this.sockets,
        acquaintances: new IkeAcquaintances(acquaintances),
        send: (command) => this.#send(command),
      },
      events: this.#events,
      onPathMtu: () => undefined,
      localAddresses: () => listen.map(({ address }) => address),
      resolve: () => Promise.reject(new InvariantError('there are no names here')),
      sourceTowards: () => Promise.resolve(undefined),
    });
  }

  static async start(parts: SimGatewayParts): Promise<SimGateway> {
    const gateway = new SimGateway(parts);
    await gateway.planes.install(parts.config, readManualKeys(parts.config, gateway.#log), {
      guardBoth: () => Promise.resolve(),
      lead: () => Promise.resolve(),
      guardNextAlone: () => Promise.resolve(),
    });
    gateway.#isStarting = false;
    gateway.planes.begin();
    gateway.wake();
    return gateway;
  }

  /** Nothing happens in it any more, and nobody is told. */
  die(): void {
    this.isAlive = false;
    this.planes.stop();
    this.path.execute({ type: 'stop' });
  }

  get drops(): Record<string, number> {
    return readDrops(this.counters);
  }

  get engine(): NonNullable<Planes['keying']>['engine'] {
    if (this.planes.keying === undefined) throw new InvariantError('a gateway without IKE');
    return this.planes.keying.engine;
  }

  /** A packet of the hosts. */
  push(bytes: Uint8Array): void {
    this.devices.pushFrame({ bytes });
    this.wake();
  }

  receive({ source, sourcePort, destination, destinationPort, bytes, trafficClass }: WireDatagram): void {
    const socket = this.sockets.find(({ port }) => port === destinationPort);
    if (socket === undefined || textOf(socket.address) !== destination) return;
    this.devices.pushDatagram({
      ...{ bytes, sourcePort, trafficClass, socket: socket.socket },
      sourceAddress: addressOf(source),
      destinationAddress: addressOf(destination),
    });
    this.wake();
  }

  /** The error queue of its sockets. */
  tooBig(report: { mtu: number; address: Uint8Array; port: number; quoted: Uint8Array }): void {
    this.devices.pushPathReport({ origin: 'icmp', ...report });
    this.wake();
  }

  /** The worker has something to do. */
  wake(inMs = 0.05): void {
    const { time } = this.#parts;
    const atMs = time.nowMs + inMs;
    if (!this.isAlive || atMs >= this.#turnAtMs) return;
    this.#cancelTurn();
    this.#turnAtMs = atMs;
    this.#cancelTurn = time.after(inMs, () => {
      if (this.isAlive) this.#work();
    });
  }

  /** What the data plane says; it crosses to the main thread. */
  tell(event: DataPlaneEvent): void {
    this.#parts.surroundings.event(event);
    this.#upwards.push(event);
    if (this.#upwards.length > 1) return;
    this.#time.after(this.#crossingMs(), () => {
      for (const one of this.#upwards.splice(0)) {
        this.#events.take(one);
        if (one.type === 'ike-datagram') this.#taken[0] = (this.#taken[0]! + 1) | 0;
      }
    });
  }

  #work(): void {
    this.#turnAtMs = Infinity;
    const memory = this.#memory;
    for (const { command, done, fail } of this.#commands.splice(0)) this.#execute(command, done, fail);
    do this.path.turn();
    while (this.devices.hasInput || this.path.hasReleased);
    memory.clock[0] = this.#time.monotonicMs();
    const nextMs = this.path.tick(memory.clock);
    this.wake(Math.min(LONGEST_WAIT_MS, Math.max(0.05, nextMs - this.#parts.time.nowMs)));
  }

  #execute(command: Command, done: () => void, fail: (error: unknown) => void): void {
    try {
      this.#parts.surroundings.command(command);
      this.path.execute(command);
    } catch (error) {
      return fail(error);
    }
    done();
  }

  #send(command: Command): Promise<void> {
    if (!this.isAlive) return new Promise(() => undefined);
    if (command.type === 'send-ike' && command.bytes.length + NON_ESP_MARKER_BYTES <= MOST_SENT_AT_ONCE) {
      this.#sendIkeAtOnce(command);
      return Promise.resolve();
    }
    return new Promise((done, fail) => {
      const sent = { command: structuredClone(command), done, fail };
      if (this.#isStarting) this.#execute(sent.command, done, fail);
      else this.#cross(sent);
    });
  }

  /** Commands come in their order. */
  #cross(sent: SentCommand): void {
    const { time } = this.#parts;
    this.#crossedMs = Math.max(this.#crossedMs, time.nowMs + this.#crossingMs());
    this.#time.after(this.#crossedMs - time.nowMs, () => {
      this.#commands.push(sent);
      this.wake();
    });
  }

  #sendIkeAtOnce({ socket, address, port, bytes }: Extract<Command, { readonly type: 'send-ike' }>): void {
    const marker = new Uint8Array(this.sockets[socket]?.hasMarker === true ? NON_ESP_MARKER_BYTES : 0);
    this.#parts.surroundings.send({
      ...this.#from(socket),
      destination: textOf(address),
      destinationPort: port,
      bytes: Buffer.concat([marker, bytes]),
      trafficClass: 0,
      dontFragment: false,
    });
  }

  #from(socket: number): { readonly source: string; readonly sourcePort: number } {
    const found = this.sockets[socket];
    if (found === undefined) throw new InvariantError(`no socket ${socket}`);
    return { source: textOf(found.address), sourcePort: found.port };
  }

  #crossingMs(): number {
    const { random } = this.#parts;
    const longestMs = random.oneIn(BUSY_ONCE_IN) ? LONGEST_BUSY_CROSSING_MS : LONGEST_CROSSING_MS;
    return (longestMs * (random.below(1000) + 1)) / 1000;
  }
}

function textOf(address: Uint8Array): string {
  return address.join('.');
}

const parsedAddresses = new Map<string, Uint8Array>();

/** @returns bytes that are not to be changed */
export function addressOf(text: string): Uint8Array {
  const known = parsedAddresses.get(text);
  if (known !== undefined) return known;
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new InvariantError(`${text} is no address`);
  parsedAddresses.set(text, parsed.bytes);
  return parsed.bytes;
}
