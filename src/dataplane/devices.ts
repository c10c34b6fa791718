// The contract of the devices: the TUN, the UDP sockets and the wait on both. Native devices, and devices
// in memory for tests and for the portable event loop, fill the same tables.

/** What {@link Devices.wait} found ready; bits. */
export const Ready = { tun: 1, udp: 2, wakeup: 4 } as const;

export interface Devices {
  /**
   * Sleeps until the TUN or a socket can be read, the wake-up is signalled (and takes the signal), or the time is over.
   * @param timeoutMs -1 waits for ever
   * @param busyMicroseconds for the first so many it looks again and again in place of sleeping; whole; left out: 0
   * @returns bits of {@link Ready}
   */
  wait(timeoutMs: number, busyMicroseconds?: number): number;
  /** Fills Frame rows. @returns their number, 0 where nothing waits; NativeError where the device is gone */
  tunRead(): number;
  /** Writes OutFrame rows 0 … count - 1. @returns how many the kernel took; the rest are dropped */
  tunWrite(count: number): number;
  /** As tunWrite, to the device that packets of BYPASS policies leave by; takes nothing where there is none. */
  clearWrite(count: number): number;
  /** Fills DatagramIn rows. @returns their number, 0 where nothing waits */
  udpReceive(): number;
  /** Sends DatagramOut rows 0 … count - 1 and writes each row's status; waits a bounded time for buffer space. */
  udpSend(count: number): void;
  /**
   * Sets where datagrams for an endpoint go. Never called while a batch is in work.
   * @param socket index of the socket to send from
   * @param address 4 or 16 bytes in network order
   */
  setEndpoint(endpoint: number, socket: number, address: Uint8Array, port: number): void;
  /**
   * A hint: much comes from where this DatagramIn row of the last receive came from, and what was in it was authentic.
   * Devices that can have a faster way for one source give it to one that was named twice in a row.
   */
  expectMoreFrom(datagram: number): void;
}
