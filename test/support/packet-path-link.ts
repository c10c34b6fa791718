// Whole packet paths in one process: one under test, or two joined by an in-process link.

import { allocateBatchMemory, type BatchLimits } from '../../src/dataplane/batch-memory.ts';
import { allocateCounters, readDrops, type Counters } from '../../src/dataplane/counters.ts';
import type { Command, DataPlaneEvent } from '../../src/dataplane/commands.ts';
import type { Engine } from '../../src/dataplane/engine.ts';
import { loadAddon } from '../../src/dataplane/native/load-addon.ts';
import { createNativeEngine } from '../../src/dataplane/native/native-engine.ts';
import { allocateAcquaintances, IkeAcquaintances } from '../../src/dataplane/ike-acquaintances.ts';
import type { IkeSocket } from '../../src/dataplane/ike-socket.ts';
import { PacketPath } from '../../src/dataplane/packet-path.ts';
import {
  MemoryDevices,
  type MemoryDevicesOptions,
  type SentDatagram,
  type TunFrameOut,
} from '../../src/dataplane/portable/memory-devices.ts';
import { createPortableEngine } from '../../src/dataplane/portable/portable-engine.ts';
import { findEspTransform, keyMaterialBytes, type EspTransform } from '../../src/crypto/esp-transform.ts';
import { Sad } from '../../src/sad/sad.ts';
import type {
  NewInboundSa,
  NewOutboundSa,
  SaDescription,
  SaOrigin,
  SaRecord,
} from '../../src/sad/sa-record.ts';
import type { Endpoint, SequenceBlock } from '../../src/sad/security-association.ts';
import type { SaLifetime } from '../../src/spd/sa-lifetime.ts';
import { compileSpd } from '../../src/spd/compiled-spd.ts';
import type { Policy, Selectors } from '../../src/spd/policy.ts';
import type { TunnelOptions } from '../../src/spd/tunnel-options.ts';
import { ANY } from './policies.ts';

const INNER_MTU = 1438;
export const PEER_ENDPOINT: Endpoint = {
  socket: 0,
  address: Uint8Array.of(198, 51, 100, 1),
  port: 4500,
};
/** Enough for tests, small enough to be made for each of them. */
export const TEST_LIMITS: BatchLimits = {
  frames: 64,
  frameBytes: 4 * 65_536,
  sealJobs: 64,
  sealedBytes: 6 * 65_536,
  datagramsOut: 256,
  datagramsIn: 32,
  openJobs: 512,
};

export interface TestSite {
  readonly path: PacketPath;
  readonly devices: MemoryDevices;
  readonly sad: Sad;
  readonly counters: Counters;
  /** What the SAD and the devices go by. */
  readonly clock: { nowMs: number };
  /** What came out, oldest first; tests take it away. */
  readonly frames: TunFrameOut[];
  /** What left by the device for packets in clear. */
  readonly clearFrames: TunFrameOut[];
  /** Down: that device takes nothing. */
  readonly clearLink: { isUp: boolean };
  /**
   * What the other devices refuse: errno of each datagram that is sent, frames for the TUN. `callsToCrash`: so many calls of
   * devices and engine go well, and the next one throws.
   */
  readonly faults: { sendErrno: number; tunIsFull: boolean; callsToCrash: number };
  readonly datagrams: SentDatagram[];
  readonly events: DataPlaneEvent[];
  /** Cell 0: how many IKE datagrams the main thread has taken. */
  readonly ikeTaken: Int32Array;
  readonly acquaintances: IkeAcquaintances;
  /** Drops counted so far, by name. */
  readonly drops: () => Record<string, number>;
  /** Lets a new packet path with other memory take the place of the one that there is, and tells it these commands. */
  readonly replacePath: (commands: readonly Command[]) => void;
}

/** What {@link TestSite.faults} asked for. */
export class CrashError extends Error {}

/** Two sockets of one address: number 0 shares its port with ESP, number 1 is IKE's own. */
export const IKE_SOCKETS: readonly IkeSocket[] = [4500, 500].map((port, socket) => ({
  socket,
  family: 4,
  address: Uint8Array.of(203, 0, 113, 9),
  port,
  hasMarker: socket === 0,
}));

/** @param sockets of IKE; left out: there is no IKE */
export function createSite(
  engineName: Engine['name'],
  limits: BatchLimits = TEST_LIMITS,
  sockets?: readonly IkeSocket[],
): TestSite {
  const ikeTaken = new Int32Array(1);
  const acquaintances = allocateAcquaintances();
  const frames: TunFrameOut[] = [];
  const clearFrames: TunFrameOut[] = [];
  const clearLink = { isUp: true };
  const faults = { sendErrno: 0, tunIsFull: false, callsToCrash: Infinity };
  const mayCrash = (): void => {
    if (faults.callsToCrash-- <= 0) throw new CrashError();
  };
  const datagrams: SentDatagram[] = [];
  const events: DataPlaneEvent[] = [];
  const counters = allocateCounters();
  const clock = { nowMs: 1000 };
  const callbacks: MemoryDevicesOptions = {
    onFrame: (frame) => !faults.tunIsFull && frames.push(frame) > 0,
    onClearFrame: (frame) => clearLink.isUp && clearFrames.push(frame) > 0,
    onDatagram: (datagram) => {
      if (faults.sendErrno === 0) datagrams.push(datagram);
      return faults.sendErrno;
    },
    now: () => clock.nowMs,
  };
  const newPath = (): Pick<TestSite, 'devices' | 'path'> => {
    const memory = allocateBatchMemory(limits);
    const devices = new MemoryDevices(memory, callbacks);
    const options = { coalesceTcp: true, coalesceUdp: true };
    const engine =
      engineName === 'native'
        ? createNativeEngine(loadAddon(), memory, options)
        : createPortableEngine(memory, options);
    const path = new PacketPath({
      memory,
      devices: beforeEachCall(devices, mayCrash),
      engine: beforeEachCall(engine, mayCrash),
      counters,
      innerMtu: INNER_MTU,
      raisesHopLimit: true,
      flowSeed: 1,
      ike: sockets && { sockets, taken: ikeTaken, acquaintances },
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'expire') sad.expired(event.sa, event.hard, event.cause);
      },
    });
    return { devices, path };
  };
  let current = newPath();
  const sad = new Sad({
    now: () => clock.nowMs,
    carrier: {
      apply: (commands) => {
        current.path.execute({ type: 'together', commands });
        return Promise.resolve();
      },
    },
  });
  const drops = (): Record<string, number> => readDrops(counters);
  return {
    ikeTaken,
    acquaintances: new IkeAcquaintances(acquaintances),
    get path() {
      return current.path;
    },
    get devices() {
      return current.devices;
    },
    sad,
    counters,
    clock,
    frames,
    clearFrames,
    clearLink,
    faults,
    datagrams,
    events,
    drops,
    replacePath: (commands) => {
      current = newPath();
      current.path.execute({ type: 'together', commands });
    },
  };
}

