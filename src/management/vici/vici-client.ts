// One client of the vici server. Its packets are worked off in order, one at a time, as the protocol has it. What waits
// has a bound in both directions: a client that sends faster than it is served, or does not read, is closed.

import type { Socket } from 'node:net';
import { monotonicMs } from '../../base/clock.ts';
import { ConfigError, MalformedMessageError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { failure, type Asking, type Command } from './command.ts';
import { FrameReader } from './frame-reader.ts';
import { MOST_PACKET_BYTES, ViciRequestError, type ViciSection } from './message.ts';
import { decodeClientPacket, encodePacket, PacketType } from './packet.ts';
import type { ViciGateway } from './vici-gateway.ts';

/** Of packets that wait behind a command. */
const MOST_WAITING_BYTES = MOST_PACKET_BYTES;
/** Of events that the client has not read. A command that streams waits long before. */
const MOST_UNREAD_BYTES = 1024 * 1024;
const STREAM_BYTES = 64 * 1024;
/** A command waits so long for the client to read. */
const READ_LIMIT_MS = 30_000;

export interface ViciClientParts {
  readonly gateway: ViciGateway;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  readonly commands: ReadonlyMap<string, Command>;
  /** Names that a client may register for. */
  readonly events: ReadonlySet<string>;
  readonly readLimitMs?: number;
}

export class ViciClient {
  readonly #socket: Socket;
  readonly #parts: ViciClientParts;
  readonly #reader = new FrameReader();
  readonly #registered = new Set<string>();
  readonly #gone = new AbortController();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isBusy = false;
  #hasAsked = false;
  #idleSinceMs = monotonicMs();

  constructor(socket: Socket, parts: ViciClientParts) {
    this.#socket = socket;
    this.#parts = parts;
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    // It has gone, or was closed while something was on the way to it.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#gone.abort();
    });
  }

  /** It waits for an answer, or has one to read. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** It has sent a packet, and a whole one. */
  get hasAsked(): boolean {
    return this.#hasAsked;
  }

  /** Monotonic. */
  get idleSinceMs(): number {
    return this.#idleSinceMs;
  }

  /** For an event that no command of this client asked for. */
  notify(event: string, message: () => ViciSection): void {
    if (!this.#registered.has(event) || this.#gone.signal.aborted) return;
    try {
      this.#send(encodePacket(PacketType.EVENT, message(), event));
    } catch (error) {
      // Whoever tells of something has nothing to do with who hears it.
      this.#refuse(error);
    }
    if (this.#socket.writableLength > MOST_UNREAD_BYTES) this.#close('it does not read its events');
  }

  close(): void {
    this.#socket.destroy();
    this.#gone.abort();
  }

  #take(chunk: Buffer): void {
    try {
      for (const packet of this.#reader.take(chunk)) {
        this.#waiting.push(packet);
        this.#waitingBytes += packet.length;
      }
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.#waitingBytes > MOST_WAITING_BYTES && this.#isBusy)
      this.#close('it sends more than it waits for');
    else if (!this.#isBusy) void this.#workOff();
  }

  async #workOff(): Promise<void> {
    this.#isBusy = true;
    for (let packet = this.#waiting.shift(); packet !== undefined; packet = this.#waiting.shift()) {
      this.#waitingBytes -= packet.length;
      if (this.#gone.signal.aborted) break;
      try {
        await this.#execute(packet);
      } catch (error) {
        this.#refuse(error);
      }
      // It may have brought a secret.
      packet.fill(0);
    }
    this.#waiting = [];
    this.#isBusy = false;
    this.#idleSinceMs = monotonicMs();
  }

  async #execute(bytes: Uint8Array): Promise<void> {
    const { type, name, message } = decodeClientPacket(bytes);
    this.#hasAsked = true;
    if (type === PacketType.CMD_REQUEST) return this.#answer(name, message);
    const isKnown = this.#parts.events.has(name);
    if (type === PacketType.EVENT_REGISTER && isKnown) this.#registered.add(name);
    // As strongSwan has it: who was not registered cannot be taken from the list.
    const isDone = type === PacketType.EVENT_REGISTER ? isKnown : this.#registered.delete(name);
    this.#send(encodePacket(isDone ? PacketType.EVENT_CONFIRM : PacketType.EVENT_UNKNOWN));
    await this.#drained();
  }

  async #answer(name: string, request: ViciSection): Promise<void> {
    const command = this.#parts.commands.get(name);
    const packet =
      command === undefined ? encodePacket(PacketType.CMD_UNKNOWN) : await this.#run(name, command, request);
    if (this.#gone.signal.aborted) return;
    this.#send(packet);
    await this.#drained();
  }

  /** @returns the answer, whatever happens */
  async #run(name: string, command: Command, request: ViciSection): Promise<Buffer> {
    const asking: Asking = {
      signal: this.#gone.signal,
      emit: async (event, message) => {
        if (!this.#registered.has(event) || this.#gone.signal.aborted) return;
        this.#send(encodePacket(PacketType.EVENT, message, event));
        await this.#drained();
      },
    };
    try {
      const answer = await command(this.#parts.gateway, request, asking);
      return encodePacket(PacketType.CMD_RESPONSE, answer);
    } catch (error) {
      const isTold = error instanceof ViciRequestError || error instanceof ConfigError;
      if (!isTold) this.#parts.log.error({ err: error, command: name }, 'a vici command has failed');
      const message = isTold
        ? error.message.replaceAll('\n', '; ')
        : 'an unforeseen error; the log of the gateway has it';
      return encodePacket(PacketType.CMD_RESPONSE, failure(message));
    }
  }

  #send(packet: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(packet);
  }

  /** Waits until the client has read so much that there is room for more. */
  async #drained(): Promise<void> {
    if (this.#socket.writableLength <= STREAM_BYTES) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(limit);
        this.#socket.off('drain', done);
        this.#gone.signal.removeEventListener('abort', done);
        resolve();
      };
      const limit = setTimeout(() => {
        this.#close('it does not read what it asked for');
        done();
      }, this.#parts.readLimitMs ?? READ_LIMIT_MS);
      this.#socket.on('drain', done);
      this.#gone.signal.addEventListener('abort', done);
    });
  }

  #refuse(error: unknown): void {
    if (error instanceof MalformedMessageError) return this.#close(error.message);
    this.#parts.log.error({ err: error }, 'a defect in what a vici client is told');
    this.#close('it cannot be told what happens');
  }

  #close(reason: string): void {
    if (this.#gone.signal.aborted) return;
    // First: what is logged goes to the clients too.
    this.close();
    this.#parts.log.warn({ reason }, 'a vici client was closed');
  }
}
