// What `isthmus-status` says: the gateway, and one `isthmus-peer` event for each peer with its tunnels. An extension: vici
// has no such command.

import {
  optional,
  record,
  records,
  text,
  texts,
  whole,
  word,
  type Codec,
  type RecordCodec,
} from './codec.ts';

/** Something that went wrong, as the log told it. */
export interface Trouble {
  readonly level: 'warn' | 'error';
  readonly message: string;
  /** Undefined: it is about all policies with a peer, or about none. */
  readonly policy: string | undefined;
  readonly secondsAgo: number;
}

/** Inner packets. */
export interface Traffic {
  readonly packetsIn: number;
  readonly bytesIn: number;
  readonly packetsOut: number;
  readonly bytesOut: number;
}

/** A PROTECT policy. */
export interface TunnelStatus extends Traffic {
  readonly name: string;
  readonly state: 'up' | 'connecting' | 'down';
  /** Undefined where it is up. */
  readonly why: string | undefined;
  /** Since it has SAs; a rekey begins nothing anew. */
  readonly upSeconds: number | undefined;
  /** Pairs of SAs. */
  readonly childSas: number;
  readonly local: readonly string[];
  readonly remote: readonly string[];
}

export interface PeerStatus {
  readonly name: string;
  readonly keying: 'ikev2' | 'manual';
  /** Where it is, or should be; with its port where that is known. */
  readonly address: string;
  readonly identity: string | undefined;
  readonly ikeSas: number;
  /** Of the oldest IKE SA that is established. */
  readonly upSeconds: number | undefined;
  readonly lastTrouble: Trouble | undefined;
  readonly tunnels: readonly TunnelStatus[];
}

export interface DropStatus {
  readonly name: string;
  readonly packets: number;
  readonly sentence: string;
}

/** Of the gateway's process. */
export interface PrivilegeStatus {
  readonly uid: number;
  /** As the kernel calls them, without the prefix `cap_`. */
  readonly capabilities: readonly string[];
}

export interface GatewayStatus {
  readonly name: string;
  readonly version: string;
  /** Path of its configuration. */
  readonly file: string;
  readonly runningSeconds: number;
  readonly engine: string;
  readonly tun: string;
  readonly privileges: PrivilegeStatus;
  /** Address, or path, of the status page; undefined: there is none. */
  readonly page: string | undefined;
  readonly ikeSas: number;
  readonly halfOpenIkeSas: number;
  readonly packetsOut: number;
  readonly packetsIn: number;
  readonly drops: readonly DropStatus[];
  /** Of the gateway itself; those of peers stand there. */
  readonly lastTrouble: Trouble | undefined;
}

const TROUBLE: Codec<Trouble> = record<Trouble>({
  level: word('warn', 'error'),
  message: text,
  policy: optional(text),
  secondsAgo: whole,
});

const TUNNEL_STATUS: Codec<TunnelStatus> = record<TunnelStatus>({
  name: text,
  state: word('up', 'connecting', 'down'),
  why: optional(text),
  upSeconds: optional(whole),
  childSas: whole,
  local: texts,
  remote: texts,
  packetsIn: whole,
  bytesIn: whole,
  packetsOut: whole,
  bytesOut: whole,
});

export const PEER_STATUS: RecordCodec<PeerStatus> = record<PeerStatus>({
  name: text,
  keying: word('ikev2', 'manual'),
  address: text,
  identity: optional(text),
  ikeSas: whole,
  upSeconds: optional(whole),
  lastTrouble: optional(TROUBLE),
  tunnels: records(TUNNEL_STATUS),
});

export const GATEWAY_STATUS: RecordCodec<GatewayStatus> = record<GatewayStatus>({
  name: text,
  version: text,
  file: text,
  runningSeconds: whole,
  engine: text,
  tun: text,
  privileges: record<PrivilegeStatus>({ uid: whole, capabilities: texts }),
  page: optional(text),
  ikeSas: whole,
  halfOpenIkeSas: whole,
  packetsOut: whole,
  packetsIn: whole,
  drops: records(record<DropStatus>({ name: text, packets: whole, sentence: text })),
  lastTrouble: optional(TROUBLE),
});
