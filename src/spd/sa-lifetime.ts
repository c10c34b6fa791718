// How long an SA may be used, as policy says (RFC 4301 §4.4.2.1): by time, by bytes and by packets, each with a soft
// limit that asks for a replacement and a hard one that ends the SA.

export interface LifetimeLimit {
  /** Not above `hard`. */
  readonly soft: number;
  readonly hard: number;
}

export interface SaLifetime {
  readonly timeMs: LifetimeLimit | undefined;
  /** Bytes that the transform is applied to: padding counts, the ESP header and the ICV do not. */
  readonly bytes: LifetimeLimit | undefined;
  readonly packets: LifetimeLimit | undefined;
}

export const NO_LIFETIME: SaLifetime = { timeMs: undefined, bytes: undefined, packets: undefined };
