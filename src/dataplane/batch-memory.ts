// The memory of one worker: an arena of packet bytes and the tables that describe what lies in it.
//
// Everything is allocated once, here; devices and engines (native or portable) keep the views and fill them,
// the data plane reads and writes descriptors only. Every table is an Int32Array of rows; the objects below
// name a row's fields. native/include/batch_memory.h repeats these numbers, and test/unit/dataplane/
// batch-memory.test.ts holds the two together.

/** A packet or super-packet that was read from the TUN, with its virtio-net header. */
export const Frame = {
  stride: 8,
  offset: 0,
  length: 1,
  /** VIRTIO_NET_HDR_F_*; bit 0 = NEEDS_CSUM: the checksum field holds the pseudo-header sum only. */
  flags: 2,
  /** VIRTIO_NET_HDR_GSO_*, see {@link GsoType}. */
  gsoType: 3,
  headerLength: 4,
  segmentSize: 5,
  checksumStart: 6,
  checksumOffset: 7,
} as const;

/** Work for {@link Engine.seal}: one frame becomes `segments` ESP packets, laid one behind the other. */
export const SealJob = {
  stride: 16,
  frameOffset: 0,
  frameLength: 1,
  /** See {@link Segmentation}. */
  segmentation: 2,
  networkHeaderLength: 3,
  /** Network and transport header: what every segment repeats. */
  headersLength: 4,
  /** Transport payload of every segment but the last. */
  segmentSize: 5,
  segments: 6,
  /** Start of the checksummed bytes from the frame's start, or -1 where no partial checksum is to be completed. */
  checksumStart: 7,
  checksumOffset: 8,
  saSlot: 9,
  /** Sequence number of the first segment; segment i has this number plus i. */
  sequenceLow: 10,
  sequenceHigh: 11,
  /** Where the first ESP packet goes; packet i starts at i times the sealed length of a full segment. */
  sealedOffset: 12,
  /** 4 = IPv4, 41 = IPv6 (RFC 4303 §2.6). */
  nextHeader: 13,
  /** Written by the engine, see {@link JobStatus}. */
  status: 14,
  /** Zeros behind each inner packet make it this long (RFC 4303 §2.7); 0 = none. */
  paddedLength: 15,
} as const;

/** One UDP send: a datagram, or a train of datagrams of one length (only the last may be shorter). */
export const DatagramOut = {
  stride: 8,
  offset: 0,
  length: 1,
  /** 0 = a single datagram. */
  segmentLength: 2,
  /** Row of the endpoint table, see {@link Devices.setEndpoint}. */
  endpoint: 3,
  /** DSCP and ECN of the outer header. */
  trafficClass: 4,
  /** Written by the devices: 0 = sent, otherwise the errno. */
  status: 5,
  /** 1 = no fragments outside: DF in an IPv4 header, no Fragment header in an IPv6 packet. */
  dontFragment: 6,
} as const;

/** One UDP receive: a datagram, or a train as UDP_GRO joined it. */
export const DatagramIn = {
  stride: 8,
  offset: 0,
  length: 1,
  /** 0 = a single datagram. */
  segmentLength: 2,
  /** Index of the socket that received it. */
  socket: 3,
  trafficClass: 4,
  sourcePort: 5,
  /** 4 or 6. */
  family: 6,
} as const;

/** What the network said of a datagram that was too big. The table ends at the first row without origin. */
export const PathReport = {
  stride: 8,
  /** See {@link PathOrigin}. */
  origin: 0,
  /** Bytes of the largest packet, with its IP header; 0 where an old router does not say (RFC 1191 §5). */
  mtu: 1,
  /** 4 or 6. */
  family: 2,
  /** Of the destination; 0 where it is not known. */
  port: 3,
  /** How much of ESP header the report repeats: 0 … 8. */
  quotedBytes: 4,
  spi: 5,
  sequence: 6,
} as const;

/** `local`: the device that the datagram leaves by. `icmp`: a message from the network, which anyone can have sent. */
export const PathOrigin = { none: 0, local: 1, icmp: 2 } as const;

/** Work for {@link Engine.open}: one ESP packet, decrypted in place. */
export const OpenJob = {
  stride: 8,
  offset: 0,
  length: 1,
  saSlot: 2,
  sequenceHigh: 3,
  /** Written by the engine, see {@link JobStatus}. */
  status: 4,
  /** Row of the DatagramIn that carried it. */
  datagram: 5,
} as const;

/** A decrypted, accepted inner packet: the input of {@link Engine.coalesce}. */
export const InnerPacket = {
  stride: 2,
  offset: 0,
  length: 1,
} as const;

/** A packet or super-packet for the TUN: a virtio-net header and a run of vectors. */
export const OutFrame = {
  stride: 8,
  firstVector: 0,
  vectorCount: 1,
  flags: 2,
  gsoType: 3,
  headerLength: 4,
  segmentSize: 5,
  checksumStart: 6,
  checksumOffset: 7,
} as const;

/** A run of arena bytes. */
export const Vector = {
  stride: 2,
  offset: 0,
  length: 1,
} as const;

/** VIRTIO_NET_HDR_GSO_* of linux/virtio_net.h; UDP_L4 is missing from old headers. */
export const GsoType = { none: 0, tcp4: 1, udp: 3, tcp6: 4, udpL4: 5, ecnFlag: 0x80 } as const;

