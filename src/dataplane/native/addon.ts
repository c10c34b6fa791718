// The typed face of the native addon (native/). Everything the addon offers is declared here, but for what IKE asks of it.

import type { NativeCrypto } from '../../crypto/native/native-crypto.ts';
import type { BatchMemory } from '../batch-memory.ts';
import type { EngineOptions } from '../engine.ts';

export interface TunOptions {
  readonly name: string;
  /** Each is asked for and dropped where the kernel has it not; see {@link OpenTun.offloads}. */
  readonly checksum: boolean;
  readonly tso: boolean;
  readonly uso: boolean;
}

export interface OpenTun {
  readonly fd: number;
  /** The name that the kernel gave. */
  readonly name: string;
  /** What the kernel granted. */
  readonly offloads: { readonly checksum: boolean; readonly tso: boolean; readonly uso: boolean };
}

export interface UdpOptions {
  /** 4 or 16 bytes in network order. */
  readonly address: Uint8Array;
  readonly port: number;
  /** SO_MARK, 0 = none. */
  readonly mark: number;
  /** With sockets of this process, and no other's. */
  readonly reusePort: boolean;
  /** Opens a second one beside it, for the peer that sends most; not with `reusePort`. */
  readonly peer: boolean;
  /** Wanted SO_RCVBUF and SO_SNDBUF in bytes. */
  readonly bufferBytes: number;
  readonly gso: boolean;
  readonly gro: boolean;
}

export interface OpenUdp {
  readonly fd: number;
  /** The socket beside it for the peer that sends most; -1 = none. */
  readonly peer: number;
  /** The port that the kernel gave; differs from the one asked for only where that was 0. */
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  readonly gso: boolean;
  readonly gro: boolean;
}

export interface NativeDevicesHandle {
  wait(timeoutMs: number, busyMicroseconds: number): number;
  tunRead(): number;
  tunWrite(count: number): number;
  clearWrite(count: number): number;
  udpReceive(): number;
  udpSend(count: number): void;
  setEndpoint(endpoint: number, socket: number, address: Uint8Array, port: number): void;
  expectMoreFrom(datagram: number): void;
}

/** An SA as the addon takes it. All bytes are borrowed until return; what a transform has not is empty. */
export interface NativeSa {
  /** IANA number; the key length tells AES-128, -192 and -256 apart. */
  readonly encryptionId: number;
  /** IANA number; 0 for a combined mode. */
  readonly integrityId: number;
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly integrityKey: Uint8Array;
  /** 32 bytes, for an outbound SA with AES-CBC alone. */
  readonly ivKey: Uint8Array;
  readonly spi: number;
  readonly esn: boolean;
}

export interface NativeEngineHandle {
  installOutbound(slot: number, sa: NativeSa): void;
  installInbound(slot: number, sa: NativeSa): void;
  remove(slot: number): void;
  grantSequenceNumbers(slot: number, first: number, end: number): void;
  seal(count: number): void;
  open(count: number): void;
  coalesce(count: number): number;
}

export interface NativeAddon extends NativeCrypto {
  /**
   * Opens `/dev/net/tun` with IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE, non-blocking; 4096 packets may wait
   * in it for the worker.
   */
  openTun(options: TunOptions): OpenTun;
  openUdp(options: UdpOptions): OpenUdp;
  /**
   * Of sockets that share an address, has each take the packets whose first word (the SPI; 0 of IKE) modulo `sockets` is its
   * place in the order in which they were opened. A train goes where its first packet does.
   * @param fd any of them; closing one would give the others new places
   */
  steerBySpi(fd: number, sockets: number): void;
  /** An eventfd, non-blocking. */
  createWakeup(): number;
  signalWakeup(fd: number): void;
  /**
   * Hands the kernel one datagram without waiting, behind a non-ESP marker where it is asked for (RFC 3948 §2.2).
   * @param address 4 or 16 bytes in network order, of the socket's family
   * @returns 0, or the errno
   */
  sendDatagram(fd: number, hasMarker: boolean, address: Uint8Array, port: number, bytes: Uint8Array): number;
  /**
   * Lets the kernel drop first messages of IKE at the socket, before anything is spent on them (RFC 7296 §2.6).
   * @param known addresses whose messages all pass: 4 or 16 bytes each, one behind the other, at most 512 of IPv4 or 128
   *   of IPv6
   * @param strangersOneIn one in so many without a cookie passes, by chance; a power of two
   * @param cookiesOneIn of those with a cookie; both 1: no filter
   */
  filterFirstMessages(
    fd: number,
    hasMarker: boolean,
    known: Uint8Array,
    strangersOneIn: number,
    cookiesOneIn: number,
  ): void;
  /** @returns datagrams that the kernel has dropped at the socket, by its filter or for want of room; modulo 2^32 */
  kernelDrops(fd: number): number;
  closeDescriptor(fd: number): void;
  /**
   * Another program in the place of this process; returns only by throwing, and then everything is as before.
   * @param file path @param environment `NAME=value` @param descriptors stay open in it; all others are closed
   */
  replaceProcess(
    file: string,
    argv: readonly string[],
    environment: readonly string[],
    descriptors: readonly number[],
  ): void;
  /** A descriptor that was inherited: programs that this process starts do not have it. */
  adoptDescriptor(fd: number): void;
  /** No core file, and nobody but root may read this process's memory, from now on. */
  hardenProcess(): void;
  /** Its pages are never swapped, nor part of a core file (mlock(2), MADV_DONTDUMP). */
  lockMemory(memory: Uint8Array<SharedArrayBuffer>): void;
  /** The OpenSSL that answers at run time, for the log. */
  opensslVersion(): string;
  /** Whether Intel's ipsec-mb is there: its version, or why it is missing; the other one is empty. */
  ipsecMb(): { readonly version: string; readonly missing: string };
  readonly Devices: new (
    memory: BatchMemory,
    descriptors: {
      readonly tun: number;
      readonly write: number;
      readonly clear: number;
      readonly sockets: readonly number[];
      readonly peers?: readonly number[];
      readonly wakeup: number;
    },
  ) => NativeDevicesHandle;
  readonly Engine: new (memory: BatchMemory, options: Required<EngineOptions>) => NativeEngineHandle;
}
