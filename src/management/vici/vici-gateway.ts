// What the vici server sees of a gateway that runs, and what it may ask of it. The gateway implements it; nothing here
// knows how. Keys are in none of it.

import type { LogLevel } from '../../base/log.ts';
import type { Subsystem, SubsystemLevel } from '../../base/log-levels.ts';
import type { SaView } from '../../sad/sa-view.ts';
import type { EspTransform } from '../../crypto/esp-transform.ts';
import type { AcceptedProposal, Algorithm } from '../../pad/accepted-proposal.ts';
import type { CaptureRequest, RunningCapture } from '../capture/capture-request.ts';
import type { LoadedEdit, LoadedThings } from '../loading/loaded-things.ts';
import type { TrafficSelector } from '../../wire/ike/payload.ts';
import type { PolicyAction } from '../../spd/policy.ts';
import type { SaLifetime } from '../../spd/sa-lifetime.ts';
import type { StatusSource } from './extensions/status-source.ts';

export interface ChildSaView {
  /** Unique as long as the process runs. */
  readonly uniqueId: number;
  /** Of the policy. */
  readonly requestId: number;
  /** Name of the policy. */
  readonly name: string;
  /** strongSwan's word. */
  readonly state: 'INSTALLED' | 'REKEYING' | 'REKEYED' | 'DELETING';
  readonly inboundSpi: number;
  readonly outboundSpi: number;
  readonly transform: Pick<EspTransform, 'encryptionId' | 'integrityId' | 'keyBytes'>;
  readonly esn: boolean;
  /** 0: the keys are those of the IKE SA. */
  readonly group: number;
  /** As they stand in the SAD, or stood last; undefined where they are not there (yet). */
  readonly inbound: SaView | undefined;
  readonly outbound: SaView | undefined;
  readonly local: readonly TrafficSelector[];
  readonly remote: readonly TrafficSelector[];
}

/** One end of the UDP flow of an IKE SA, and who is there. */
export interface EndView {
  readonly host: string;
  readonly port: number | undefined;
  readonly identity: string;
}

export interface IkeSaView {
  readonly uniqueId: number;
  /** Of the peer in the configuration. */
  readonly name: string;
  /** strongSwan's word; MANUAL: there is no IKE SA, the Child SAs below are keyed by hand. */
  readonly state: 'CONNECTING' | 'ESTABLISHED' | 'REKEYING' | 'REKEYED' | 'DELETING' | 'MANUAL';
  readonly local: EndView;
  readonly remote: EndView;
  readonly isInitiator: boolean;
  /** Hexadecimal, 16 digits. */
  readonly initiatorSpi: string;
  readonly responderSpi: string;
  /** Undefined before they are agreed on. */
  readonly algorithms:
    | {
        readonly encryption: Algorithm;
        readonly integrityId: number;
        readonly prfId: number;
        readonly group: number;
      }
    | undefined;
  readonly establishedSeconds: number | undefined;
  readonly rekeySeconds: number | undefined;
  readonly lifeSeconds: number | undefined;
  readonly queuedTasks: readonly string[];
  readonly activeTask: string | undefined;
  readonly children: readonly ChildSaView[];
}

/** An SPD entry. */
export interface PolicyView {
  readonly name: string;
  readonly action: PolicyAction;
  /** Undefined but for PROTECT. */
  readonly peer: string | undefined;
  readonly priority: number;
  /** In the configuration. */
  readonly line: number;
  /** Identities that it selects by (RFC 4301 §4.4.1.1). */
  readonly names: readonly string[];
  readonly local: readonly TrafficSelector[];
  readonly remote: readonly TrafficSelector[];
}

/** A policy as a connection has it. */
export interface ChildConfigView extends PolicyView {
  /** undefined: keyed by hand. */
  readonly proposals: readonly AcceptedProposal[] | undefined;
  readonly lifetime: SaLifetime | undefined;
  readonly start: 'on-traffic' | 'immediately' | 'never' | undefined;
  readonly onClose: 'restart' | 'trap' | 'close' | undefined;
  /** Why this side cannot make its SAs; undefined where it can. */
  readonly notInitiated: string | undefined;
}

/** How one side proves who it is. */
export interface AuthenticationView {
  readonly class: 'public key' | 'pre-shared key';
  /** Undefined: any. */
  readonly identity: string | undefined;
  /** Subjects. */
  readonly certificates: readonly string[];
  readonly authorities: readonly string[];
}