/** VIRTIO_NET_HDR_F_NEEDS_CSUM. */
export const NEEDS_CHECKSUM = 1;

export const Segmentation = { none: 0, tcp: 1, udp: 2 } as const;

/** `guard`: a sequence number outside the block granted to this worker, or not above the one before. */
export const JobStatus = { ok: 0, icvMismatch: 1, guard: 2, noSa: 3 } as const;

/** Bytes in an IPv4 or IPv6 address cell, see {@link BatchMemory.sources}; IPv4 takes the first four. */
export const ADDRESS_CELL_BYTES = 16;

export interface BatchLimits {
  /** Frames read from the TUN in one batch. */
  readonly frames: number;
  readonly frameBytes: number;
  readonly sealJobs: number;
  readonly sealedBytes: number;
  readonly datagramsOut: number;
  /** Datagrams or trains received in one batch, each with 64 KiB of room. */
  readonly datagramsIn: number;
  readonly openJobs: number;
}

/** Path reports taken in one batch; more wait. */
const PATH_REPORTS = 16;
/** Room for what the data plane makes itself: fragments, ICMP errors, dummy packets, keepalives. */
export const SCRATCH_BYTES = 262_144;
/** Room for packets that wait for an SA. */
export const HOLD_BYTES = 262_144;
// A train is at most 65 507 bytes, the largest UDP payload over IPv4; a slot keeps a power of two.
export const RECEIVE_SLOT_BYTES = 65_536;
/** A frame is at most 65 535 bytes; room for one more must be left before a read. */
export const MAX_FRAME_BYTES = 65_536;

export const DEFAULT_BATCH_LIMITS: BatchLimits = {
  frames: 128,
  frameBytes: 16 * MAX_FRAME_BYTES,
  sealJobs: 128,
  sealedBytes: 32 * MAX_FRAME_BYTES,
  datagramsOut: 1024,
  datagramsIn: 64,
  openJobs: 4096,
};

/** Views of one worker's memory. All offsets in all tables count from the start of `arena`. */
export interface BatchMemory {
  readonly limits: BatchLimits;
  readonly arena: Uint8Array;
  /** Where the frames read from the TUN start; {@link BatchLimits.frameBytes} of room. */
  readonly framesOffset: number;
  readonly sealedOffset: number;
  readonly receivedOffset: number;
  /** {@link SCRATCH_BYTES} of room for what neither the TUN nor a peer brought. */
  readonly scratchOffset: number;
  /** {@link HOLD_BYTES} of room for packets that wait for an SA. */
  readonly holdOffset: number;
  readonly frames: Int32Array;
  readonly sealJobs: Int32Array;
  readonly datagramsOut: Int32Array;
  readonly datagramsIn: Int32Array;
  /** Source addresses of `datagramsIn`, {@link ADDRESS_CELL_BYTES} each. */
  readonly sources: Uint8Array;
  /**
   * Destination addresses of `datagramsIn` as the outer headers had them, in cells like those of `sources`.
   * All zeros where the devices are not told (node:dgram): then the socket's own address is all that is known.
   */
  readonly destinations: Uint8Array;
  readonly pathReports: Int32Array;
  /** Destinations of what `pathReports` speak of, in cells like those of `sources`. */
  readonly reportAddresses: Uint8Array;
  readonly openJobs: Int32Array;
  readonly innerPackets: Int32Array;
  readonly outFrames: Int32Array;
  readonly vectors: Int32Array;
  /** [0]: monotonic milliseconds, written by the devices whenever they return something. */
  readonly clock: Float64Array;
}

/** Allocates the memory of one worker: about 7 MiB at the default limits, touched only as it is used. */
export function allocateBatchMemory(limits: BatchLimits = DEFAULT_BATCH_LIMITS): BatchMemory {
  const receivedBytes = limits.datagramsIn * RECEIVE_SLOT_BYTES;
  return {
    limits,
    arena: new Uint8Array(
      limits.frameBytes + limits.sealedBytes + receivedBytes + SCRATCH_BYTES + HOLD_BYTES,
    ),
    framesOffset: 0,
    sealedOffset: limits.frameBytes,
    receivedOffset: limits.frameBytes + limits.sealedBytes,
    scratchOffset: limits.frameBytes + limits.sealedBytes + receivedBytes,
    holdOffset: limits.frameBytes + limits.sealedBytes + receivedBytes + SCRATCH_BYTES,
    frames: new Int32Array(limits.frames * Frame.stride),
    sealJobs: new Int32Array(limits.sealJobs * SealJob.stride),
    datagramsOut: new Int32Array(limits.datagramsOut * DatagramOut.stride),
    datagramsIn: new Int32Array(limits.datagramsIn * DatagramIn.stride),
    sources: new Uint8Array(limits.datagramsIn * ADDRESS_CELL_BYTES),
    destinations: new Uint8Array(limits.datagramsIn * ADDRESS_CELL_BYTES),
    pathReports: new Int32Array(PATH_REPORTS * PathReport.stride),
    reportAddresses: new Uint8Array(PATH_REPORTS * ADDRESS_CELL_BYTES),
    openJobs: new Int32Array(limits.openJobs * OpenJob.stride),
    innerPackets: new Int32Array(limits.openJobs * InnerPacket.stride),
    outFrames: new Int32Array(limits.openJobs * OutFrame.stride),
    vectors: new Int32Array(limits.openJobs * Vector.stride),
    clock: new Float64Array(1),
  };
}
