// Files of tcpdump, as far as tests look into them (www.tcpdump.org/manpages/pcap-savefile.5.html).

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** Whole records of a pcap file of this machine's byte order; 0 where it has not begun. */
export function countPackets(pcap: Uint8Array): number {
  const view = new DataView(pcap.buffer, pcap.byteOffset, pcap.length);
  let count = 0;
  let at = FILE_HEADER_BYTES;
  while (at + RECORD_HEADER_BYTES <= pcap.length) {
    at += RECORD_HEADER_BYTES + view.getUint32(at + 8, true);
    if (at <= pcap.length) count++;
  }
  return count;
}
