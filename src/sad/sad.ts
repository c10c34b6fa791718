// The SAD of RFC 4301 §4.4.2, as the main thread keeps it: every SA of this gateway, its slot and its state.

import type { EspTransform } from '../crypto/esp-transform.ts';
import type { Selectors } from '../spd/policy.ts';
import { InvariantError } from '../base/errors.ts';
import { allocateReplayBitmap } from './replay-window.ts';
import { allocateSaState } from './sa-state.ts';
import type {
  Endpoint,
  InboundSecurityAssociation,
  OutboundSecurityAssociation,
  SequenceBlock,
} from './security-association.ts';

/** What both SAs of a pair have in common. */
export interface SaDescription {
  readonly policy: string;
  readonly peer: string;
  readonly transform: EspTransform;
  readonly esn: boolean;
  readonly selectors: Selectors;
}

export class Sad {
  readonly #outbound: OutboundSecurityAssociation[] = [];
  readonly #inboundBySpi = new Map<number, InboundSecurityAssociation>();
  readonly #now: () => number;
  #nextSlot = 0;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get outbound(): readonly OutboundSecurityAssociation[] {
    return this.#outbound;
  }

  get inbound(): readonly InboundSecurityAssociation[] {
    return [...this.#inboundBySpi.values()];
  }

  /** @param keyMaterial cipher key and salt; copied */
  addOutbound(
    description: SaDescription,
    spi: number,
    keyMaterial: Uint8Array,
    endpoint: Endpoint,
    block: SequenceBlock,
  ): OutboundSecurityAssociation {
    const sa: OutboundSecurityAssociation = {
      ...this.#common(description, spi, keyMaterial),
      direction: 'outbound',
      endpoint,
      block,
    };
    this.#outbound.push(sa);
    return sa;
  }

  /**
   * @param spi unique among the inbound SAs (RFC 4301 §4.1); InvariantError where it is not
   * @param keyMaterial cipher key and salt; copied
   * @param replayWindowPackets 0 = off, or a multiple of 32
   */
  addInbound(
    description: SaDescription,
    spi: number,
    keyMaterial: Uint8Array,
    replayWindowPackets: number,
  ): InboundSecurityAssociation {
    if (this.#inboundBySpi.has(spi)) throw new InvariantError(`two inbound SAs with SPI ${formatSpi(spi)}`);
    const sa: InboundSecurityAssociation = {
      ...this.#common(description, spi, keyMaterial),
      direction: 'inbound',
      replayWindowPackets,
      replayBitmap: allocateReplayBitmap(replayWindowPackets),
    };
    this.#inboundBySpi.set(spi, sa);
    return sa;
  }

  #common(description: SaDescription, spi: number, keyMaterial: Uint8Array) {
    const shared = new Uint8Array(new SharedArrayBuffer(keyMaterial.length));
    shared.set(keyMaterial);
    return {
      ...description,
      slot: this.#nextSlot++,
      spi,
      mode: 'tunnel' as const,
      keyMaterial: shared,
      state: allocateSaState(this.#now()),
    };
  }
}

/** `0x0a0b0001`. */
export function formatSpi(spi: number): string {
  return `0x${spi.toString(16).padStart(8, '0')}`;
}
