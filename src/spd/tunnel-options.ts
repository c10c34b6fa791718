// How packets are dressed for a tunnel, as an SPD entry says it (RFC 4301 §4.4.1.2): DSCP and DF of the outer header
// (§5.1.2.1, §8.1), traffic flow confidentiality padding and dummy packets (RFC 4303 §2.6, §2.7).

/** `copy`: as the inner header has it; IPv6 has no DF bit and counts as set. */
export type DfTreatment = 'copy' | 'set' | 'clear';

export interface TunnelOptions {
  /** 0 … 63, or what the inner header has. */
  readonly dscp: number | 'copy';
  readonly df: DfTreatment;
  /** Inner packets are padded to so many bytes, or to the largest that the path carries; 0 = as they are. */
  readonly tfcPaddedBytes: number | 'mtu';
  /** Sent while there is nothing else to send; 0 = none. */
  readonly dummyPacketsPerSecond: number;
}

export const DEFAULT_TUNNEL_OPTIONS: TunnelOptions = {
  dscp: 'copy',
  df: 'copy',
  tfcPaddedBytes: 0,
  dummyPacketsPerSecond: 0,
};
