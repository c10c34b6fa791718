// Blocks of a pcapng file (draft-ietf-opsawg-pcapng): section header, interfaces, packets and, at the end, statistics of each
// interface. Little-endian, as its magic number says; times are nanoseconds since 1970. It writes and does not read.

const BlockType = { sectionHeader: 0x0a0d0d0a, interface: 1, statistics: 5, packet: 6 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const UNKNOWN_LENGTH = -1n;
/** Packets begin with an IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101;

const OptionCode = {
  end: 0,
  comment: 1,
  application: 4,
  interfaceName: 2,
  interfaceDescription: 3,
  timeResolution: 9,
  packetFlags: 2,
  startTime: 2,
  endTime: 3,
  received: 4,
  dropped: 5,
} as const;
/** 10^-9 s. */
const NANOSECONDS = 9;
const MOST_OPTION_BYTES = 0xffff;
/** Of a block of {@link pcapngStatistics}. */
export const PCAPNG_STATISTICS_BYTES = 76;
/** The lowest two bits of a packet's flags. */
const DIRECTION = { inbound: 1, outbound: 2 } as const;

export interface PcapngInterface {
  readonly name: string;
  readonly description: string;
  /** Most bytes of a packet. */
  readonly snapBytes: number;
}

export interface PcapngPacket {
  /** Index of the interface. */
  readonly side: number;
  readonly direction: 'inbound' | 'outbound';
  readonly atNs: bigint;
  readonly bytes: Uint8Array;
  readonly originalBytes: number;
  readonly comment: string | undefined;
}

export interface PcapngStatistics {
  readonly side: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Packets, those that were lost included. */
  readonly received: number;
  readonly lost: number;
}

/** What a file begins with. */
export function pcapngHeader(application: string, interfaces: readonly PcapngInterface[]): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  // Version 1.0.
  head.writeUInt16LE(1, 4);
  head.writeBigInt64LE(UNKNOWN_LENGTH, 8);
  const section = block(BlockType.sectionHeader, head, [textOption(OptionCode.application, application)]);
  return Buffer.concat([section, ...interfaces.map(interfaceBlock)]);
}

export function pcapngPacket({ side, direction, atNs, bytes, originalBytes, comment }: PcapngPacket): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt32LE(side, 0);
  writeTime(head, 4, atNs);
  head.writeUInt32LE(bytes.length, 12);
  head.writeUInt32LE(originalBytes, 16);
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(DIRECTION[direction]);
  return block(BlockType.packet, Buffer.concat([head, padded(bytes)]), [
    option(OptionCode.packetFlags, flags),
    ...(comment === undefined ? [] : [textOption(OptionCode.comment, comment)]),
  ]);
}

export function pcapngStatistics({ side, startNs, endNs, received, lost }: PcapngStatistics): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(side, 0);
  writeTime(head, 4, endNs);
  return block(BlockType.statistics, head, [
    timeOption(OptionCode.startTime, startNs),
    timeOption(OptionCode.endTime, endNs),
    countOption(OptionCode.received, received),
    countOption(OptionCode.dropped, lost),
  ]);
}

function interfaceBlock({ name, description, snapBytes }: PcapngInterface): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(LINKTYPE_RAW, 0);
  head.writeUInt32LE(snapBytes, 4);
  return block(BlockType.interface, head, [
    textOption(OptionCode.interfaceName, name),
    textOption(OptionCode.interfaceDescription, description),
    option(OptionCode.timeResolution, Buffer.of(NANOSECONDS)),
  ]);
}

/** Type, length, body, options, length; all in multiples of four bytes. */
function block(type: number, body: Buffer, options: readonly Buffer[]): Buffer {
  const end = option(OptionCode.end, Buffer.alloc(0));
  const length = 12 + body.length + options.reduce((sum, one) => sum + one.length, end.length);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  return Buffer.concat([head, body, ...options, end, head.subarray(4)]);
}

function option(code: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, padded(value)]);
}

function textOption(code: number, text: string): Buffer {
  return option(code, Buffer.from(text, 'utf8').subarray(0, MOST_OPTION_BYTES));
}

function timeOption(code: number, atNs: bigint): Buffer {
  const value = Buffer.alloc(8);
  writeTime(value, 0, atNs);
  return option(code, value);
}

function countOption(code: number, count: number): Buffer {
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(BigInt(count));
  return option(code, value);
}

/** The high half stands first, whatever the byte order. */
function writeTime(to: Buffer, at: number, ns: bigint): void {
  to.writeUInt32LE(Number(ns >> 32n), at);
  to.writeUInt32LE(Number(ns & 0xffff_ffffn), at + 4);
}

function padded(bytes: Uint8Array): Buffer {
  const whole = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  return whole;
}
