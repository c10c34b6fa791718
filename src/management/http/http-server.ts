// The HTTP listener: takes requests up to bounds of number, size, time and rate, and hands those that may ask to their
// routes. Whatever is wrong with a request ends with it. It shares the main thread, so a route that has much to say
// prepares it in slices (sliced.ts); packets go through another thread.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { monotonicMs } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Access } from './access.ts';
import { RefusedRequest } from './refused-request.ts';
import { sendReply, textReply, type Reply } from './reply.ts';
import { readJsonBody } from './request-body.ts';
import { RequestRate } from './request-rate.ts';
import { SourceRate, sourceOf, THIS_HOST } from './source-rate.ts';

// An import would read every export of it, and load fetch and WebSocket with that: 20 ms of a start.
const { createServer } = process.getBuiltinModule('node:http');

export const MOST_CONNECTIONS = 64;
/** But for this host: its users are one source, and a proxy is. */
const MOST_OF_ONE_SOURCE = 16;
const MOST_REQUESTS_OF_CONNECTION = 1000;
const MOST_HEADER_BYTES = 8192;
const MOST_HEADERS = 64;
const MOST_TARGET_CHARACTERS = 2048;
const HEADER_MS = 5000;
const REQUEST_MS = 10_000;
const IDLE_MS = 5000;
const CHECK_MS = 1000;
const REPLY_MS = 60_000;
const PER_SECOND = 50;
const BURST = 150;
const STRANGERS = { perSecond: PER_SECOND, burst: BURST };
const ALL_STRANGERS = { perSecond: 4 * PER_SECOND, burst: 4 * BURST };
/** Tokens that are none. Behind the bound of all, 16 digits take a million years. */
const GUESSES = { perSecond: 1, burst: 10 };
const ALL_GUESSES = { perSecond: 200, burst: 1000 };

export interface HttpRequest {
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Of POST, as JSON says it. */
  readonly body: unknown;
  /** Looks at a token that is shown. @throws RefusedRequest where too many were none: then it is not looked at */
  readonly tryToken: (token: string) => boolean;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Without a token, because it tells nothing. */
  readonly isOpen?: boolean;
  /** @throws RefusedRequest */
  readonly handle: (request: HttpRequest) => Reply | Promise<Reply>;
}

export interface HttpServerParts {
  readonly log: Logger;
  readonly access: Access;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  /** By path. */
  readonly routes: ReadonlyMap<string, Route>;
}

export class HttpServer {
  readonly #parts: HttpServerParts;
  readonly #server: Server;
  readonly #now: () => number;
  readonly #ofSource = new Map<string, number>();
  readonly #busy = new WeakSet<Socket>();
  readonly #lookers = new RequestRate(PER_SECOND, BURST);
  readonly #strangers = new SourceRate(STRANGERS, ALL_STRANGERS);
  readonly #guesses = new SourceRate(GUESSES, ALL_GUESSES);

