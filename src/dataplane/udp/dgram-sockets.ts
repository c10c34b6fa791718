// UDP sockets by node:dgram, for use without the native addon: one datagram a call, no offloads, no firewall
// mark, and no traffic class (node:dgram neither sets nor tells it: outer DSCP and ECN are 0 both ways, which
// RFC 6040 §4.1 calls compatibility mode).

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { LookupOneOptions } from 'node:dns';
import { constants } from 'node:os';
import { formatAddress, parseAddress, type Address } from '../../base/address.ts';
import { NativeError } from '../../base/errors.ts';

export interface DgramOptions {
  /** Wanted SO_RCVBUF and SO_SNDBUF in bytes; the kernel may give less. */
  readonly bufferBytes: number;
  /** Most datagrams that wait in the process for the kernel to take them. */
  readonly sendQueueDatagrams?: number;
}

export interface ListenAddress {
  readonly address: Address;
  /** 0 lets the kernel choose. */
  readonly port: number;
}

export interface DgramHandlers {
  /** @param bytes the callee's own */
  readonly onDatagram: (bytes: Uint8Array, sourceAddress: Uint8Array, sourcePort: number) => void;
  /** A datagram was taken with 0 and failed afterwards. */
  readonly onSendError: (error: Error) => void;
  /** The socket itself failed after it was bound. */
  readonly onError: (error: Error) => void;
}

const DEFAULT_SEND_QUEUE_DATAGRAMS = 1024;

export class DgramSocket {
  /** The port that the kernel gave. */
  readonly port: number;
  readonly #socket: Socket;
  readonly #sendQueueDatagrams: number;
  readonly #onSent: (error: Error | null) => void;
  #handlers: DgramHandlers | undefined;
  #waiting = 0;

  private constructor(socket: Socket, options: DgramOptions) {
    this.#socket = socket;
    this.port = socket.address().port;
    this.#sendQueueDatagrams = options.sendQueueDatagrams ?? DEFAULT_SEND_QUEUE_DATAGRAMS;
    // One function for all datagrams, so that none is made for each.
    this.#onSent = (error) => {
      this.#waiting--;
      if (error !== null) this.#handlers?.onSendError(error);
    };
  }

  /** @throws NativeError where the address cannot be bound */
  static async bind(listen: ListenAddress, options: DgramOptions): Promise<DgramSocket> {
    const { address, port } = listen;
    const socket = createSocket({
      type: address.family === 4 ? 'udp4' : 'udp6',
      ipv6Only: address.family === 6,
      lookup: literalAddress,
    });
    await bound(socket, formatAddress(address), port);
    socket.setRecvBufferSize(options.bufferBytes);
    socket.setSendBufferSize(options.bufferBytes);
    return new DgramSocket(socket, options);
  }

  start(handlers: DgramHandlers): void {
    this.#handlers = handlers;
    this.#socket.on('error', handlers.onError);
    this.#socket.on('message', (bytes: Buffer, { address, port }: RemoteInfo) => {
      // A link-local source carries its zone behind a `%`.
      const source = parseAddress(address.split('%', 1)[0] ?? address);
      if (source !== undefined) handlers.onDatagram(bytes, source.bytes, port);
    });
  }

  /**
   * Sends one datagram.
   * @param bytes the socket's until it is sent
   * @returns 0, or EAGAIN where too many datagrams wait already
   */
  send(bytes: Uint8Array, address: string, port: number): number {
    if (this.#waiting >= this.#sendQueueDatagrams) return constants.errno.EAGAIN;
    this.#waiting++;
    this.#socket.send(bytes, port, address, this.#onSent);
    return 0;
  }

  /** Resolves when the port is free again. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#socket.close(resolve);
    });
  }
}

/** Binds a socket to each address; closes them all where one cannot be bound. @throws NativeError */
export async function bindDgramSockets(
  listen: readonly ListenAddress[],
  options: DgramOptions,
): Promise<DgramSocket[]> {
  const sockets: DgramSocket[] = [];
  try {
    for (const one of listen) sockets.push(await DgramSocket.bind(one, options));
  } catch (error) {
    await Promise.all(sockets.map((socket) => socket.close()));
    throw error;
  }
  return sockets;
}

async function bound(socket: Socket, address: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      socket.close();
      reject(bindError(error, address, port));
    };
    socket.once('error', fail);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', fail);
      resolve();
    });
  });
}

function bindError(error: NodeJS.ErrnoException, address: string, port: number): NativeError {
  const device = address.includes(':') ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
  const code = error.code ?? 'UNKNOWN';
  return new NativeError(
    `cannot bind UDP ${device}: ${explain(code) ?? error.message}`,
    code,
    error.syscall ?? 'bind',
    device,
  );
}

function explain(code: string): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program has this address and port (EADDRINUSE); stop it or listen elsewhere';
    case 'EACCES':
      return 'no permission (EACCES); a port below 1024 needs the capability CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
      return 'no interface has this address (EADDRNOTAVAIL)';
    default:
      return undefined;
  }
}

// Addresses are literal here. node:dgram would ask its resolver for each datagram, a turn of the loop later.
function literalAddress(
  hostname: string,
  _options: LookupOneOptions,
  callback: (error: Error | null, address: string, family: number) => void,
): void {
  callback(null, hostname, hostname.includes(':') ? 6 : 4);
}
