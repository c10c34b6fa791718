// The sections of RFC 4301 and RFC 4303 that ask something of a gateway's data plane. Each has a row of its own in
// the table, whether something cites it or not.

export interface Section {
  readonly rfc: number;
  readonly section: string;
  readonly title: string;
  /** Why nothing in this program answers to it. */
  readonly absent?: string;
}

const rfc4301 = (section: string, title: string, absent?: string): Section => ({
  rfc: 4301,
  section,
  title,
  ...(absent !== undefined && { absent }),
});
const rfc4303 = (section: string, title: string, absent?: string): Section => ({
  rfc: 4303,
  section,
  title,
  ...(absent !== undefined && { absent }),
});

const noReassembly = 'The kernel reassembles UDP before the gateway sees it.';

export const SECTIONS: readonly Section[] = [
  rfc4301('4.1', 'Security associations: definition and scope'),
  rfc4301('4.4.1', 'The Security Policy Database'),
  rfc4301('4.4.1.1', 'Selectors'),
  rfc4301('4.4.1.2', 'Structure of an SPD entry'),
  rfc4301('4.4.2', 'Security Association Database'),
  rfc4301('4.4.2.1', 'Data items in the SAD'),
  rfc4301('4.5.1', 'Manual techniques'),
  rfc4301('5.1', 'Outbound IP traffic processing'),
  rfc4301('5.1.2', 'Header construction for tunnel mode'),
  rfc4301('5.1.2.1', 'IPv4: header construction for tunnel mode'),
  rfc4301('5.1.2.2', 'IPv6: header construction for tunnel mode'),
  rfc4301('5.2', 'Processing inbound IP traffic'),
  rfc4301('6.2', 'Processing protected, transit ICMP error messages'),
  rfc4301('7.1', 'Tunnel mode SAs that carry initial and non-initial fragments'),
  rfc4301('7.2', 'Separate tunnel mode SAs for non-initial fragments'),
  rfc4301('7.3', 'Stateful fragment checking'),
  rfc4301('7.4', 'BYPASS and DISCARD traffic'),
  rfc4301('8.1', 'DF bit'),
  rfc4301('8.2.1', 'Propagation of PMTU'),
  rfc4301('8.2.2', 'PMTU aging'),
  rfc4301('9', 'Auditing'),
  rfc4303('2.1', 'Security Parameters Index'),
  rfc4303('2.2', 'Sequence number'),
  rfc4303('2.2.1', 'Extended sequence number'),
  rfc4303('2.4', 'Padding'),
  rfc4303('2.5', 'Pad length'),
  rfc4303('2.6', 'Next header'),
  rfc4303('2.7', 'Traffic flow confidentiality padding'),
  rfc4303('2.8', 'Integrity check value'),
  rfc4303('3.3.1', 'Outbound: SA lookup'),
  rfc4303('3.3.2', 'Outbound: encryption and ICV calculation'),
  rfc4303('3.3.3', 'Outbound: sequence number generation'),
  rfc4303('3.3.4', 'Outbound: fragmentation'),
  rfc4303('3.4.1', 'Inbound: reassembly', noReassembly),
  rfc4303('3.4.2', 'Inbound: SA lookup'),
  rfc4303('3.4.3', 'Inbound: sequence number verification'),
  rfc4303('3.4.4', 'Inbound: ICV verification'),
  rfc4303('4', 'Auditing'),
];
