// What is sent because nothing else is: NAT keepalives (RFC 3948 §4) and dummy packets (RFC 4303 §2.6). The worker
// asks after each turn, and sleeps no longer than until the next is due; all time is that of the batch memory.

import { NAT_KEEPALIVE_BYTE } from '../wire/esp.ts';
import type { Associations, OutboundSa } from './associations.ts';
import { DatagramOut, type BatchMemory } from './batch-memory.ts';
import type { Captures } from './capture/captures.ts';
import { Counter, type Counters } from './counters.ts';
import type { Devices } from './devices.ts';
import { Drop } from './drop-reasons.ts';
import type { Peer } from './peer.ts';
import type { Peers } from './peers.ts';
import { SaField } from '../sad/sa-state.ts';
import { FIRST_SA_ENDPOINT } from './endpoint-rows.ts';
import { FIRST_WORKER, type WorkerShare } from './workers/share.ts';

export interface IdleTrafficParts {
  readonly memory: BatchMemory;
  readonly devices: Devices;
  readonly counters: Counters;
  readonly associations: Associations;
  readonly peers: Peers;
  readonly captures: Pick<Captures, 'tap'>;
  readonly share: WorkerShare;
  readonly sendDummy: (sa: OutboundSa) => void;
}

export class IdleTraffic {
  readonly #parts: IdleTrafficParts;
  #dueMs = 0;

  constructor(parts: IdleTrafficParts) {
    this.#parts = parts;
  }

  /** SAs or peers have changed. */
  reschedule(): void {
    this.#dueMs = 0;
  }

  /** Monotonic milliseconds at which {@link run} has something to do; Infinity where it has nothing. */
  get nextMs(): number {
    return Math.min(this.#dueMs, this.#parts.peers.reviewMs);
  }

  /** Sends what is due. Never called while a batch is in work. */
  run(): void {
    const { memory, associations, peers, share } = this.#parts;
    const nowMs = memory.clock[0]!;
    if (nowMs < this.nextMs) return;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const sa of associations.withDummies) nextMs = Math.min(nextMs, this.#padSilence(sa, nowMs));
    // The mapping is one, whoever sends (RFC 3948 §4).
    if (share.index === FIRST_WORKER)
      for (const peer of peers.all) nextMs = Math.min(nextMs, this.#keepMapping(peer, nowMs));
    peers.review();
    this.#dueMs = nextMs;
  }

  /** @returns when this SA is due next */
  #padSilence(sa: OutboundSa, nowMs: number): number {
    const intervalMs = 1000 / sa.tunnel.dummyPacketsPerSecond;
    if (nowMs >= sa.lastSentMs + intervalMs) {
      this.#parts.sendDummy(sa);
      sa.lastSentMs = nowMs;
    }
    return sa.lastSentMs + intervalMs;
  }

  /** @returns when this peer is due next */
  #keepMapping(peer: Peer, nowMs: number): number {
    if (peer.natKeepaliveMs === 0 || !peer.isReachable) return Number.POSITIVE_INFINITY;
    if (nowMs >= peer.lastSentMs + peer.natKeepaliveMs) this.#noteSentByOthers(peer);
    if (nowMs >= peer.lastSentMs + peer.natKeepaliveMs) {
      this.#sendKeepalive(peer);
      peer.lastSentMs = nowMs;
    }
    return peer.lastSentMs + peer.natKeepaliveMs;
  }

  #noteSentByOthers(peer: Peer): void {
    const { associations } = this.#parts;
    for (const endpoint of peer.endpoints) {
      const usedMs =
        associations.outboundBySlot(endpoint - FIRST_SA_ENDPOINT)?.state[SaField.lastUsedMs] ?? 0;
      peer.lastSentMs = Math.max(peer.lastSentMs, usedMs);
    }
  }

  #sendKeepalive(peer: Peer): void {
    const { memory, devices, counters, captures } = this.#parts;
    const { arena, datagramsOut, scratchOffset } = memory;
    // All its endpoint rows lead to one place.
    for (const endpoint of peer.endpoints) {
      arena[scratchOffset] = NAT_KEEPALIVE_BYTE;
      datagramsOut.fill(0, 0, DatagramOut.stride);
      datagramsOut[DatagramOut.offset] = scratchOffset;
      datagramsOut[DatagramOut.length] = 1;
      datagramsOut[DatagramOut.endpoint] = endpoint;
      devices.udpSend(1);
      captures.tap?.sent(1);
      const sent = datagramsOut[DatagramOut.status] === 0;
      const cell = sent ? Counter.natKeepalivesSent : Drop.outboundSendFailed;
      counters[cell] = counters[cell]! + 1;
      return;
    }
  }
}
