// A client of a gateway's vici socket: one request after another, and events while they are worked off or as they come.
// It speaks to strongSwan's daemon as well, as far as that knows the commands.

import { connect, type Socket } from 'node:net';
import { MalformedMessageError } from '../../../base/errors.ts';
import { FrameReader } from '../../vici/frame-reader.ts';
import { EMPTY, isYes, textOf, type ViciSection } from '../../vici/message.ts';
import { decodeServerPacket, encodePacket, PacketType, type ServerPacket } from '../../vici/packet.ts';
import { NoGatewayError, RefusedError } from './control-errors.ts';

type Listener = (message: ViciSection) => void;

interface Waiting {
  readonly resolve: (packet: ServerPacket) => void;
  readonly reject: (error: Error) => void;
}

export class ViciSession {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #listeners = new Map<string, Listener>();
  #waiting: Waiting | undefined;
  #failure: Error | undefined;

  private constructor(path: string, socket: Socket) {
    this.#path = path;
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    socket.on('error', (error) => {
      this.#fail(new NoGatewayError(`${path}: ${error.message}`));
    });
    socket.on('close', () => {
      this.#fail(
        new NoGatewayError(`${path}: the gateway has closed the connection, perhaps it was stopped`),
      );
    });
  }

  /** @throws NoGatewayError which says what to do */
  static async open(path: string): Promise<ViciSession> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error: NodeJS.ErrnoException) => {
        reject(new NoGatewayError(describeRefusal(path, error.code ?? error.message)));
      });
    });
    return new ViciSession(path, socket);
  }

  /** @returns the answer @throws RefusedError where the gateway says no, NoGatewayError where it is gone */
  async call(command: string, request: ViciSection = EMPTY): Promise<ViciSection> {
    const { type, message } = await this.#ask(encodePacket(PacketType.CMD_REQUEST, request, command));
    if (type === PacketType.CMD_UNKNOWN)
      throw new RefusedError(
        `${this.#path}: whoever answers there does not know ${command}: it is no Isthmus, or of another version`,
      );
    if (message.has('success') && !isYes(message, 'success'))
      throw new RefusedError(textOf(message, 'errmsg') ?? `${command} has failed`);
    return message;
  }

  /** Calls a command that streams. @returns its answer */
  async stream(
    command: string,
    event: string,
    request: ViciSection,
    listener: Listener,
  ): Promise<ViciSection> {
    await this.listen(event, listener);
    try {
      return await this.call(command, request);
    } finally {
      this.#listeners.delete(event);
      if (this.#failure === undefined)
        await this.#ask(encodePacket(PacketType.EVENT_UNREGISTER, EMPTY, event));
    }
  }

  /** Hears of what happens from now on. @throws RefusedError where there is no such event */
  async listen(event: string, listener: Listener): Promise<void> {
    this.#listeners.set(event, listener);
    const { type } = await this.#ask(encodePacket(PacketType.EVENT_REGISTER, EMPTY, event));
    if (type !== PacketType.EVENT_CONFIRM)
      throw new RefusedError(
        `${this.#path}: whoever answers there does not know ${event}: it is no Isthmus, or of another version`,
      );
  }

  /** Resolves never. @throws NoGatewayError when the gateway is gone */
  async untilGone(): Promise<never> {
    if (this.#failure !== undefined) throw this.#failure;
    return new Promise<never>((_resolve, reject) => {
      this.#waiting = { resolve: () => undefined, reject };
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  async #ask(packet: Buffer): Promise<ServerPacket> {
    if (this.#failure !== undefined) throw this.#failure;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(packet);
    });
  }

  #take(chunk: Buffer): void {
    try {
      for (const bytes of this.#reader.take(chunk)) this.#handle(decodeServerPacket(bytes));
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.#fail(
        new NoGatewayError(`${this.#path}: what answers there does not speak vici: ${error.message}`),
      );
    }
  }

  #handle(packet: ServerPacket): void {
    if (packet.type === PacketType.EVENT) {
      this.#listeners.get(packet.name)?.(packet.message);
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(packet);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(this.#failure);
  }
}

function describeRefusal(path: string, code: string): string {
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
      return `${path}: no gateway answers there (${code}): start one with isthmus run -c FILE, or name its socket with --socket PATH`;
    case 'EACCES':
    case 'EPERM':
      return `${path}: this user may not open it (${code}): be root, or of the group that management.vici.group names`;
    default:
      return `${path}: cannot be connected to (${code})`;
  }
}
