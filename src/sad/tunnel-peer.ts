// What the data plane is told of a peer, as plain data: whether its address may change, how its path is measured
// (RFC 4301 §8.2), and whether the mapping of a NAT before it is kept (RFC 3948 §4). Where it is stands in its SAs.

export interface TunnelPeer {
  readonly name: string;
  /** Takes over the address and port of its newest authenticated packet (RFC 7296 §2.23). */
  readonly followAddress: boolean;
  /** Bytes of the largest packet to it; undefined = learned. */
  readonly pathMtu: number | undefined;
  /** A keepalive leaves when nothing else did for so long; 0 = never. */
  readonly natKeepaliveMs: number;
}

/** Of a peer that only an SA names. */
export const DEFAULT_TUNNEL_PEER: Omit<TunnelPeer, 'name'> = {
  followAddress: false,
  pathMtu: undefined,
  natKeepaliveMs: 0,
};
