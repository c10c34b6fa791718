// One gateway in memory whose ESP packets a test opens with an implementation of its own.

import type { Engine } from '../../src/dataplane/engine.ts';
import { DEFAULT_TUNNEL_OPTIONS, type TunnelOptions } from '../../src/spd/tunnel-options.ts';
import { decapsulate, encapsulate, type EspFields } from './esp-peer.ts';
import {
  createSite,
  installPair,
  receive,
  testKey,
  transformNamed,
  usePolicies,
  type PairOptions,
  type TestSite,
} from './packet-path-link.ts';
import { policy } from './policies.ts';

const transform = transformNamed('aes256gcm16');
const OUTBOUND = { keyMaterial: testKey(transform, 1), spi: 0x1001 };
const INBOUND = { keyMaterial: testKey(transform, 2), spi: 0x2002 };

export type Opened = ReturnType<typeof decapsulate> & {
  readonly trafficClass: number;
  readonly dontFragment: boolean;
  /** Of the ESP packet, in bytes. */
  readonly length: number;
};

export interface TunnelEnd {
  readonly site: TestSite;
  /** Hands a packet to the TUN. @returns what left towards the peer, opened */
  send(packet: Uint8Array, offload?: { gsoType: number; segmentSize: number }): Opened[];
  /** Opens what left towards the peer by itself. */
  sent(): Opened[];
  /** Hands an ESP packet with this content to the socket. @returns the frames that reached the TUN */
  arrive(fields: EspFields, trafficClass?: number): Uint8Array[];
  esp(fields: EspFields): Uint8Array;
}

/** @param peer what the worker is told of the peer, beside its name */
export function createTunnelEnd(
  engine: Engine['name'],
  options: Omit<PairOptions, 'tunnel'> & { readonly tunnel?: Partial<TunnelOptions> } = {},
  peer?: { followAddress?: boolean; pathMtu?: number; natKeepaliveMs?: number },
): TunnelEnd {
  const site = createSite(engine);
  // The first turn reads the clock.
  site.path.turn();
  if (peer !== undefined) {
    const { followAddress = false, pathMtu, natKeepaliveMs = 0 } = peer;
    site.path.execute({ type: 'use-peer', peer: { name: 'far', followAddress, pathMtu, natKeepaliveMs } });
  }
  const { tunnel, ...rest } = options;
  installPair(site, { ...rest, tunnel: { ...DEFAULT_TUNNEL_OPTIONS, ...tunnel } });
  usePolicies(site, [policy('tunnel')]);
  const sent = (): Opened[] =>
    site.datagrams.splice(0).map(({ bytes, trafficClass, dontFragment }) => ({
      ...decapsulate(OUTBOUND, bytes),
      trafficClass,
      dontFragment,
      length: bytes.length,
    }));
  return {
    site,
    sent,
    send: (bytes, offload) => {
      site.devices.pushFrame({ bytes, ...offload });
      site.path.turn();
      return sent();
    },
    arrive: (fields, trafficClass = 0) => {
      receive(site, encapsulate(INBOUND, fields), 0, trafficClass);
      site.path.turn();
      return site.frames.splice(0).map(({ bytes }) => bytes);
    },
    esp: (fields) => encapsulate(INBOUND, fields),
  };
}

/** Lets time pass, and the path take a turn. */
export function passTime({ site }: TunnelEnd, ms: number): void {
  site.clock.nowMs += ms;
  site.path.turn();
}
