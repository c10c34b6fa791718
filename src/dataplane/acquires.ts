// What packets ask of IKE: RFC 4301 §4.4.1 has a packet of a PROTECT policy without an SA create one, RFC 2367 §3.1.6 calls that
// ACQUIRE. IKE is asked once for each policy, or for each flow where the policy takes selectors from the packet (PFP,
// RFC 4301 §4.4.1.2), until it answers; meanwhile a bounded number of packets waits. A packet that is let go is
// judged anew, by the policies and SAs that are there then.

import { FLOW_KEY_WORDS, FlowWord, PORTS_UNKNOWN, type Flow } from '../spd/flow.ts';
import type { Selectors } from '../spd/policy.ts';
import type { SpdEntry, SpdSnapshot } from '../spd/snapshot.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../wire/protocol-numbers.ts';
import { describeAcquiringPacket } from './acquiring-packet.ts';
import type { BatchMemory } from './batch-memory.ts';
import { ownerOfPolicy } from './capture/capture-tap.ts';
import type { Captures } from './capture/captures.ts';
import type { DataPlaneEvent } from './commands.ts';
import type { Counters } from './counters.ts';
import { Drop, PASS, type DropReason } from './drop-reasons.ts';
import { HoldQueue, type ShowDropped, type Waiter } from './hold-queue.ts';
import type { AcquireDone } from './ike-events.ts';
import { RefusedFlows } from './refused-flows.ts';

/** Of one policy at a time; only PFP makes more than one. */
const MOST_FLOWS = 64;
/** Longer than an exchange with all its retransmissions: whoever was asked has forgotten it. */
const ANSWER_TIMEOUT_MS = 180_000;
const FAMILY_BITS = 0xff00;
const EMPTY: readonly (keyof Selectors)[] = [];

/** What one policy waits for. */
interface PolicyAcquires {
  readonly policy: SpdEntry;
  readonly share: Waiter['share'];
  readonly acquires: Acquire[];
  /** Made when the first is refused. */
  refused: RefusedFlows | undefined;
}

interface Acquire extends Waiter {
  /** 0 once it is answered: then IKE is not asked again before `untilMs`. */
  id: number;
  /** The flow, as far as PFP takes it; the rest is 0. */
  readonly key: Int32Array;
  /** The flow that asked. */
  readonly asking: Int32Array;
  untilMs: number;
  /** What packets meet until then, where it was answered. */
  refusal: DropReason;
}

export interface AcquiresParts {
  readonly memory: BatchMemory;
  readonly counters: Counters;
  readonly captures: Pick<Captures, 'tap'>;
  /** Numbers up to this one are used up; left out: none is. */
  readonly lastAcquireId?: number;
  readonly onEvent: (event: DataPlaneEvent) => void;
}

export class Acquires {
  readonly #parts: AcquiresParts;
  readonly #queue: HoldQueue;
  readonly #byPolicy = new Map<string, PolicyAcquires>();
  readonly #byId = new Map<number, PolicyAcquires>();
  readonly #key = new Int32Array(FLOW_KEY_WORDS);
  #lastId: number;

  constructor(parts: AcquiresParts) {
    this.#parts = parts;
    this.#queue = new HoldQueue(parts.memory);
    this.#lastId = parts.lastAcquireId ?? 0;
  }

  /** Packets that waited are to be judged before any from the TUN. */
  get hasReleased(): boolean {
    return this.#queue.hasReleased;
  }

  /** Monotonic milliseconds at which {@link expireDue} has something to do. */
  get nextMs(): number {
    return this.#queue.nextMs;
  }

  /** Fills Frame rows with packets that waited. @returns their number */
  load(): number {
    return this.#queue.load();
  }

  /** The frames of the next batch come from the TUN. */
  startBatch(): void {
    this.#queue.startBatch();
  }

  /** Lets a packet wait for an SA, and asks IKE for one unless it was asked. @param row of the frame */
  hold(policy: SpdEntry, flow: Flow, row: number): DropReason {
    const known = this.#byPolicy.get(policy.name) ?? this.#add(policy);
    const hasAllPorts = this.#writeKey(flow, policy.sa?.populateFromPacket ?? EMPTY);
    const nowMs = this.#parts.memory.clock[0]!;
    let acquire = this.#find(known.acquires, hasAllPorts);
    if (acquire === undefined || nowMs >= acquire.untilMs) {
      // RFC 4301 §7: a later fragment asks for nothing, where ports would be asked for; it waits with its first.
      if (!hasAllPorts) return Drop.outboundFragmentPorts;
      if (known.refused?.has(flow, nowMs) === true) return Drop.outboundAcquireFailed;
      if (acquire === undefined) acquire = this.#create(known, nowMs);
      if (acquire === undefined) return Drop.outboundHoldFull;
      this.#ask(acquire, known, flow, nowMs);
    }
    if (acquire.id === 0) return acquire.refusal;
    return this.#queue.hold(row, acquire) ? PASS : Drop.outboundHoldFull;
  }

