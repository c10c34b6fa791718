// SPD entries as the administrator wrote them (the SPD-S of RFC 4301 §4.4.1), as plain data that can be
// sent to a worker.

import type { AddressRange } from '../base/address.ts';
import type { SaLifetime } from './sa-lifetime.ts';
import type { TunnelOptions } from './tunnel-options.ts';

/** RFC 4301 §4.4.1. */
export type PolicyAction = 'PROTECT' | 'BYPASS' | 'DISCARD';

/** An inclusive range of 16-bit numbers. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/**
 * RFC 4301 §4.4.1.1: the field is not there to be looked at, because the packet is a later fragment. Written as
 * RFC 7296 §3.13.1 writes it.
 */
export const OPAQUE: NumberRange = { first: 65_535, last: 0 };

export function isOpaque({ first, last }: NumberRange): boolean {
  return first > last;
}

/**
 * RFC 4301 §4.4.1.1. "local" is the protected side: the source of outbound traffic, the destination of inbound.
 * An empty list of a field matches nothing and is refused when the configuration is read; undefined matches everything
 * but multicast addresses. A list of numbers is {@link OPAQUE} alone, or has no OPAQUE.
 */
export interface Selectors {
  readonly localAddress: readonly AddressRange[] | undefined;
  readonly remoteAddress: readonly AddressRange[] | undefined;
  /** Next layer protocol, an IANA number. */
  readonly protocol: number | undefined;
  /** For Mobility Header messages type × 256 … type × 256 + 255 (RFC 4301 §4.4.1.1). */
  readonly localPort: readonly NumberRange[] | undefined;
  readonly remotePort: readonly NumberRange[] | undefined;
  /** ICMP or ICMPv6 message: type × 256 + code, so that one range holds a type with all its codes. */
  readonly icmp: readonly NumberRange[] | undefined;
}

/** They match everything but multicast addresses. */
export const NO_SELECTORS: Selectors = {
  localAddress: undefined,
  remoteAddress: undefined,
  protocol: undefined,
  localPort: undefined,
  remotePort: undefined,
  icmp: undefined,
};

/** RFC 4301 §4.4.1.2. */
export interface EspChoice {
  /** Name of the ESP transform. */
  readonly transform: string;
  readonly esn: boolean;
}

/** What an SA must be to carry the traffic of a PROTECT entry (RFC 4301 §4.4.1.2). */
export interface SaSpecification {
  /** Name of the peer that holds the other end. */
  readonly peer: string;
  readonly mode: 'tunnel';
  /** Who makes the SAs; left out: the administrator. */
  readonly keying?: 'manual' | 'ike' | undefined;
  /**
   * PFP, RFC 4301 §4.4.1.2: an SA gets the packet's own value of these, not the policy's; so each flow asks IKE for
   * its own. Left out: none.
   */
  readonly populateFromPacket?: readonly (keyof Selectors)[] | undefined;
  /** The entry selects by name (RFC 4301 §4.4.1.1): it is for the addresses of its SAs. */
  readonly isNamed?: boolean | undefined;
  /** Name of the ESP transform, `aes256gcm16`; where there are choices, of the first. */
  readonly transform: string;
  readonly esn: boolean;
  /** Every kind of SA that will do, best first. Left out: the one that `transform` and `esn` say. */
  readonly choices?: readonly EspChoice[] | undefined;
  /** Anti-replay window in packets; 0 = off. */
  readonly replayWindowPackets: number;
  /** undefined: no limits. */
  readonly lifetime?: SaLifetime | undefined;
  /** Left out: {@link DEFAULT_TUNNEL_OPTIONS}. */
  readonly tunnel?: TunnelOptions;
}

export interface Policy {
  readonly name: string;
  /** Lower is met first; equal priorities in the order of the file. */
  readonly priority: number;
  readonly selectors: Selectors;
  readonly action: PolicyAction;
  /** Present where and only where the action is PROTECT. */
  readonly sa: SaSpecification | undefined;
}
