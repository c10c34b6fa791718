// A TUN stream without a TUN, of the shape of tuntap2's Duplex: packets that it was given are kept for the test.

import { Duplex } from 'node:stream';
import type { TunStream } from '../../src/dataplane/tun/tuntap2-adapter.ts';

export class FakeTunStream extends Duplex implements TunStream {
  readonly name = 'tun7';
  mtu = 1500;
  ipv4 = '';
  ipv6 = '';
  isUp = false;
  readonly written: Uint8Array[] = [];
  released = false;
  /** Called when a packet arrives at the TUN. */
  onWritten: () => void = () => undefined;
  /** False: the kernel takes nothing, and what is written waits in the stream. */
  takes = true;

  override _read(): void {
    // Packets are pushed by the test.
  }

  override _write(packet: Uint8Array, _encoding: string, callback: () => void): void {
    if (!this.takes) return;
    this.written.push(packet);
    callback();
    this.onWritten();
  }

  release(): void {
    this.released = true;
    this.destroy();
  }
}
