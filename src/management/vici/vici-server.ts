// The vici server on its UNIX socket: takes clients up to a bound, and tells them what happens. Whoever may open the
// socket may do everything that a command does; nothing of it touches a packet. Where there are too many clients, an idle one
// gives way, so that an operator gets in.

import { createServer, type Server, type Socket } from 'node:net';
import { monotonicMs } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { COMMANDS, EVENTS } from './commands.ts';
import { isControlLevel, logSection, wholeLine } from './log-section.ts';
import { eventSection } from './sa-section.ts';
import { listenOn, type SocketPlace } from './socket-file.ts';
import { ViciClient, type ViciClientParts } from './vici-client.ts';
import type { SaEvent, ViciGateway } from './vici-gateway.ts';

const MOST_CLIENTS = 32;
/** Of those that have asked something, so many keep their places: a monitor may be silent for long. */
const MOST_KEPT = 16;
const TELL_AGAIN_MS = 60_000;
/** Of `log`: what strongSwan calls 0 and 1. */
const LOG_EVENT_LEVEL = 1;

export class ViciServer {
  readonly #server: Server;
  readonly #parts: ViciClientParts;
  readonly #log: Logger;
  readonly #clients = new Set<ViciClient>();
  #endListening: (() => void) | undefined;
  /** When a sentence was logged, in monotonic milliseconds. */
  readonly #toldMs = new Map<string, number>();

  private constructor(server: Server, gateway: ViciGateway, log: Logger) {
    this.#server = server;
    this.#log = log;
    this.#parts = { gateway, log, commands: COMMANDS, events: EVENTS };
    server.on('connection', (socket) => {
      this.#welcome(socket);
    });
  }

  /** @throws EnvironmentError where the socket cannot be there */
  static async open(place: SocketPlace, gateway: ViciGateway, log: Logger): Promise<ViciServer> {
    const server = createServer();
    try {
      await listenOn(server, place);
    } catch (error) {
      server.close();
      throw error;
    }
    return new ViciServer(server, gateway, log);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    for (const client of this.#clients) client.close();
    await closed;
  }

  #welcome(socket: Socket): void {
    if (this.#clients.size >= MOST_CLIENTS && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    const client = new ViciClient(socket, this.#parts);
    this.#clients.add(client);
    this.#endListening ??= this.#listen();
    socket.on('close', () => {
      this.#clients.delete(client);
      if (this.#clients.size > 0) return;
      this.#endListening?.();
      this.#endListening = undefined;
    });
  }

  #makeRoom(): boolean {
    const idlest = this.#idlest();
    if (idlest === undefined) {
      this.#warnOfMany('no more vici clients are taken: all wait for an answer');
      return false;
    }
    this.#warnOfMany('no more vici clients are taken at once: the longest idle gives way to the next');
    // Not at its 'close', which comes later than the next client may.
    this.#clients.delete(idlest);
    idlest.close();
    return true;
  }

  #idlest(): ViciClient | undefined {
    let kept = 0;
    const others = [...this.#clients].filter(({ hasAsked }) => !hasAsked || ++kept > MOST_KEPT);
    return others
      .filter(({ isBusy }) => !isBusy)
      .reduce<ViciClient | undefined>(
        (idlest, one) => (idlest !== undefined && idlest.idleSinceMs <= one.idleSinceMs ? idlest : one),
        undefined,
      );
  }

  /** Anybody who may open the socket can cause it, again and again. */
  #warnOfMany(sentence: string): void {
    const nowMs = monotonicMs();
    if (nowMs - (this.#toldMs.get(sentence) ?? -Infinity) < TELL_AGAIN_MS) return;
    this.#toldMs.set(sentence, nowMs);
    this.#log.warn({ clients: MOST_CLIENTS }, sentence);
  }

  /** Only while there are clients: what nobody hears costs nothing. */
  #listen(): () => void {
    const { gateway } = this.#parts;
    const ends = [
      gateway.onLog((line) => {
        this.#tellLog(line);
      }),
      gateway.onSaEvent((event) => {
        this.#tellSaEvent(event);
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  #tellLog(line: string): void {
    for (const client of this.#clients) client.notify('isthmus-log', () => wholeLine(line));
    if (!isControlLevel(line, LOG_EVENT_LEVEL)) return;
    let made: ReturnType<typeof logSection> | undefined;
    for (const client of this.#clients) client.notify('log', () => (made ??= logSection(line, 'thread')));
  }

  #tellSaEvent(event: SaEvent): void {
    for (const client of this.#clients) client.notify(event.type, () => eventSection(event));
  }
}
