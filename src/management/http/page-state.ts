// What the status page is told: plain data, by one request. Nothing here runs; the page imports the types.

import type { PolicyStatus } from '../vici/extensions/policies.ts';
import type { DropStatus, PeerStatus, Trouble } from '../vici/extensions/status.ts';

/** A message of IKE, or what was told of it, oldest first. */
export type LadderStep =
  | {
      readonly type: 'message';
      /** Milliseconds since 1970. */
      readonly atMs: number;
      readonly direction: 'in' | 'out';
      /** IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL, or a number. */
      readonly exchange: string;
      readonly isResponse: boolean;
      readonly messageId: number;
      readonly bytes: number;
      /** Datagrams, where it went in fragments (RFC 7383). */
      readonly datagrams: number;
      /** Payloads that stand in clear, as RFC 7296 writes them. */
      readonly payloads: string;
      /** Of the IKE SA, this side's. */
      readonly spi: string;
    }
  | {
      readonly type: 'story';
      readonly atMs: number;
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly sentence: string;
      readonly spi: string;
    };

export interface PageCounts {
  readonly peers: number;
  readonly up: number;
  readonly connecting: number;
  readonly down: number;
  readonly policies: number;
}

export interface PageState {
  readonly name: string;
  readonly version: string;
  readonly engine: string;
  readonly tun: string;
  readonly runningSeconds: number;
  readonly ikeSas: number;
  readonly halfOpenIkeSas: number;
  readonly packetsOut: number;
  readonly packetsIn: number;
  /** Of all tunnels. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly lastTrouble: Trouble | undefined;
  /** Tunnels may be made and ended from the page. */
  readonly actions: boolean;
  /** A token was asked for, so there is a session to end. */
  readonly hasSession: boolean;
  /** Of everything; the lists below have an end. */
  readonly counts: PageCounts;
  readonly peers: readonly PeerStatus[];
  readonly policies: readonly PolicyStatus[];
  readonly drops: readonly DropStatus[];
  /** Of the peer that was asked for. */
  readonly ladder: readonly LadderStep[];
}
