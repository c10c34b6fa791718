// Lifetimes of the SAs of one worker (RFC 4301 §4.4.2.1): a soft limit is told once, a hard one ends the SA, with
// every key zeroed, before the packet that would cross it. RFC 4303 §3.3.3: so does the last sequence number.
// Time limits come true whether or not packets come.

import type { ExpireCause } from '../sad/sa-limits.ts';
import { countProtected, crossesHardLimit, hardCause, meetsSoftLimit, softCause } from '../sad/sa-limits.ts';
import { SaField } from '../sad/sa-state.ts';
import type { SaReference } from '../sad/security-association.ts';
import type { Associations, InboundSa, OutboundSa } from './associations.ts';
import type { DataPlaneEvent } from './commands.ts';
import { Deadlines } from './deadlines.ts';

type Direction = 'inbound' | 'outbound';

export class Lifetimes {
  readonly #associations: Associations;
  readonly #onEvent: (event: DataPlaneEvent) => void;
  readonly #deadlines = new Deadlines();

  constructor(associations: Associations, onEvent: (event: DataPlaneEvent) => void) {
    this.#associations = associations;
    this.#onEvent = onEvent;
  }

  /** Monotonic milliseconds at which {@link expireDue} has something to do; Infinity where nothing has a time limit. */
  get nextMs(): number {
    return this.#deadlines.nextMs;
  }

  /** Watches the clock for an SA that is new, or whose limits are. */
  watch(direction: Direction, reference: SaReference): void {
    const sa = this.#find(direction, reference);
    if (sa === undefined || ('worker' in sa && !this.#associations.sends(sa))) return;
    const { slot, id, state } = sa;
    if (state[SaField.softExpired] === 0)
      this.#deadlines.add({ atMs: state[SaField.softAtMs]!, direction, sa: { slot, id } });
    this.#deadlines.add({ atMs: state[SaField.hardAtMs]!, direction, sa: { slot, id } });
  }

  /**
   * Ends, or tells of, every SA whose time has come. Never called while a batch is in work.
   * @param clock of the batch memory; its number itself would be boxed on the way
   */
  expireDue(clock: Float64Array): void {
    while (clock[0]! >= this.#deadlines.nextMs) {
      const nowMs = clock[0]!;
      const due = this.#deadlines.takeDue(nowMs);
      if (due === undefined) return;
      const sa = this.#find(due.direction, due.sa);
      if (sa === undefined) continue;
      if (nowMs >= sa.state[SaField.hardAtMs]!) this.#end(due.direction, sa, 'time');
      else if (nowMs >= sa.state[SaField.softAtMs]!) this.#tellSoft(due.direction, sa, 'time');
    }
  }

  /** True where an outbound SA may send so many packets more, of so many bytes together. */
  admits(sa: OutboundSa, packets: number, bytes: number): boolean {
    const { state } = sa;
    return (
      !crossesHardLimit(state, packets, bytes) &&
      state[SaField.sequence]! + packets <= state[SaField.hardSequence]!
    );
  }

  /** Ends an outbound SA that does not {@link admits admit} packets. What is queued under it must have left. */
  endOutbound(sa: OutboundSa, packets: number, bytes: number): void {
    const cause = crossesHardLimit(sa.state, packets, bytes) ? hardCause(sa.state, packets) : 'sequence';
    this.#end('outbound', sa, cause);
  }

  /** Counts what an outbound SA has sent. */
  countOutbound(sa: OutboundSa, packets: number, bytes: number): void {
    countProtected(sa.state, packets, bytes);
    if (meetsSoftLimit(sa.state)) this.#tellSoft('outbound', sa, softCause(sa.state));
  }

  /**
   * Counts an authenticated packet; a forged one must not shorten a lifetime.
   * @returns false where it would cross a hard limit: then the SA has ended
   */
  countInbound(sa: InboundSa, bytes: number): boolean {
    const { state } = sa;
    if (crossesHardLimit(state, 1, bytes)) {
      this.#end('inbound', sa, hardCause(state, 1));
      return false;
    }
    countProtected(state, 1, bytes);
    if (meetsSoftLimit(state)) this.#tellSoft('inbound', sa, softCause(state));
    return true;
  }

  clear(): void {
    this.#deadlines.clear();
  }

  #find(direction: Direction, reference: SaReference): OutboundSa | InboundSa | undefined {
    return direction === 'outbound'
      ? this.#associations.outboundBy(reference)
      : this.#associations.inboundBy(reference);
  }

  #tellSoft(direction: Direction, sa: OutboundSa | InboundSa, cause: ExpireCause): void {
    if (sa.state[SaField.softExpired] !== 0) return;
    sa.state[SaField.softExpired] = 1;
    this.#tell(direction, sa, false, cause);
  }

  #end(direction: Direction, sa: OutboundSa | InboundSa, cause: ExpireCause): void {
    if (direction === 'outbound') this.#associations.removeOutbound(sa);
    else this.#associations.removeInbound(sa);
    this.#tell(direction, sa, true, cause);
  }

  #tell(direction: Direction, { slot, id }: SaReference, hard: boolean, cause: ExpireCause): void {
    this.#onEvent({ type: 'expire', direction, sa: { slot, id }, hard, cause });
  }
}
