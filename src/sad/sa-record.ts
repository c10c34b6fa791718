// An SA as the main thread keeps it, and what one is made of when it is added. Its key lies in shared memory as long as it
// lives: a worker that takes another one's place needs it.

import { keyMaterialBytes, type EspTransform } from '../crypto/esp-transform.ts';
import type { Selectors } from '../spd/policy.ts';
import type { SaLifetime } from '../spd/sa-lifetime.ts';
import type { TunnelOptions } from '../spd/tunnel-options.ts';
import type { ReplayBitmap } from './replay-window.ts';
import { stateAt, type SaState } from './sa-state.ts';
import type { Endpoint, NextBlock, SaReference, SequenceBlock, SharedKey } from './security-association.ts';

/** The outer addresses of a tunnel, from this side: 4 or 16 bytes in network order. */
export interface OuterAddresses {
  readonly local: Uint8Array;
  readonly remote: Uint8Array;
}

/** Who made an SA. */
export interface SaOrigin {
  readonly keying: 'manual' | 'ikev2';
  /** SPIs of the IKE SA, hexadecimal: what the kernel tables call cookies. */
  readonly ikeSpis?: { readonly initiator: string; readonly responder: string } | undefined;
  /** Who the peer proved to be; undefined where nobody asked it. */
  readonly peerIdentity?: string | undefined;
}

/** What both SAs of a pair have in common. */
export interface SaDescription {
  readonly policy: string;
  readonly peer: string;
  readonly transform: EspTransform;
  readonly esn: boolean;
  readonly selectors: Selectors;
  readonly lifetime?: SaLifetime | undefined;
  /** Left out: {@link DEFAULT_TUNNEL_OPTIONS}. */
  readonly tunnel?: TunnelOptions | undefined;
  readonly outerAddresses?: OuterAddresses | undefined;
  readonly origin?: SaOrigin | undefined;
}

interface NewSa extends SaDescription {
  /** Unsigned. */
  readonly spi: number;
  /** Cipher key and salt; copied before the call returns. */
  readonly keyMaterial: Uint8Array;
}

export interface NewOutboundSa extends NewSa {
  readonly direction: 'outbound';
  /** undefined: not known before the peer's first authenticated packet. */
  readonly endpoint: Endpoint | undefined;
  readonly block: SequenceBlock;
  /** Where the numbers behind `block` come from; undefined where there are none. */
  readonly nextBlock?: NextBlock | undefined;
  /** SPI of the inbound SA of the pair; it is unique here, so it names the pair. */
  readonly inboundSpi?: number | undefined;
}

export interface NewInboundSa extends NewSa {
  readonly direction: 'inbound';
  /** 0 = off, or a multiple of 32. */
  readonly replayWindowPackets: number;
}

/** What finds an SA. Outbound SPIs are the peers' choice, and two peers may choose the same. */
export type SaIdentifier =
  | { readonly direction: 'inbound'; readonly spi: number }
  | { readonly direction: 'outbound'; readonly peer: string; readonly spi: number };

/**
 * ```
 *  GETSPI ──► larval ──UPDATE──► active ──soft limit──► expiring
 *               │         ADD ──► │                        │
 *             timeout             ├── replaced, DELETE ──► dying ──► gone
 *               ▼                 └── hard limit ───────────────────► gone
 *             gone
 * ```
 * RFC 2367 §2.3 calls active MATURE, and expiring and dying DYING. Larval SAs have no record.
 */
export type SaLifecycle = 'active' | 'expiring' | 'dying';

/** What a record is made of. */
export interface SaRecordFields extends SaReference {
  readonly description: SaDescription;
  readonly direction: 'inbound' | 'outbound';
  readonly spi: number;
  readonly replayWindowPackets: number;
  /** SPI of the inbound SA of the pair; outbound only. */
  readonly inboundSpi: number | undefined;
  /** Outbound only. */
  readonly nextBlock: NextBlock | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly lifetime: SaLifetime;
  readonly selectors: Selectors;
}

/** Rows of the tables that all SAs share. */
export interface SaMemory {
  readonly state: SaState;
  /** Inbound only. */
  readonly replayBitmap: ReplayBitmap | undefined;
  readonly keyMaterial: SharedKey;
}

/** Small, because there may be a hundred thousand: it remembers where its shared memory is, and makes views of it when asked. */
export class SaRecord implements SaRecordFields {
  readonly slot: number;
  readonly id: number;
  description: SaDescription;
  readonly direction: 'inbound' | 'outbound';
  readonly spi: number;
  readonly replayWindowPackets: number;
  readonly inboundSpi: number | undefined;
  readonly nextBlock: NextBlock | undefined;
  /** Where the peer is; undefined for an inbound SA that nobody amended. */
  endpoint: Endpoint | undefined;
  lifetime: SaLifetime;
  selectors: Selectors;
  lifecycle: SaLifecycle = 'active';
  /** Whoever carries packets has acknowledged it. */
  isInstalled = false;
  readonly #stateBuffer: SharedArrayBuffer;
  readonly #stateOffset: number;
  readonly #bitmapBuffer: SharedArrayBuffer | undefined;
  readonly #bitmapOffset: number;
  readonly #bitmapWords: number;
  readonly #keyBuffer: SharedArrayBuffer;
  readonly #keyOffset: number;

  constructor(fields: SaRecordFields, { state, replayBitmap, keyMaterial }: SaMemory) {
    this.slot = fields.slot;
    this.id = fields.id;
    this.description = fields.description;
    this.direction = fields.direction;
    this.spi = fields.spi;
    this.replayWindowPackets = fields.replayWindowPackets;
    this.inboundSpi = fields.inboundSpi;
    this.nextBlock = fields.nextBlock;
    this.endpoint = fields.endpoint;
    this.lifetime = fields.lifetime;
    this.selectors = fields.selectors;
    this.#stateBuffer = state.buffer;
    this.#stateOffset = state.byteOffset;
    this.#bitmapBuffer = replayBitmap?.buffer;
    this.#bitmapOffset = replayBitmap?.byteOffset ?? 0;
    this.#bitmapWords = replayBitmap?.length ?? 0;
    this.#keyBuffer = keyMaterial.buffer;
    this.#keyOffset = keyMaterial.byteOffset;
  }

  get state(): SaState {
    return stateAt(this.#stateBuffer, this.#stateOffset);
  }

  /** Inbound only. */
  get replayBitmap(): ReplayBitmap | undefined {
    return this.#bitmapBuffer && new Int32Array(this.#bitmapBuffer, this.#bitmapOffset, this.#bitmapWords);
  }

  get keyMaterial(): SharedKey {
    const bytes = keyMaterialBytes(this.description.transform);
    return new Uint8Array(this.#keyBuffer, this.#keyOffset, bytes);
  }
}

/** The parts of a new SA that both of a pair have: all but SPI and key. */
export function describe(sa: SaDescription): SaDescription {
  const { policy, peer, transform, esn, selectors, lifetime, tunnel, outerAddresses, origin } = sa;
  return { policy, peer, transform, esn, selectors, lifetime, tunnel, outerAddresses, origin };
}

export function identify({ direction, spi, description: { peer } }: SaRecord): SaIdentifier {
  return direction === 'inbound' ? { direction, spi } : { direction, peer, spi };
}

/** Compares by reference what is no text or number. */
export function isSameDescription(one: SaDescription, other: SaDescription): boolean {
  return (Object.keys(one) as (keyof SaDescription)[]).every((key) => one[key] === other[key]);
}
