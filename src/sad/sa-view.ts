// An SA as people and other programs see it: every field of the SAD (RFC 4301 §4.4.2.1) as plain data. Keys are not
// among them, whoever asks.

import { formatAddress } from '../base/address.ts';
import type { Selectors } from '../spd/policy.ts';
import { DEFAULT_TUNNEL_OPTIONS } from '../spd/tunnel-options.ts';
import type { SaLifecycle, SaRecord } from './sa-record.ts';
import { SaField } from './sa-state.ts';

/** Limits and counts of a lifetime; undefined where there is no limit. */
export interface LifetimeView {
  readonly timeMs: number | undefined;
  readonly bytes: number | undefined;
  readonly packets: number | undefined;
}

export interface SaView {
  /** Unique as long as the process runs. */
  readonly id: number;
  readonly state: SaLifecycle;
  readonly direction: 'inbound' | 'outbound';
  readonly spi: number;
  readonly protocol: 'ESP';
  /** Outer destination; undefined where nobody said it. */
  readonly destination: string | undefined;
  readonly policy: string;
  readonly peer: string;
  readonly peerAddress: string | undefined;
  /** UDP port of the peer, where it is known. */
  readonly peerPort: number | undefined;
  readonly peerIdentity: string | undefined;
  readonly hostAddress: string | undefined;
  readonly keying: 'manual' | 'ikev2';
  readonly ikeSpis: { readonly initiator: string; readonly responder: string } | undefined;
  /** Names the pair of SAs: the SPI of its inbound SA. */
  readonly mspi: number | undefined;
  readonly mode: 'tunnel';
  readonly tunnel: { readonly source: string | undefined; readonly destination: string | undefined };
  readonly dscp: 'copy' | number;
  /** RFC 6040: always carried both ways. */
  readonly ecn: true;
  readonly df: 'copy' | 'set' | 'clear';
  /** Largest ESP packet that the path takes; undefined where it is not known. */
  readonly pathMtuBytes: number | undefined;
  readonly transform: {
    readonly name: string;
    readonly keyBits: number;
    readonly saltBits: number;
    /** 0 for a combined mode. */
    readonly integrityKeyBits: number;
    readonly ivBytes: number;
    readonly icvBytes: number;
  };
  readonly esn: boolean;
  /** Outbound: the next number. Inbound: the highest that was authenticated, the right edge of the window. */
  readonly sequence: number;
  /** RFC 4303 §3.3.3: what happens when the numbers are used up. */
  readonly sequenceOverflow: 'ends the SA';
  /** Inbound; 0 packets = off. */
  readonly replayWindow: { readonly packets: number; readonly rightEdge: number } | undefined;
  /** Monotonic milliseconds. */
  readonly createdMs: number;
  readonly lastUsedMs: number | undefined;
  readonly current: { readonly timeMs: number; readonly bytes: number; readonly packets: number };
  readonly soft: LifetimeView;
  readonly hard: LifetimeView;
  readonly selectors: Selectors;
  /** Inner packets and bytes that went through. */
  readonly packets: number;
  readonly bytes: number;
  readonly icvMismatches: number;
  readonly replays: number;
}

/** RFC 2367 §2.3: an SPI without an SA yet. */
export interface LarvalView {
  readonly state: 'larval';
  readonly direction: 'inbound';
  readonly spi: number;
  readonly protocol: 'ESP';
  readonly peer: string;
  readonly createdMs: number;
  readonly current: { readonly timeMs: number };
}

/**
 * @param nowMs monotonic milliseconds
 * @param pathMtuBytes what is known of the path to the peer
 */
export function viewSa(record: SaRecord, nowMs: number, pathMtuBytes: number | undefined): SaView {
  const { description, direction, state } = record;
  const { transform, outerAddresses, origin, tunnel: dress = DEFAULT_TUNNEL_OPTIONS } = description;
  const host = formatBytes(outerAddresses?.local);
  const peer = formatBytes(record.endpoint?.address ?? outerAddresses?.remote);
  const [source, destination] = direction === 'outbound' ? [host, peer] : [peer, host];
  const sequence = state[SaField.sequence]!;
  return {
    id: record.id,
    state: record.lifecycle,
    direction,
    spi: record.spi,
    protocol: 'ESP',
    destination,
    policy: description.policy,
    peer: description.peer,
    peerAddress: peer,
    peerPort: record.endpoint?.port,
    peerIdentity: origin?.peerIdentity,
    hostAddress: host,
    keying: origin?.keying ?? 'manual',
    ikeSpis: origin?.ikeSpis,
    mspi: direction === 'inbound' ? record.spi : record.inboundSpi,
    mode: 'tunnel',
    tunnel: { source, destination },
    dscp: dress.dscp,
    ecn: true,
    df: dress.df,
    pathMtuBytes,
    transform: {
      name: transform.name,
      keyBits: 8 * transform.keyBytes,
      saltBits: 8 * transform.saltBytes,
      integrityKeyBits: 8 * transform.integrityKeyBytes,
      ivBytes: transform.ivBytes,
      icvBytes: transform.icvBytes,
    },
    esn: description.esn,
    sequence,
    sequenceOverflow: 'ends the SA',
    replayWindow:
      direction === 'inbound' ? { packets: record.replayWindowPackets, rightEdge: sequence } : undefined,
    createdMs: state[SaField.createdMs]!,
    lastUsedMs: unlessZero(state[SaField.lastUsedMs]!),
    current: {
      timeMs: nowMs - state[SaField.createdMs]!,
      bytes: state[SaField.protectedBytes]!,
      packets: state[SaField.protectedPackets]!,
    },
    soft: limits(record, 'soft'),
    hard: limits(record, 'hard'),
    selectors: record.selectors,
    packets: state[SaField.packets]!,
    bytes: state[SaField.bytes]!,
    icvMismatches: state[SaField.icvMismatches]!,
    replays: state[SaField.replays]!,
  };
}

export function viewLarval(
  larval: { readonly spi: number; readonly peer: string; readonly createdMs: number },
  nowMs: number,
): LarvalView {
  const { spi, peer, createdMs } = larval;
  const current = { timeMs: nowMs - createdMs };
  return { state: 'larval', direction: 'inbound', spi, protocol: 'ESP', peer, createdMs, current };
}

function limits({ lifetime }: SaRecord, which: 'soft' | 'hard'): LifetimeView {
  const { timeMs, bytes, packets } = lifetime;
  return { timeMs: timeMs?.[which], bytes: bytes?.[which], packets: packets?.[which] };
}

function unlessZero(value: number): number | undefined {
  return value === 0 ? undefined : value;
}

function formatBytes(bytes: Uint8Array | undefined): string | undefined {
  return bytes && formatAddress({ family: bytes.length === 4 ? 4 : 6, bytes });
}
