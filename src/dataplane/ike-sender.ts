// IKE messages go out by the main thread itself where they can: it shares the sockets with the worker, and a message
// that the worker sends costs two wake-ups of another thread, which is more than all that IKE computes for it. What the
// kernel does not take at once is left to the worker, which waits for room and reads why a socket refuses; and all while
// a capture runs.

import { NON_ESP_MARKER_BYTES } from '../wire/esp.ts';
import type { CaptureCommand } from './capture/capture-commands.ts';
import { Counter, type Counters } from './counters.ts';
import type { SendIke } from './ike-events.ts';
import type { IkeSocket } from './ike-socket.ts';
import type { NativeAddon } from './native/addon.ts';

/**
 * UDP payload that every IPv4 host takes, fragments or not (RFC 1122 §3.3.2: 576 bytes with headers). DF is an option of
 * the socket and the worker's to set; of these, it can be set by chance. Longer ones need it clear.
 */
const MOST_BYTES = 576 - 28;

export interface IkeSenderParts {
  readonly addon: Pick<NativeAddon, 'sendDatagram'>;
  /** As the worker has them. */
  readonly sockets: readonly IkeSocket[];
  /** One for each of them. */
  readonly descriptors: readonly number[];
  readonly counters: Counters;
}

export class IkeSender {
  readonly #parts: IkeSenderParts;
  readonly #captures = new Set<number>();

  constructor(parts: IkeSenderParts) {
    this.#parts = parts;
  }

  /** Takes notice of captures: while one runs, the worker sends, because it shows what it sends. */
  take(command: CaptureCommand): void {
    if (command.type === 'start-capture') this.#captures.add(command.id);
    else this.#captures.delete(command.id);
  }

  /** @returns false where the worker is to send it; never called when the descriptors are closed */
  send({ socket, address, port, bytes }: SendIke): boolean {
    const { addon, sockets, descriptors, counters } = this.#parts;
    const found = sockets[socket];
    const descriptor = descriptors[socket];
    if (this.#captures.size > 0) return false;
    // The worker says what is wrong with it.
    if (found === undefined || descriptor === undefined) return false;
    if (address.length !== (found.family === 4 ? 4 : 16)) return false;
    const markerBytes = found.hasMarker ? NON_ESP_MARKER_BYTES : 0;
    if (markerBytes + bytes.length > MOST_BYTES) return false;
    if (addon.sendDatagram(descriptor, found.hasMarker, address, port, bytes) !== 0) return false;
    counters[Counter.ikeDatagramsSentAtOnce] = counters[Counter.ikeDatagramsSentAtOnce]! + 1;
    return true;
  }
}
