// A capture as management asks for it, and what it brings. Keys are in none of it.

export const SIDES = ['inner', 'outer'] as const;
export type CaptureSide = (typeof SIDES)[number];

export interface CaptureRequest {
  readonly sides: readonly CaptureSide[];
  /** Name of a policy; left out: all packets. */
  readonly policy?: string | undefined;
  /** Name of a peer in the configuration. */
  readonly peer?: string | undefined;
  /** Most bytes of a packet. */
  readonly snapBytes: number;
}

export interface CapturedPacket {
  readonly side: CaptureSide;
  readonly direction: 'inbound' | 'outbound';
  /** Since 1970. */
  readonly atNs: bigint;
  /** From the IP header on. */
  readonly bytes: Uint8Array;
  /** Of the packet, not all of which may be in `bytes`. */
  readonly originalBytes: number;
  /** Its policy and peer, and why it was dropped. */
  readonly comment: string | undefined;
}

/** A capture that runs until it is ended. */
export interface RunningCapture {
  /** Names it; never used again. */
  readonly id: number;
  /** Aborted when somebody has asked for its end. */
  readonly endAsked: AbortSignal;
  /** @returns what has come since, a bounded number of bytes; nothing where nothing has come */
  take(): Promise<readonly CapturedPacket[]>;
  /** Packets that came faster than they were taken. */
  readonly lost: Readonly<Record<CaptureSide, number>>;
  /** Nothing comes any more; what has come can still be taken. Again: nothing happens. */
  end(): Promise<void>;
}
