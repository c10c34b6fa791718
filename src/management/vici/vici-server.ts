// The vici server on its UNIX socket: takes clients up to a bound, and tells them what happens. Whoever may open the
// socket may do everything that a command does; nothing of it touches a packet.

import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../../base/log.ts';
import { COMMANDS, EVENTS } from './commands.ts';
import { isControlLevel, logSection, wholeLine } from './log-section.ts';
import { eventSection } from './sa-section.ts';
import { listenOn, type SocketPlace } from './socket-file.ts';
import { ViciClient, type ViciClientParts } from './vici-client.ts';
import type { SaEvent, ViciGateway } from './vici-gateway.ts';

const MOST_CLIENTS = 32;
/** Of `log`: what strongSwan calls 0 and 1. */
const LOG_EVENT_LEVEL = 1;

export class ViciServer {
  readonly #server: Server;
  readonly #parts: ViciClientParts;
  readonly #log: Logger;
  readonly #clients = new Set<ViciClient>();
  #endListening: (() => void) | undefined;
  #hasRefused = false;

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
    if (this.#clients.size >= MOST_CLIENTS) {
      socket.destroy();
      if (!this.#hasRefused) this.#log.warn({ clients: MOST_CLIENTS }, 'no more vici clients are taken');
      this.#hasRefused = true;
      return;
    }
    const client = new ViciClient(socket, this.#parts);
    this.#clients.add(client);
    this.#endListening ??= this.#listen();
    socket.on('close', () => {
      this.#clients.delete(client);
      this.#hasRefused = false;
      if (this.#clients.size > 0) return;
      this.#endListening?.();
      this.#endListening = undefined;
    });
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