  /** @param listen makes the server listen */
  static async open(parts: HttpServerParts, listen: (server: Server) => Promise<void>): Promise<HttpServer> {
    const opened = new HttpServer(parts);
    try {
      await listen(opened.#server);
    } catch (error) {
      opened.#server.close();
      throw error;
    }
    return opened;
  }

  private constructor(parts: HttpServerParts) {
    this.#parts = parts;
    this.#now = parts.now ?? monotonicMs;
    const server = createServer({
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: HEADER_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: CHECK_MS,
      requireHostHeader: true,
    });
    server.maxConnections = MOST_CONNECTIONS;
    server.maxHeadersCount = MOST_HEADERS;
    server.maxRequestsPerSocket = MOST_REQUESTS_OF_CONNECTION;
    server.on('connection', (socket: Socket) => {
      this.#count(socket);
    });
    server.on('clientError', refuseMalformed);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request, response);
    });
    this.#server = server;
  }

  get address(): ReturnType<Server['address']> {
    return this.#server.address();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.#server.closeAllConnections();
    await closed;
  }

  #count(socket: Socket): void {
    const source = sourceOf(socket.remoteAddress);
    if (source === THIS_HOST) return;
    const count = (this.#ofSource.get(source) ?? 0) + 1;
    this.#ofSource.set(source, count);
    socket.once('close', () => {
      const left = (this.#ofSource.get(source) ?? 1) - 1;
      if (left > 0) this.#ofSource.set(source, left);
      else this.#ofSource.delete(source);
    });
    if (count > MOST_OF_ONE_SOURCE) socket.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    // Nobody needs pipelining, and its answers would wait in memory.
    if (this.#busy.has(socket)) {
      socket.destroy();
      return;
    }
    this.#busy.add(socket);
    const late = setTimeout(() => response.destroy(), REPLY_MS);
    let reply: Reply | undefined;
    try {
      reply = await this.#reply(request);
      await sendReply(response, reply, request.method !== 'HEAD');
    } catch (error) {
      this.#parts.log.error({ err: error }, 'an HTTP request could not be answered');
      response.destroy();
    } finally {
      reply?.onSent?.();
      clearTimeout(late);
      this.#busy.delete(socket);
    }
  }

  async #reply(request: IncomingMessage): Promise<Reply> {
    try {
      return await this.#route(request);
    } catch (error) {
      if (error instanceof RefusedRequest) return error.reply;
      this.#parts.log.error({ err: error }, 'an HTTP request met an unforeseen error');
      return textReply(500, 'an unforeseen error; the log has it');
    }
  }

  async #route(request: IncomingMessage): Promise<Reply> {
    const { access, routes } = this.#parts;
    const { headers, url = '' } = request;
    if (url.length > MOST_TARGET_CHARACTERS) throw new RefusedRequest(414, 'the target is too long');
    if (!url.startsWith('/') || url.startsWith('//')) throw new RefusedRequest(400, 'the target is no path');
    if (!access.isOurHost(headers.host))
      throw new RefusedRequest(
        421,
        'this name is not known here: call it by its address, or write the name into management.http.hosts',
      );
    const [path = '', query = ''] = url.split('?', 2);
    const source = sourceOf(request.socket.remoteAddress);
    const tryToken = (token: string): boolean => this.#tryToken(source, token);
    const isKnown = access.mayLook(headers, tryToken);
    refuseUnless(isKnown ? this.#lookers.take(this.#now()) : this.#strangers.take(source, this.#now()));
    const route = routes.get(path);
    if (route === undefined) throw new RefusedRequest(404, 'there is nothing here');
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method !== route.method)
      throw new RefusedRequest(405, `only ${route.method} is answered here`, { Allow: route.method });
    if (route.isOpen !== true && !isKnown)
      throw new RefusedRequest(401, 'a token is needed here', { 'WWW-Authenticate': 'Bearer' });
    if (route.isOpen !== true || method === 'POST') checkOrigin(access, headers, method);
    const body = method === 'POST' ? await readJsonBody(request) : undefined;
    return route.handle({ query: new URLSearchParams(query), headers, body, tryToken });
  }

  /** A right one is never refused for what others have guessed: they cannot guess that, however often they may. */
  #tryToken(source: string, token: string): boolean {
    if (this.#parts.access.isToken(token)) return true;
    refuseUnless(this.#guesses.take(source, this.#now()));
    return false;
  }
}

function refuseUnless(isWithinBounds: boolean): void {
  if (!isWithinBounds) throw new RefusedRequest(429, 'too many requests', { 'Retry-After': '1' });
}

/** A form of another site cannot set headers, and cannot send JSON. */
function checkOrigin(access: Access, headers: IncomingMessage['headers'], method: Route['method']): void {
  const isOurs = access.isFromOurPage(headers);
  if (!isOurs || (method === 'POST' && headers['x-isthmus-request'] !== '1'))
    throw new RefusedRequest(403, 'this was asked by a page of somebody else');
}

/** What is no HTTP has one line for an answer, and ends the connection. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  // Who does not close it in turn is left.
  socket.destroySoon();
}
