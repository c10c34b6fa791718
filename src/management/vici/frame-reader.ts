// Cuts the bytes of a stream into packets. It holds at most one packet that is not whole, in memory of its own; a length
// beyond the bound is refused before anything of it is kept.

import { MalformedMessageError } from '../../base/errors.ts';
import { MOST_PACKET_BYTES } from './message.ts';
import { LENGTH_BYTES } from './packet.ts';

export class FrameReader {
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #lengthBytes = 0;
  #packet: Buffer | undefined;
  #packetBytes = 0;

  /** @param chunk copied @returns the packets that are whole now @throws MalformedMessageError */
  take(chunk: Buffer): readonly Uint8Array[] {
    const packets: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#packet === undefined) {
        const copied = chunk.copy(this.#length, this.#lengthBytes, at);
        at += copied;
        this.#lengthBytes += copied;
        if (this.#lengthBytes === LENGTH_BYTES) this.#packet = Buffer.alloc(this.#announced());
        continue;
      }
      const copied = chunk.copy(this.#packet, this.#packetBytes, at);
      at += copied;
      this.#packetBytes += copied;
      if (this.#packetBytes < this.#packet.length) continue;
      packets.push(this.#packet);
      this.#packet = undefined;
      this.#packetBytes = 0;
      this.#lengthBytes = 0;
    }
    return packets;
  }

  #announced(): number {
    const announced = this.#length.readUInt32BE();
    if (announced === 0 || announced > MOST_PACKET_BYTES)
      throw new MalformedMessageError('the length of a packet', `${announced} bytes`);
    return announced;
  }
}
