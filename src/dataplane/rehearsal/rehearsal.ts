// The packet path is fast only once the just-in-time compiler has seen it at work; until then a packet takes many times as
// long. So a worker that has nothing to do rehearses: packets that nobody sent go out and come back through a packet path of
// their own, with memory, devices, engine, SAs and counters of their own. Only the compiled code is shared.

import { randomBytes } from 'node:crypto';
import { findEspTransform, keyMaterialBytes } from '../../crypto/esp-transform.ts';
import { InvariantError } from '../../base/errors.ts';
import { ReplayBitmaps } from '../../sad/replay-window.ts';
import { SaField, SaStates } from '../../sad/sa-state.ts';
import { compileSpd } from '../../spd/compiled-spd.ts';
import { NO_SELECTORS, type Policy } from '../../spd/policy.ts';
import { DEFAULT_TUNNEL_OPTIONS } from '../../spd/tunnel-options.ts';
import { writeUint16 } from '../../wire/bytes.ts';
import {
  IPV4_DESTINATION,
  IPV4_HEADER_BYTES,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TIME_TO_LIVE,
  IPV4_TOTAL_LENGTH,
  writeIpv4Checksum,
} from '../../wire/ipv4.ts';
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from '../../wire/protocol-numbers.ts';
import { TCP_ACK, TCP_DATA_OFFSET, TCP_FLAGS, TCP_HEADER_BYTES } from '../../wire/tcp.ts';
import { UDP_LENGTH } from '../../wire/udp.ts';
import {
  allocateBatchMemory,
  GsoType,
  MAX_FRAME_BYTES,
  type BatchLimits,
  type BatchMemory,
} from '../batch-memory.ts';
import { allocateCounters, type Counters } from '../counters.ts';
import type { Command } from '../commands.ts';
import type { Engine } from '../engine.ts';
import { devicesOver } from '../native/native-devices.ts';
import { PacketPath } from '../packet-path.ts';
import { SOLE_WORKER } from '../workers/share.ts';
import { MirrorDevices, type ExampleFrame } from './mirror-devices.ts';

/** A ping through a tunnel that has carried nothing takes 0.33 ms without, and 0.20 after so many (docs/performance.md). */
const TURNS = 2000;
const SEGMENT_BYTES = 1200;
const SEGMENTS = 3;
const SPI = 0x100;
const PEER = 'rehearsal';

const LIMITS: BatchLimits = {
  frames: 1,
  frameBytes: MAX_FRAME_BYTES,
  sealJobs: 1,
  sealedBytes: MAX_FRAME_BYTES,
  datagramsOut: SEGMENTS,
  datagramsIn: SEGMENTS,
  openJobs: SEGMENTS,
};

export class Rehearsal {
  /** Of the rehearsal alone. */
  readonly counters: Counters = allocateCounters();
  readonly #devices: MirrorDevices;
  readonly #path: PacketPath;
  #turns = 0;

