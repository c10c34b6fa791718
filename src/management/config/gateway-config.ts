// What a configuration file says once it was read and found right. Everything is resolved: addresses are
// bytes, durations and sizes are numbers, secrets are still only named.

import type { Address, AddressRange } from '../../base/address.ts';
import type { ConfiguredLevels } from '../../base/log-levels.ts';
import type { AcceptedProposal } from '../../pad/accepted-proposal.ts';
import type { Identity, IdentityPattern } from '../../pad/identity.ts';
import type { TunnelPeer } from '../../sad/tunnel-peer.ts';
import type { IcmpErrorRule } from '../../spd/compiled-spd.ts';
import type { Policy } from '../../spd/policy.ts';
import type { NamedSecret, OwnCredentials, PeerCredentials, SecretSource } from './credentials.ts';
import type { IkeLifetime } from './ike-values.ts';

export interface GatewayConfig {
  /** Path of the file, for messages. */
  readonly file: string;
  readonly name: string;
  readonly engine: 'native' | 'portable';
  /** Threads that carry packets. */
  readonly workers: number;
  /** How much of a processor each worker may spend on looking for the next packet instead of sleeping; 0 … 1. */
  readonly busyPollShare: number;
  /** Whose ciphers the native engine uses. */
  readonly cipherLibrary: 'auto' | 'openssl' | 'ipsec-mb';
  /** Where blocks of sequence numbers are reserved; must outlive restarts. */
  readonly stateDirectory: string;
  /** Where sockets and tokens lie that have no other place. */
  readonly runtimeDirectory: string;
  /** Whom the gateway becomes when root starts it; undefined: it stays who it is. */
  readonly user: string | undefined;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logLevels: ConfiguredLevels;
  /** Where auditable events are written besides the log; undefined: nowhere. */
  readonly auditLog: string | undefined;
  /** The file is read again whenever it changes. */
  readonly watch: boolean;
  /** What stays in the host when the gateway was told to stop: `closed` leaves guard and unreachable routes. */
  readonly onStop: 'closed' | 'open';
  /** How ICMP errors are judged that no policy names. */
  readonly icmpErrors: IcmpErrorRule;
  readonly tun: TunConfig;
  readonly udp: UdpConfig;
  /** Names of the interfaces on the unprotected side; undefined: no guard. */
  readonly guardedInterfaces: readonly string[] | undefined;
  /** Where the keys of all SAs that IKE makes are written; undefined: nowhere. */
  readonly keyLogDirectory: string | undefined;
  /** Where the vici server listens; undefined: nowhere. */
  readonly vici: SocketConfig | undefined;
  /** Where the metrics and the status page are served; undefined: nowhere. */
  readonly http: HttpConfig | undefined;
  readonly peers: readonly PeerConfig[];
  /** In the order of the file. */
  readonly policies: readonly PolicyConfig[];
}

export interface SocketConfig {
  /** Absolute. */
  readonly path: string;
  /** Its members may connect, as the owner may. */
  readonly group: string | undefined;
}

export interface HttpConfig {
  readonly listen: SocketConfig | { readonly address: Address; readonly port: number };
  /** undefined: who can connect may see, unless the gateway has a token of its own. */
  readonly token: NamedSecret | undefined;
  /** Where the gateway writes a token that it makes at its start: the configuration says nothing of the listener. */
  readonly ownTokenFile: string | undefined;
  /** Names by which browsers may call it. */
  readonly hosts: readonly string[];
  /** The page may begin, end and rekey tunnels. */
  readonly actions: boolean;
}

export interface TunConfig {
  readonly name: string;
  /** What is led into the TUN; see the README. */
  readonly traffic: 'policy' | 'all' | 'none';
  /** undefined: the path MTU to the peers less the overhead of the transforms. */
  readonly mtu: number | undefined;
  readonly checksum: boolean;
  readonly tso: boolean;
  readonly uso: boolean;
}

export interface UdpConfig {
  /** Local address and port of each socket; at most one of each family. */
  readonly listen: readonly { readonly address: Address; readonly port: number }[];
  /** Firewall mark of the gateway's own datagrams. */
  readonly mark: number;
  readonly bufferBytes: number;
  readonly gso: boolean;
  readonly gro: boolean;
}

export interface PeerConfig extends TunnelPeer {
  /** undefined: where its first authenticated packet comes from, or where its name says. */
  readonly address: Address | undefined;
  /** Where it may be as well: IKE begins there when nothing came of `address`, and answers there. */
  readonly otherAddresses: readonly Address[];
  /** In the place of an address: resolved whenever IKE begins. */
  readonly dnsName: string | undefined;
  /** undefined: as `address`. */
  readonly port: number | undefined;
  /** undefined: its SAs are keyed by hand. */
  readonly ike: IkePeerConfig | undefined;
}

/** An entry of the PAD (RFC 4301 §4.4.3), with secrets that are still only named, and what its IKE SAs are made of. */
export interface IkePeerConfig {
  readonly local: {
    /** undefined: the subject of the certificate. */
    readonly identity: Identity | undefined;
    readonly credentials: OwnCredentials;
  };
  readonly remote: {
    readonly identity: IdentityPattern;
    /** The same object as `local.credentials`: one secret for both. */
    readonly credentials: PeerCredentials;
  };
  /** Child SA authorization data (RFC 4301 §4.4.3.4); undefined: all that the policies with this peer say. */
  readonly mayNegotiate: {
    readonly remoteAddress: readonly AddressRange[] | undefined;
    /** Names. */
    readonly policies: readonly string[] | undefined;
  };
  /** In order of preference. */
  readonly proposals: readonly AcceptedProposal[];
  readonly lifetime: IkeLifetime;
  /** 0 = a silent peer is never asked. */
  readonly livenessMs: number;
  /** How many IKE SAs there may be with one identity of the peer. */
  readonly unique: Uniqueness;
  readonly mobike: boolean;
  readonly childless: boolean;
  readonly mostChildSas: number;
  readonly retransmission: {
    readonly firstMs: number;
    readonly factor: number;
    readonly tries: number;
  };
}

export type Uniqueness = 'replace' | 'keep' | 'never';

/** When IKE makes the SAs of a policy: for its first packet, as soon as the gateway runs, or only if the peer asks. */
export type ChildStart = 'on-traffic' | 'immediately' | 'never';

/** Where the peer has ended the SAs of a policy, or is silent: made again at once, by the next packet, or not at all. */
export type OnClose = 'restart' | 'trap' | 'close';

export interface PolicyConfig extends Policy {
  /** Line of the entry in the file; 0: it was loaded, and stands in none. */
  readonly line: number;
  /** A PROTECT policy has one of the two, the others neither. */
  readonly manual: ManualSaPair | undefined;
  readonly ike: IkePolicyConfig | undefined;
}

export interface IkePolicyConfig {
  /** For Child SAs, in order of preference. */
  readonly proposals: readonly AcceptedProposal[];
  readonly start: ChildStart;
  readonly onClose: OnClose;
  /** RFC 4301 §4.4.1.1, "Name": only for peers that have proved one of these. */
  readonly remoteNames: readonly IdentityPattern[] | undefined;
}

/** Two manually keyed SAs, one in each direction (RFC 4301 §4.5.1). */
export interface ManualSaPair {
  readonly outbound: ManualSa;
  readonly inbound: ManualSa;
}

export interface ManualSa {
  /** 256 … 2^32 - 1 (RFC 4303 §2.1). */
  readonly spi: number;
  readonly key: SecretSource;
  /** Line in the file, for messages about the key. */
  readonly line: number;
}
