// An engine and devices that do nothing, so that what is left of a packet's way is what TypeScript does with it. Not
// for any other use: nothing is encrypted, and nothing is authenticated.

import type { Devices } from '../../../src/dataplane/devices.ts';
import type { Engine } from '../../../src/dataplane/engine.ts';

/** Says that as many packets have come as the batch memory was given; every row's status stays 0, which is success. */
export class NullDevices implements Devices {
  readonly #packets: number;

  constructor(packets: number) {
    this.#packets = packets;
  }

  wait(): number {
    return 0;
  }

  tunRead(): number {
    return this.#packets;
  }

  tunWrite(count: number): number {
    return count;
  }

  clearWrite(count: number): number {
    return count;
  }

  udpReceive(): number {
    return this.#packets;
  }

  udpSend(): void {
    // The status of each row says already that it was sent.
  }

  setEndpoint(): void {
    // Nothing is sent anywhere.
  }

  expectMoreFrom(): void {
    // Nothing comes from anywhere.
  }
}

export class NullEngine implements Engine {
  readonly name = 'native';

  installOutbound(): void {
    // No cipher context.
  }

  installInbound(): void {
    // No cipher context.
  }

  remove(): void {
    // No cipher context.
  }

  grantSequenceNumbers(): void {
    // Every number passes.
  }

  seal(): void {
    // The status of each row says already that it is sealed.
  }

  open(): void {
    // The packets are not encrypted.
  }

  coalesce(count: number): number {
    return count;
  }
}
