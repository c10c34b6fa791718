// What the configuration file holds once every value was read by itself; still with the file's own keys.

import type { Address, AddressRange } from '../../base/address.ts';
import type { ConfiguredLevels } from '../../base/log-levels.ts';
import type { LogLevel } from '../../base/log.ts';
import type { IcmpErrorRule } from '../../spd/compiled-spd.ts';
import type { NumberRange, PolicyAction } from '../../spd/policy.ts';
import type { LifetimeEntry } from './lifetime-values.ts';
import type { TunnelOptions } from '../../spd/tunnel-options.ts';
import type { Identity, IdentityPattern } from '../../pad/identity.ts';
import type { LoadedFile } from './credentials.ts';
import type { ChildStart, OnClose, Uniqueness } from './gateway-config.ts';
import type { IkeLifetime } from './ike-values.ts';
import type { HttpPlace } from './http-place.ts';
import type { KeyEntry } from './key-source.ts';
import type { NegotiatedProposal } from './negotiated-proposal.ts';
import type { EspProposal } from './proposal.ts';
import type { IcmpMessage } from './selector-values.ts';

export interface ConfigFile {
  readonly gateway: {
    readonly name: string;
    readonly engine: 'native' | 'portable';
    readonly workers: number;
    readonly busy_poll: number;
    readonly cipher_library: 'auto' | 'openssl' | 'ipsec-mb';
    /** A path, or the word `auto`. */
    readonly state_directory: string;
    readonly user?: string | undefined;
    readonly log_level: LogLevel;
    readonly log_levels: ConfiguredLevels;
    readonly audit_log?: string | undefined;
    readonly watch: boolean;
    readonly on_stop: 'closed' | 'open';
    readonly icmp_errors: IcmpErrorRule;
  };
  readonly tun: {
    readonly name: string;
    readonly traffic: 'policy' | 'all' | 'none';
    readonly mtu: number | 'auto';
    readonly offloads: { readonly checksum: boolean; readonly tso: boolean; readonly uso: boolean };
  };
  readonly udp: {
    readonly listen: readonly Endpoint[];
    readonly mark: number;
    readonly buffer: number;
    readonly gso: boolean;
    readonly gro: boolean;
    /** Milliseconds; 0 = off. */
    readonly nat_keepalive: number;
  };
  readonly guard: Guard;
  /** Of all peers. */
  readonly ike: { readonly key_log?: string | undefined };
  readonly management: {
    readonly vici: {
      /** A path, or one of the words `auto` and `off`. */
      readonly socket: string;
      readonly group?: string | undefined;
    };
    readonly http?:
      | {
          readonly listen: HttpPlace;
          /** Of a path. */
          readonly group?: string | undefined;
          readonly token?: KeyEntry | undefined;
          /** Names by which browsers may call it; addresses, and localhost, they always may. */
          readonly hosts: readonly string[];
          readonly actions: boolean;
        }
      | undefined;
  };
  readonly peers: readonly PeerEntry[];
  readonly policies: readonly PolicyEntry[];
}

export type Guard = 'none' | { readonly interfaces: readonly string[] };

export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

export type PeerAddress = Address | SeveralAddresses | DnsName | 'any';

/** At least two, in the order in which they are tried. */
export interface SeveralAddresses {
  readonly addresses: readonly Address[];
}

export interface DnsName {
  readonly dnsName: string;
}

export interface PeerEntry {
  readonly name: string;
  readonly address: PeerAddress;
  readonly port: number | 'any';
  readonly follow_address?: boolean | undefined;
  readonly path_mtu: number | 'learn';
  /** Milliseconds; 0 = off. */
  readonly nat_keepalive?: number | undefined;
  readonly ike?: IkeEntry | undefined;
}

export type FileEntry = string | LoadedFile;

export interface IkeEntry {
  readonly local: {
    readonly identity?: Identity | undefined;
    readonly psk?: KeyEntry | undefined;
    /** Paths, or what was loaded. */
    readonly certificate?: FileEntry | undefined;
    readonly public_key?: FileEntry | undefined;
    readonly private_key?: KeyEntry | undefined;
    readonly rsa_padding?: 'pss' | 'pkcs1' | undefined;
  };
  readonly remote: {
    readonly identity?: IdentityPattern | undefined;
    readonly psk?: KeyEntry | undefined;
    readonly authorities?: readonly FileEntry[] | undefined;
    readonly crls?: readonly FileEntry[] | undefined;
    readonly public_key?: FileEntry | undefined;
  };
  readonly may_negotiate: {
    readonly remote_address: readonly AddressRange[] | 'any';
    /** Names. */
    readonly policies: readonly string[] | 'any';
  };
  readonly proposals?: readonly NegotiatedProposal[] | undefined;
  readonly lifetime: IkeLifetime;
  /** Milliseconds; 0 = off. */
  readonly liveness: number;
  readonly unique: Uniqueness;
  readonly mobike: boolean;
  readonly childless: boolean;
  readonly most_child_sas: number;
  readonly retransmit: {
    /** Milliseconds. */
    readonly first: number;
    readonly factor: number;
    readonly tries: number;
  };
}

export interface PolicyEntry {
  readonly name: string;
  readonly priority: number;
  readonly selectors: SelectorsEntry;
  readonly action: PolicyAction;
  readonly sa?: SaEntry | undefined;
}

export interface SelectorsEntry {
  readonly local_address: readonly AddressRange[] | 'any';
  readonly remote_address: readonly AddressRange[] | 'any';
  readonly protocol: number | 'any';
  readonly local_port: readonly NumberRange[] | 'any';
  readonly remote_port: readonly NumberRange[] | 'any';
  readonly icmp: readonly IcmpMessage[] | 'any';
  readonly mobility_header: readonly NumberRange[] | 'any';
  readonly remote_name: readonly IdentityPattern[] | 'any';
}

/** RFC 4301 §4.4.1.1, by the names that selectors have in the file. */
export type PopulatedSelector = Exclude<keyof SelectorsEntry, 'mobility_header' | 'remote_name'>;

export interface SaEntry {
  readonly peer: string;
  readonly mode: 'tunnel';
  /** Of manually keyed SAs. */
  readonly proposal?: EspProposal | undefined;
  /** Of SAs that IKE makes. */
  readonly proposals?: readonly NegotiatedProposal[] | undefined;
  readonly start?: ChildStart | undefined;
  readonly on_close?: OnClose | undefined;
  readonly populate_from_packet?: readonly PopulatedSelector[] | undefined;
  readonly replay_window: number;
  readonly lifetime?: LifetimeEntry | undefined;
  readonly dscp: TunnelOptions['dscp'];
  readonly df: TunnelOptions['df'];
  readonly tfc_padding: TunnelOptions['tfcPaddedBytes'];
  readonly dummy_packets: number;
  readonly manual?: { readonly outbound: ManualSaEntry; readonly inbound: ManualSaEntry } | undefined;
}

export interface ManualSaEntry {
  readonly spi: number;
  readonly key: KeyEntry;
}