/** A peer. */
export interface ConnectionView {
  readonly name: string;
  readonly localAddresses: readonly string[];
  readonly remoteAddresses: readonly string[];
  readonly remotePort: number | undefined;
  /** Undefined: keyed by hand. */
  readonly ike:
    | {
        readonly rekeySeconds: number;
        readonly livenessSeconds: number;
        readonly unique: string;
        readonly proposals: readonly AcceptedProposal[];
        readonly local: AuthenticationView;
        readonly remote: AuthenticationView;
      }
    | undefined;
  readonly children: readonly ChildConfigView[];
}

export interface CertificateView {
  readonly type: 'X509' | 'X509_CRL' | 'PUBKEY';
  readonly isAuthority: boolean;
  readonly hasPrivateKey: boolean;
  readonly subject: string | undefined;
  readonly der: Uint8Array;
}

export interface StatsView {
  readonly startedMs: number;
  /** Since then, whatever the clock of the host says now. */
  readonly runningMs: number;
  readonly ikeSas: number;
  readonly halfOpenIkeSas: number;
  /** What moves packets and what computes. */
  readonly parts: readonly string[];
}

/** What happens to SAs. */
export type SaEvent =
  | { readonly type: 'ike-updown'; readonly isUp: boolean; readonly ikeSa: IkeSaView }
  /** It is about to have other addresses or ports. */
  | {
      readonly type: 'ike-update';
      readonly ikeSa: IkeSaView;
      readonly local: Pick<EndView, 'host' | 'port'>;
      readonly remote: Pick<EndView, 'host' | 'port'>;
    }
  | { readonly type: 'ike-rekey'; readonly old: IkeSaView; readonly ikeSa: IkeSaView }
  | {
      readonly type: 'child-updown';
      readonly isUp: boolean;
      readonly ikeSa: IkeSaView;
      readonly child: ChildSaView;
    }
  | {
      readonly type: 'child-rekey';
      readonly ikeSa: IkeSaView;
      readonly old: ChildSaView;
      readonly child: ChildSaView;
    };

/** One line of the gateway's log, as JSON. */
export type LogListener = (line: string) => void;

export interface ViciGateway extends StatusSource {
  readonly version: string;
  readonly stats: StatsView;
  /** Of the engine: who seals packets; of IKE: whose algorithms. */
  readonly implementations: { readonly esp: string; readonly ike: string };
  /** Keyed by hand included. Each is looked at when its turn comes: there may be thousands. */
  readonly ikeSas: Iterable<IkeSaView>;
  hasIkeSa(uniqueId: number): boolean;
  hasChildSa(uniqueId: number): boolean;
  /** In the order of the file. */
  readonly connections: readonly ConnectionView[];
  /** In the order in which packets meet them. */
  readonly policies: readonly PolicyView[];
  readonly certificates: readonly CertificateView[];
  /** What was loaded above the configuration file. */
  readonly loaded: LoadedThings;
  /**
   * Puts another state of it in force.
   * @param wanted names of connections that have to work in it
   * @throws ConfigError, or what `edit` throws; then nothing has changed
   */
  changeLoaded(edit: LoadedEdit, wanted?: readonly string[]): Promise<void>;
  /** Reads the configuration file again. @returns what is wrong with it, a line each; then nothing has changed */
  reload(): Promise<readonly string[]>;
  /** Since the start or {@link resetCounters}; strongSwan's names. */
  readonly counters: ReadonlyMap<string, number>;
  resetCounters(): void;
  /** Makes the Child SA of a policy. @returns false where the peer does not answer or refuses; the log says why */
  initiate(policy: string): Promise<boolean>;
  /** @param force without waiting for the peer to confirm it */
  endIkeSa(uniqueId: number, force: boolean): void;
  endChildSa(uniqueId: number): void;
  rekeyIkeSa(uniqueId: number): void;
  rekeyChildSa(uniqueId: number): void;
  /** @throws ViciRequestError where as many run as may */
  capture(request: CaptureRequest): Promise<RunningCapture>;
  /** Asks for its end. @returns false where it does not run */
  endCapture(id: number): boolean;
  readonly logLevels: readonly SubsystemLevel[];
  /** Until it ends. @param level undefined: that of the whole log again */
  useLogLevel(subsystem: Subsystem, level: LogLevel | undefined): void;
  /** @returns how to end it */
  onLog(listener: LogListener): () => void;
  onSaEvent(listener: (event: SaEvent) => void): () => void;
  /** Called whenever something of the IKE SAs may have changed. */
  onChange(listener: () => void): () => void;
}