  /** IKE has answered. */
  answer({ id, outcome, retryAfterMs }: AcquireDone): void {
    const known = this.#byId.get(id);
    const acquires = known?.acquires ?? [];
    this.#byId.delete(id);
    const at = acquires.findIndex((one) => one.id === id);
    const acquire = acquires[at];
    // The policy went away, or IKE was asked again.
    if (known === undefined || acquire === undefined) return;
    const nowMs = this.#parts.memory.clock[0]!;
    const isInstalled = outcome === 'installed';
    if (isInstalled) this.#queue.release(acquire);
    else {
      const reason = Drop.outboundAcquireFailed;
      this.#count(reason, this.#queue.drop(acquire, this.#showing(reason)));
    }
    if (outcome === 'left-out') (known.refused ??= new RefusedFlows()).add(acquire.asking, nowMs);
    acquire.id = 0;
    acquire.refusal = isInstalled ? Drop.outboundOutsideSelectors : Drop.outboundAcquireFailed;
    acquire.untilMs = nowMs + retryAfterMs;
    if (retryAfterMs <= 0) acquires.splice(at, 1);
  }

  /** An SA has other selectors. */
  releaseAll(): void {
    this.#queue.releaseAll();
  }

  /** An outbound SA of the policy is there. */
  release(policyName: string): void {
    const known = this.#byPolicy.get(policyName);
    if (known !== undefined) this.#queue.releaseShare(known.share);
  }

  /** All that waits is judged by the new policies; what no policy of theirs waits for any more is forgotten. */
  usePolicies({ policies }: SpdSnapshot): void {
    this.releaseAll();
    const asking = new Set(policies.filter(({ sa }) => sa?.keying === 'ike').map(({ name }) => name));
    for (const [name, known] of this.#byPolicy) {
      known.refused = undefined;
      if (asking.has(name)) continue;
      this.#byPolicy.delete(name);
      for (const { id } of known.acquires) this.#byId.delete(id);
    }
  }

  /** Ends what has waited too long. @param clock of the batch memory */
  expireDue(clock: Float64Array): void {
    if (clock[0]! < this.#queue.nextMs) return;
    const reason = Drop.outboundHoldExpired;
    this.#count(reason, this.#queue.expire(this.#showing(reason)));
  }

  /** @returns undefined where nobody captures */
  #showing(reason: DropReason): ShowDropped | undefined {
    const { tap } = this.#parts.captures;
    return tap === undefined
      ? undefined
      : (offset, length, policy) => {
          tap.dropHeld(offset, length, reason, ownerOfPolicy(policy));
          tap.publish();
        };
  }

  #count(reason: DropReason, packets: number): void {
    const { counters } = this.#parts;
    counters[reason] = counters[reason]! + packets;
  }

  #add(policy: SpdEntry): PolicyAcquires {
    const added: PolicyAcquires = { policy, share: { blocks: 0 }, acquires: [], refused: undefined };
    this.#byPolicy.set(policy.name, added);
    return added;
  }

  #create({ policy, share, acquires }: PolicyAcquires, nowMs: number): Acquire | undefined {
    if (acquires.length === MOST_FLOWS) {
      const over = acquires.findIndex(({ untilMs }) => nowMs >= untilMs);
      if (over < 0) return undefined;
      for (const { id } of acquires.splice(over, 1)) this.#byId.delete(id);
    }
    const acquire = {
      ...{ id: 0, key: this.#key.slice(), asking: new Int32Array(FLOW_KEY_WORDS) },
      ...{ policy, share, untilMs: 0, refusal: PASS },
    };
    acquires.push(acquire);
    return acquire;
  }

  #ask(acquire: Acquire, known: PolicyAcquires, flow: Flow, nowMs: number): void {
    this.#byId.delete(acquire.id);
    acquire.id = ++this.#lastId;
    acquire.asking.set(flow.subarray(0, FLOW_KEY_WORDS));
    this.#byId.set(acquire.id, known);
    acquire.untilMs = nowMs + ANSWER_TIMEOUT_MS;
    this.#parts.onEvent({
      type: 'acquire',
      id: acquire.id,
      policy: known.policy.name,
      packet: describeAcquiringPacket(flow),
    });
  }

  /** @returns false where PFP asks for ports, and the packet does not show them */
  #writeKey(flow: Flow, fields: readonly (keyof Selectors)[]): boolean {
    const key = this.#key.fill(0);
    if (fields.length === 0) return true;
    const protocolWord = flow[FlowWord.protocol]!;
    const portBits = portBitsOf(protocolWord & 0xff, fields);
    for (let word = 0; word < 4; word++) {
      const local = FlowWord.localAddress + word;
      const remote = FlowWord.remoteAddress + word;
      if (fields.includes('localAddress')) key[local] = flow[local]!;
      if (fields.includes('remoteAddress')) key[remote] = flow[remote]!;
    }
    key[FlowWord.ports] = flow[FlowWord.ports]! & portBits;
    key[FlowWord.protocol] = protocolWord & (FAMILY_BITS | (fields.includes('protocol') ? 0xff : 0));
    return portBits === 0 || (protocolWord & PORTS_UNKNOWN) === 0;
  }

  #find(acquires: readonly Acquire[], hasAllPorts: boolean): Acquire | undefined {
    for (const acquire of acquires) if (this.#isFor(acquire.key, hasAllPorts)) return acquire;
    return undefined;
  }

  #isFor(key: Int32Array, hasAllPorts: boolean): boolean {
    for (let word = 0; word < FLOW_KEY_WORDS; word++) {
      if (key[word] !== this.#key[word] && (hasAllPorts || word !== FlowWord.ports)) return false;
    }
    return true;
  }
}

function portBitsOf(protocol: number, fields: readonly (keyof Selectors)[]): number {
  if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) return fields.includes('icmp') ? 0xffff : 0;
  return (fields.includes('localPort') ? 0xffff << 16 : 0) | (fields.includes('remotePort') ? 0xffff : 0);
}
