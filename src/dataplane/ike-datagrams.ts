// IKE datagrams between the sockets and the main thread (RFC 7296 §2.23, RFC 3948 §2.2). Anybody can send them, so a
// bounded number is on the way to the main thread at any time, and a bounded number is taken in one turn; whoever shows
// more finds room that those who show less leave. They are few: here, unlike beside ESP, memory is allocated for each.

import { InvariantError } from '../base/errors.ts';
import { readInt32, readUint16 } from '../wire/bytes.ts';
import { NON_ESP_MARKER_BYTES } from '../wire/esp.ts';
import { ExchangeType, NotifyType, PayloadType } from '../wire/ike/iana.ts';
import {
  IKE_EXCHANGE_TYPE,
  IKE_FLAG_INITIATOR,
  IKE_FLAGS,
  IKE_HEADER_BYTES,
  IKE_INITIATOR_SPI,
  IKE_LENGTH,
  IKE_NEXT_PAYLOAD,
  IKE_RESPONDER_SPI,
} from '../wire/ike/ike-header.ts';
import { ADDRESS_CELL_BYTES, DatagramIn, DatagramOut, type BatchMemory } from './batch-memory.ts';
import type { DataPlaneEvent } from './commands.ts';
import { Counter, type Counters } from './counters.ts';
import type { Captures } from './capture/captures.ts';
import type { Devices } from './devices.ts';
import { Drop, PASS, type DropReason } from './drop-reasons.ts';
import { IKE_ENDPOINT } from './endpoint-rows.ts';
import { FIRST_MESSAGES_PER_SECOND } from './first-message-filter.ts';
import { IkeAcquaintances } from './ike-acquaintances.ts';
import type { OuterEndpoints, SendIke } from './ike-events.ts';
import type { IkePath, IkeSocket } from './ike-socket.ts';
import { TokenBucket } from './token-bucket.ts';

/** What a datagram shows of its sender before anybody has looked into it. Each may be forged by who knows it. */
const Standing = {
  /** Nothing. */
  stranger: 1,
  /** A first message with a cookie: perhaps its sender receives at its address (RFC 7296 §2.6). */
  cookie: 2,
  /** The address of a peer of the configuration. */
  peer: 3,
  /** The SPI of an IKE SA. */
  ikeSa: 4,
} as const;
type Standing = (typeof Standing)[keyof typeof Standing];

/** Times the standing: datagrams that the main thread has not taken yet, of all senders, up to which there is room. */
const MOST_IN_FLIGHT = 64;
const MOST_IN_A_TURN = 32;
/** Of first messages, with a cookie and without: more than handshakes that can be made, and few beside a flood. */
const FIRST_MESSAGES: readonly [perSecond: number, burst: number] = [FIRST_MESSAGES_PER_SECOND, 256];
const UNKNOWN_SPI_INTERVAL_MS = 1000;
/** Of messages that are for no IKE SA, and are no first ones: they are told so, or nothing is done (RFC 7296 §2.21.4). */
const UNKNOWN_PER_SECOND = 50;
/** The largest UDP payload over IPv4. */
const MAX_DATAGRAM_BYTES = 65_507;
/** RFC 7296 §3.10: up to the data of a Notify payload, and where its type stands. */
const NOTIFY_HEADER_BYTES = 8;
const NOTIFY_TYPE = 6;
/** Above every index. */
const NO_SOCKET = 0x7fff_ffff;

export interface IkeDatagramsParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  readonly counters: Counters;
  /** undefined: there is no IKE. */
  readonly ike?: IkePath | undefined;
  readonly captures: Pick<Captures, 'tap'>;
  readonly onEvent: (event: DataPlaneEvent) => void;
}

export class IkeDatagrams {
  readonly #parts: IkeDatagramsParts;
  readonly #acquaintances: IkeAcquaintances | undefined;
  readonly #strangers = new TokenBucket(...FIRST_MESSAGES);
  readonly #cookies = new TokenBucket(...FIRST_MESSAGES);
  readonly #unknown = new TokenBucket(UNKNOWN_PER_SECOND, UNKNOWN_PER_SECOND);
  /** From this socket on what is received has no marker, and is never ESP. */
  readonly firstOwnSocket: number;
  #told = 0;
  #inTurn = 0;
  /** Monotonic milliseconds. */
  #nextUnknownSpiMs = -Infinity;

