// A client of a vici server, for tests: sends packets or any bytes, and keeps what comes back. Its decoder is that of
// the project, which has vectors of its own.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { decodeMessage } from '../../src/management/vici/decode-message.ts';
import { FrameReader } from '../../src/management/vici/frame-reader.ts';
import { EMPTY, type ViciElement, type ViciSection } from '../../src/management/vici/message.ts';
import { encodePacket, PacketType } from '../../src/management/vici/packet.ts';

export interface Reply {
  readonly type: number;
  /** Of an event. */
  readonly name: string;
  readonly message: unknown;
}

/** Sections as objects, values as text. */
export function plain(element: ViciElement): unknown {
  if (typeof element === 'string') return element;
  if (element instanceof Uint8Array) return Buffer.from(element).toString('utf8');
  if (element instanceof Map)
    return Object.fromEntries([...(element as ViciSection)].map(([name, one]) => [name, plain(one)]));
  return (element as readonly ViciElement[]).map(plain);
}

export class ViciCaller {
  readonly replies: Reply[] = [];
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  readonly #reader = new FrameReader();
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#wake?.());
    socket.on('data', (chunk: Buffer) => {
      for (const packet of this.#reader.take(chunk)) this.replies.push(readReply(packet));
      this.#wake?.();
    });
  }

  static async connect(path: string): Promise<ViciCaller> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new ViciCaller(socket);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  request(name: string, message: ViciSection = EMPTY): void {
    this.send(encodePacket(PacketType.CMD_REQUEST, message, name));
  }

  /** @returns the next reply that was not taken yet @throws where none comes any more */
  async next(): Promise<Reply> {
    for (;;) {
      const reply = this.replies.shift();
      if (reply !== undefined) return reply;
      if (this.socket.destroyed) throw new Error('the server has closed the connection');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async call(name: string, message?: ViciSection): Promise<Reply> {
    this.request(name, message);
    return this.next();
  }

  async register(event: string): Promise<Reply> {
    this.send(encodePacket(PacketType.EVENT_REGISTER, EMPTY, event));
    return this.next();
  }
}

function readReply(packet: Uint8Array): Reply {
  const [type = 0, nameBytes = 0] = packet;
  const isEvent = type === PacketType.EVENT;
  const at = isEvent ? 2 + nameBytes : 1;
  return {
    type,
    name: isEvent ? Buffer.from(packet.subarray(2, at)).toString('utf8') : '',
    message: plain(decodeMessage(packet.subarray(at))),
  };
}