  /** @param createEngine makes an engine over a memory of the rehearsal's */
  constructor(createEngine: (memory: BatchMemory) => Engine) {
    const memory = allocateBatchMemory(LIMITS);
    this.#devices = new MirrorDevices(memory, EXAMPLES);
    // As a worker makes its own, to the order of the fields: compiled code knows objects by their shape.
    this.#path = new PacketPath({
      share: SOLE_WORKER,
      handOver: undefined,
      memory,
      devices: devicesOver(this.#devices),
      engine: createEngine(memory),
      counters: this.counters,
      innerMtu: 1400,
      raisesHopLimit: true,
      flowSeed: 0,
      lastAcquireId: 0,
      ike: undefined,
      onEvent: () => undefined,
    });
    this.#execute({ type: 'use-policies', spd: compileSpd(1, [POLICY]) });
    this.#installPair();
  }

  /** Frames that went out and came back. */
  get framesBack(): number {
    return this.#devices.written;
  }

  /** Carries one frame out and back; the last time it takes the SAs away. @returns false where that was the last one */
  turn(): boolean {
    this.#path.turn();
    if (++this.#turns < TURNS) return true;
    this.#path.execute({ type: 'stop' });
    return false;
  }

  /** Two SAs with one key, so that one opens what the other one has sealed. */
  #installPair(): void {
    const transform = findEspTransform('aes256gcm16');
    if (transform === undefined) throw new InvariantError('the default transform is unknown');
    const keyMaterial = new Uint8Array(new SharedArrayBuffer(keyMaterialBytes(transform)));
    keyMaterial.set(randomBytes(keyMaterial.length));
    const states = new SaStates();
    const block = { first: 1, end: 2 ** 32 };
    const sending = states.take(0);
    sending[SaField.sequence] = block.first;
    sending[SaField.blockEnd] = block.end;
    const common = {
      ...({ spi: SPI, transform, mode: 'tunnel', esn: false, policy: POLICY.name, peer: PEER } as const),
      ...{ selectors: NO_SELECTORS, keyMaterial },
    };
    const endpoint = { socket: 0, address: new Uint8Array(4), port: 4500 };
    this.#execute({
      type: 'install-outbound',
      sa: {
        ...common,
        ...{ direction: 'outbound', slot: 0, id: 1, state: sending, isOfIke: false },
        ...{ endpoint, tunnel: DEFAULT_TUNNEL_OPTIONS, inboundSpi: undefined, block },
      },
    });
    this.#execute({
      type: 'install-inbound',
      sa: {
        ...common,
        ...{ direction: 'inbound', slot: 1, id: 2, state: states.take(0), tellsFirstPacket: false },
        ...{ replayWindowPackets: 64, replayBitmap: new ReplayBitmaps().take(64) },
      },
    });
    keyMaterial.fill(0);
  }

  /** As if it had come from another thread. */
  #execute(command: Command): void {
    this.#path.execute(structuredClone(command));
  }
}

const POLICY: Policy = {
  name: PEER,
  priority: 1,
  selectors: NO_SELECTORS,
  action: 'PROTECT',
  sa: { peer: PEER, mode: 'tunnel', transform: 'aes256gcm16', esn: false, replayWindowPackets: 64 },
};

/** Most packets are small ones: those are what somebody waits for. */
const EXAMPLES: readonly ExampleFrame[] = [
  ...[PROTOCOL_ICMP, PROTOCOL_UDP, PROTOCOL_TCP, PROTOCOL_ICMP, PROTOCOL_UDP, PROTOCOL_TCP].map(
    (protocol): ExampleFrame => ({
      bytes: examplePacket(protocol, 64),
      gsoType: GsoType.none,
      segmentSize: 0,
    }),
  ),
  {
    bytes: examplePacket(PROTOCOL_TCP, SEGMENTS * SEGMENT_BYTES),
    gsoType: GsoType.tcp4,
    segmentSize: SEGMENT_BYTES,
  },
];

/** Between addresses of RFC 5737. */
function examplePacket(protocol: number, payloadBytes: number): Uint8Array {
  const transport = IPV4_HEADER_BYTES;
  const packet = new Uint8Array(transport + TCP_HEADER_BYTES + payloadBytes);
  packet[0] = 0x45;
  writeUint16(packet, IPV4_TOTAL_LENGTH, packet.length);
  packet[IPV4_TIME_TO_LIVE] = 64;
  packet[IPV4_PROTOCOL] = protocol;
  packet.set([192, 0, 2, 1], IPV4_SOURCE);
  packet.set([192, 0, 2, 2], IPV4_DESTINATION);
  writeIpv4Checksum(packet, 0);
  if (protocol === PROTOCOL_TCP) {
    packet[transport + TCP_DATA_OFFSET] = 5 << 4;
    packet[transport + TCP_FLAGS] = TCP_ACK;
  } else if (protocol === PROTOCOL_UDP)
    writeUint16(packet, transport + UDP_LENGTH, packet.length - transport);
  return packet;
}