  constructor(parts: IkeDatagramsParts) {
    this.#parts = parts;
    this.#acquaintances = parts.ike && new IkeAcquaintances(parts.ike.acquaintances);
    const own = parts.ike?.sockets.find(({ hasMarker }) => !hasMarker);
    this.firstOwnSocket = own?.socket ?? NO_SOCKET;
  }

  startTurn(): void {
    this.#inTurn = 0;
  }

  /** Hands a datagram up. @param offset of the IKE header, behind the marker */
  take(datagram: number, offset: number, length: number): DropReason {
    const { ike, memory, counters, onEvent } = this.#parts;
    if (ike === undefined) return Drop.inboundIkeUnsupported;
    // RFC 3948 §2.3: a keepalive, wherever it was sent to.
    if (length <= 1) return Drop.inboundTruncated;
    // Of every major version (RFC 7296 §2.5).
    if (length < IKE_HEADER_BYTES || readInt32(memory.arena, offset + IKE_LENGTH) !== length)
      return Drop.inboundIkeMalformed;
    const inFlight = (this.#told - Atomics.load(ike.taken, 0)) | 0;
    const standing = this.#standingOf(datagram, offset, length);
    if (standing <= Standing.cookie)
      if (isFirstMessage(memory.arena, offset)) this.#countFirst(standing);
      else if (!this.#unknown.take(memory.clock[0]!)) return Drop.inboundIkeUnknownSpi;
    if (inFlight >= standing * MOST_IN_FLIGHT || this.#inTurn >= MOST_IN_A_TURN)
      return Drop.inboundIkeBacklog;
    if (!this.#isWithinRate(standing)) return Drop.inboundIkeBacklog;
    this.#told = (this.#told + 1) | 0;
    this.#inTurn++;
    counters[Counter.ikeDatagrams] = counters[Counter.ikeDatagrams]! + 1;
    onEvent({
      type: 'ike-datagram',
      ...this.#outerEndpoints(datagram),
      bytes: memory.arena.slice(offset, offset + length),
    });
    return PASS;
  }

  #countFirst(standing: Standing): void {
    const { counters } = this.#parts;
    const cell = standing === Standing.cookie ? Counter.cookieFirstMessages : Counter.strangersFirstMessages;
    counters[cell] = counters[cell]! + 1;
  }

  #isWithinRate(standing: Standing): boolean {
    if (standing > Standing.cookie) return true;
    const bucket = standing === Standing.cookie ? this.#cookies : this.#strangers;
    return bucket.take(this.#parts.memory.clock[0]!);
  }

  /** @param length at least that of an IKE header */
  #standingOf(datagram: number, offset: number, length: number): Standing {
    const { arena, datagramsIn, sources } = this.#parts.memory;
    // RFC 7296 §3.1: whoever began has the Initiator flag set, so the other SPI is this side's.
    const isFromInitiator = (arena[offset + IKE_FLAGS]! & IKE_FLAG_INITIATOR) !== 0;
    const spi = offset + (isFromInitiator ? IKE_RESPONDER_SPI : IKE_INITIATOR_SPI);
    if (this.#acquaintances?.mayHaveSpi(arena, spi) === true) return Standing.ikeSa;
    const addressBytes = datagramsIn[datagram * DatagramIn.stride + DatagramIn.family] === 4 ? 4 : 16;
    if (this.#acquaintances?.mayBePlace(sources, datagram * ADDRESS_CELL_BYTES, addressBytes) === true)
      return Standing.peer;
    return beginsWithCookie(arena, offset, length) ? Standing.cookie : Standing.stranger;
  }

  /** Tells of an ESP packet without an SA, now and then. @param spi signed or unsigned 32 bits */
  tellUnknownSpi(datagram: number, spi: number): void {
    const { ike, memory, onEvent } = this.#parts;
    if (ike === undefined || memory.clock[0]! < this.#nextUnknownSpiMs) return;
    this.#nextUnknownSpiMs = memory.clock[0]! + UNKNOWN_SPI_INTERVAL_MS;
    onEvent({ type: 'unknown-spi', spi: spi >>> 0, ...this.#outerEndpoints(datagram) });
  }

  /** Where a received datagram came from, and where to. */
  #outerEndpoints(datagram: number): OuterEndpoints {
    const { ike, memory } = this.#parts;
    const { datagramsIn, sources, destinations } = memory;
    const row = datagram * DatagramIn.stride;
    const socket = datagramsIn[row + DatagramIn.socket]!;
    const family = datagramsIn[row + DatagramIn.family] === 4 ? 4 : 6;
    const cell = datagram * ADDRESS_CELL_BYTES;
    const end = cell + (family === 4 ? 4 : 16);
    const bound = ike?.sockets[socket];
    const told = destinations.slice(cell, end);
    return {
      socket,
      family,
      source: sources.slice(cell, end),
      sourcePort: datagramsIn[row + DatagramIn.sourcePort]!,
      // Devices that are not told leave it zero; then what the socket is bound to is all that is known.
      destination: bound !== undefined && told.every((byte) => byte === 0) ? bound.address.slice() : told,
      localPort: bound?.port ?? 0,
    };
  }

  /** Sends a datagram of the main thread. Never called while a batch is in work. */
  send(command: SendIke): void {
    const { socket, address, port, bytes } = command;
    const { memory, devices, counters, captures } = this.#parts;
    const { arena, datagramsOut, scratchOffset } = memory;
    const { hasMarker } = this.#socketOf(socket, address);
    const markerBytes = hasMarker ? NON_ESP_MARKER_BYTES : 0;
    const length = markerBytes + bytes.length;
    if (length > MAX_DATAGRAM_BYTES) throw new InvariantError(`an IKE message of ${bytes.length} bytes`);
    arena.fill(0, scratchOffset, scratchOffset + markerBytes);
    arena.set(bytes, scratchOffset + markerBytes);
    datagramsOut.fill(0, 0, DatagramOut.stride);
    datagramsOut[DatagramOut.offset] = scratchOffset;
    datagramsOut[DatagramOut.length] = length;
    datagramsOut[DatagramOut.endpoint] = IKE_ENDPOINT;
    devices.setEndpoint(IKE_ENDPOINT, socket, address, port);
    devices.udpSend(1);
    captures.tap?.sentIke(command);
    const cell = datagramsOut[DatagramOut.status] === 0 ? Counter.ikeDatagramsSent : Drop.outboundSendFailed;
    counters[cell] = counters[cell]! + 1;
  }

  #socketOf(socket: number, address: Uint8Array): IkeSocket {
    const found = this.#parts.ike?.sockets[socket];
    if (found === undefined) throw new InvariantError(`IKE has no socket ${socket}`);
    if (address.length !== (found.family === 4 ? 4 : 16))
      throw new InvariantError(
        `socket ${socket} is not of the family of an address of ${address.length} bytes`,
      );
    return found;
  }
}

/** RFC 7296 §3.1: nobody has chosen the responder's SPI yet. */
function isFirstMessage(bytes: Uint8Array, offset: number): boolean {
  return (
    bytes[offset + IKE_EXCHANGE_TYPE] === ExchangeType.IKE_SA_INIT &&
    readInt32(bytes, offset + IKE_RESPONDER_SPI) === 0 &&
    readInt32(bytes, offset + IKE_RESPONDER_SPI + 4) === 0
  );
}

/** RFC 7296 §2.6: where a first message has a cookie, it stands before everything else. */
function beginsWithCookie(bytes: Uint8Array, offset: number, length: number): boolean {
  return (
    length >= IKE_HEADER_BYTES + NOTIFY_HEADER_BYTES &&
    bytes[offset + IKE_NEXT_PAYLOAD] === PayloadType.N &&
    readUint16(bytes, offset + IKE_HEADER_BYTES + NOTIFY_TYPE) === NotifyType.COOKIE
  );
}