function beforeEachCall<T extends object>(target: T, happens: () => void): T {
  return new Proxy(target, {
    get: (_, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]): unknown => {
        happens();
        return Reflect.apply(member, target, given);
      };
    },
  });
}

export function transformNamed(name: string): EspTransform {
  const transform = findEspTransform(name);
  if (transform === undefined) throw new Error(`no transform ${name}`);
  return transform;
}

/** Keying material that differs by `seed`. */
export function testKey(transform: EspTransform, seed: number): Uint8Array {
  return Uint8Array.from({ length: keyMaterialBytes(transform) }, (_, i) => (i * 7 + seed) & 0xff);
}

export interface PairOptions {
  readonly transform?: string;
  readonly esn?: boolean;
  readonly replayWindowPackets?: number;
  readonly selectors?: Selectors;
  readonly policy?: string;
  readonly peer?: string;
  readonly block?: SequenceBlock;
  readonly lifetime?: SaLifetime;
  /** Of the inbound SA, where it has another. */
  readonly inboundLifetime?: SaLifetime;
  readonly outboundSpi?: number;
  readonly inboundSpi?: number;
  /** Seeds of the two keys. */
  readonly outboundSeed?: number;
  readonly inboundSeed?: number;
  readonly tunnel?: TunnelOptions;
  readonly origin?: SaOrigin;
  /** Of the peer; undefined where it is not known. */
  readonly endpoint?: Endpoint | undefined;
}

/** Installs an outbound and an inbound SA at one site; they are there when it returns. */
export function installPair(
  site: Pick<TestSite, 'sad'>,
  options: PairOptions = {},
): { outbound: SaRecord; inbound: SaRecord } {
  const transform = transformNamed(options.transform ?? 'aes256gcm16');
  const description: SaDescription = {
    policy: options.policy ?? 'tunnel',
    peer: options.peer ?? 'far',
    transform,
    esn: options.esn ?? false,
    selectors: options.selectors ?? ANY,
    lifetime: options.lifetime,
    tunnel: options.tunnel,
    origin: options.origin,
  };
  const outbound = {
    ...description,
    direction: 'outbound' as const,
    spi: options.outboundSpi ?? 0x1001,
    inboundSpi: options.inboundSpi ?? 0x2002,
    keyMaterial: testKey(transform, options.outboundSeed ?? 1),
    endpoint: 'endpoint' in options ? options.endpoint : PEER_ENDPOINT,
    block: options.block ?? { first: 1, end: 2 ** 18 },
  };
  const inbound = {
    ...description,
    direction: 'inbound' as const,
    spi: options.inboundSpi ?? 0x2002,
    lifetime: options.inboundLifetime ?? options.lifetime,
    keyMaterial: testKey(transform, options.inboundSeed ?? 2),
    replayWindowPackets: options.replayWindowPackets ?? 64,
  };
  return { outbound: installSa(site, outbound), inbound: installSa(site, inbound) };
}

/** The carrier of a test site does at once what it is told; a refusal is an unhandled rejection, and fails the test. */
export function installSa(site: Pick<TestSite, 'sad'>, sa: NewInboundSa | NewOutboundSa): SaRecord {
  void site.sad.edit([{ type: 'add', sa }]);
  const list = sa.direction === 'outbound' ? site.sad.outbound : site.sad.inbound;
  const record = list.find(({ spi, description }) => spi === sa.spi && description.peer === sa.peer);
  if (record === undefined) throw new Error(`SA ${sa.spi} was not installed`);
  return record;
}

export function usePolicies(site: TestSite, policies: readonly Policy[], generation = 2): void {
  site.path.execute({ type: 'use-policies', spd: compileSpd(generation, policies) });
}

/** Hands a site what arrives on its UDP socket. */
export function receive(site: TestSite, bytes: Uint8Array, segmentLength = 0, trafficClass = 0): void {
  const sourceAddress = Uint8Array.of(203, 0, 113, 1);
  site.devices.pushDatagram({ bytes, sourceAddress, sourcePort: 4500, segmentLength, trafficClass });
}

/** Carries everything that one site sent to the other, as single datagrams, and turns it. */
export function deliver(from: TestSite, to: TestSite): void {
  for (const { bytes, trafficClass } of from.datagrams.splice(0)) {
    receive(to, bytes, 0, trafficClass);
    to.path.turn();
  }
}
