// What `isthmus-tables` says: the SAD in the shape of the tables IKE_SA_table, inbound_SPI and outbound_SPI, one event
// `isthmus-row` for each row. Values are hexadecimal as they are written, times are seconds. An extension of vici. Keys are
// not in it: how long they are is.

import { optional, record, text, whole, word, type Codec, type RecordCodec } from './codec.ts';

interface Times {
  /** Undefined: it has no end of its own. */
  readonly secondsLeft: number | undefined;
  readonly secondsInAll: number | undefined;
}

/** Key: peer and cookies. */
export interface IkeSaRow extends Times {
  readonly peer: string;
  readonly initiatorCookie: string;
  readonly responderCookie: string;
  readonly sa: string;
  /** 1 begun by this side, 2 rekeying, 4 replaced, 8 deleting, 10 not established. */
  readonly flags: string;
  /** IANA's numbers, and bits. */
  readonly encryption: string;
  readonly keyBits: string;
  readonly integrity: string;
  readonly prf: string;
  readonly group: string;
  /** Until its keys are replaced. */
  readonly renegotiationSeconds: number | undefined;
  readonly peerName: string;
}

/** What an SA of ESP is. */
export interface SpiRow extends Times {
  readonly spi: string;
  readonly peer: string;
  /** This side. */
  readonly host: string;
  readonly sa: string;
  /** Names the pair of SAs: the SPI of the inbound one. */
  readonly mspi: string;
  readonly initiatorCookie: string;
  readonly responderCookie: string;
  /** How the peer proves who it is (RFC 7296 §3.8): 0 not at all, 2 shared key, e signature. */
  readonly peerMethod: string;
  /** Its identity, byte by byte. */
  readonly peerId: string;
  /** 1 extended sequence numbers, 2 soft limit reached, 4 replaced, 8 only reserved. */
  readonly flags: string;
  readonly encryption: string;
  /** 0: it has none (yet). */
  readonly keyBits: string;
  readonly integrity: string;
  readonly integrityKeyBits: string;
  /** Inbound: right edge of the window. Outbound: the next number. */
  readonly sequence: string;
  /** Packets; 0 outbound. */
  readonly window: string;
  readonly peerName: string;
  readonly policy: string | undefined;
}

export interface TableRow {
  readonly table: 'IKE_SA_table' | 'inbound_SPI' | 'outbound_SPI';
  readonly ikeSa: IkeSaRow | undefined;
  readonly espSa: SpiRow | undefined;
}

export const TABLES = ['IKE_SA_table', 'inbound_SPI', 'outbound_SPI'] as const;

const times = { secondsLeft: optional(whole), secondsInAll: optional(whole) };

const IKE_SA_ROW: Codec<IkeSaRow> = record<IkeSaRow>({
  ...times,
  peer: text,
  initiatorCookie: text,
  responderCookie: text,
  sa: text,
  flags: text,
  encryption: text,
  keyBits: text,
  integrity: text,
  prf: text,
  group: text,
  renegotiationSeconds: optional(whole),
  peerName: text,
});

const SPI_ROW: Codec<SpiRow> = record<SpiRow>({
  ...times,
  spi: text,
  peer: text,
  host: text,
  sa: text,
  mspi: text,
  initiatorCookie: text,
  responderCookie: text,
  peerMethod: text,
  peerId: text,
  flags: text,
  encryption: text,
  keyBits: text,
  integrity: text,
  integrityKeyBits: text,
  sequence: text,
  window: text,
  peerName: text,
  policy: optional(text),
});

export const TABLE_ROW: RecordCodec<TableRow> = record<TableRow>({
  table: word(...TABLES),
  ikeSa: optional(IKE_SA_ROW),
  espSa: optional(SPI_ROW),
});
