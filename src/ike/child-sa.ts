// A Child SA as IKE keeps it: a pair of SAs in the SAD and what was negotiated for them. RFC 7296 §1.3, §2.8.

import type { EspTransform } from '../crypto/esp-transform.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import { selectorsText } from '../wire/ike/selector-text.ts';

/**
 * ```
 *                    answered a rekey: the peer has no key yet
 *   (negotiated) ──────────────────────────────────► receiving
 *        │                                              │ first packet, or the old one is deleted
 *        └──────────► installed ◄───────────────────────┘
 *                         │ replaced, or no longer wanted
 *                         ▼
 *                      deleting ──► gone; its inbound SA stays for a while
 * ```
 */
export type ChildPhase = 'receiving' | 'installed' | 'deleting';

export interface ChildSa {
  /** Name of the SPD entry. */
  readonly policy: string;
  readonly inboundSpi: number;
  readonly outboundSpi: number;
  readonly transform: EspTransform;
  readonly esn: boolean;
  /** Group of the key exchange that made it; 0 where the IKE SA's keys did. */
  readonly group: number;
  readonly local: readonly TrafficSelector[];
  readonly remote: readonly TrafficSelector[];
  /** Inbound SPI of the Child SA that it replaces. */
  readonly replaces: number | undefined;
  readonly phase: ChildPhase;
  /** Replaced by another, or no longer wanted: it is not rekeyed again, and a deletion follows. */
  readonly isReplaced: boolean;
}

/** ESP SPIs are four bytes (RFC 4303 §2.1). */
export function espSpiBytes(spi: number): Uint8Array {
  return Uint8Array.of(spi >>> 24, spi >>> 16, spi >>> 8, spi);
}

/** @returns undefined where it is not four bytes, or a reserved value (RFC 4303 §2.1) */
export function readEspSpi(bytes: Uint8Array): number | undefined {
  if (bytes.length !== 4) return undefined;
  const spi = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
  return spi > 255 ? spi : undefined;
}

/** True where `other` is there to stay and carries just what `child` does. */
export function doesTheSame(other: ChildSa, child: ChildSa): boolean {
  return (
    other.inboundSpi !== child.inboundSpi &&
    other.policy === child.policy &&
    other.phase === 'installed' &&
    !other.isReplaced &&
    selectorsText(other.local) === selectorsText(child.local) &&
    selectorsText(other.remote) === selectorsText(child.remote)
  );
}
