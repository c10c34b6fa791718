// The SAs of one worker, as packets find them: inbound by SPI, outbound by policy (RFC 4301 §4.4.2).

import { ReplayWindow } from '../sad/replay-window.ts';
import type { SaState } from '../sad/sa-state.ts';
import type { InboundSecurityAssociation, OutboundSecurityAssociation } from '../sad/security-association.ts';
import { SequenceCounter } from '../sad/sequence-counter.ts';
import { NO_SA, SpiTable } from '../sad/spi-table.ts';
import type { EspTransform } from '../crypto/esp-transform.ts';
import type { Policy } from '../spd/policy.ts';
import { SelectorMatcher } from '../spd/selector-match.ts';
import type { Devices } from './devices.ts';
import type { Engine } from './engine.ts';

/** An outbound SA in the worker that sends it. */
export interface OutboundSa {
  readonly slot: number;
  readonly transform: EspTransform;
  readonly endpoint: number;
  readonly policy: string;
  readonly selectors: SelectorMatcher;
  readonly counter: SequenceCounter;
  readonly state: SaState;
}

/** An inbound SA in the worker that owns its replay window. */
export interface InboundSa {
  readonly slot: number;
  readonly transform: EspTransform;
  readonly esn: boolean;
  readonly mode: 'tunnel';
  readonly peer: string;
  readonly policy: string;
  readonly selectors: SelectorMatcher;
  readonly window: ReplayWindow;
  readonly state: SaState;
}

export class Associations {
  readonly #engine: Engine;
  readonly #devices: Devices;
  readonly #outbound = new Map<string, OutboundSa>();
  #inbound: (InboundSa | undefined)[] = [];
  #spis = new SpiTable();
  #outboundByPolicy: readonly (OutboundSa | undefined)[] = [];
  #policies: readonly Policy[] = [];

  constructor(engine: Engine, devices: Devices) {
    this.#engine = engine;
    this.#devices = devices;
  }

  /** The SA that carries the traffic of a policy of the current snapshot. */
  outboundOf(policyIndex: number): OutboundSa | undefined {
    return this.#outboundByPolicy[policyIndex];
  }

  /** @param spi signed or unsigned 32 bits */
  inboundBySpi(spi: number): InboundSa | undefined {
    const slot = this.#spis.find(spi);
    return slot === NO_SA ? undefined : this.#inbound[slot];
  }

  inboundBySlot(slot: number): InboundSa | undefined {
    return this.#inbound[slot];
  }

  outboundByPolicyName(policy: string): OutboundSa | undefined {
    return this.#outbound.get(policy);
  }

  /** Links the SAs to the entries of a new snapshot; the slots change, no flow cache needs to. */
  usePolicies(policies: readonly Policy[]): void {
    this.#policies = policies;
    this.#outboundByPolicy = policies.map((policy) => this.#outbound.get(policy.name));
  }

  installOutbound(sa: OutboundSecurityAssociation): void {
    this.#engine.installOutbound(sa.slot, sa);
    sa.keyMaterial.fill(0);
    this.#engine.grantSequenceNumbers(sa.slot, sa.block.first, sa.block.end);
    const { socket, address, port } = sa.endpoint;
    this.#devices.setEndpoint(sa.slot, socket, address, port);
    this.#outbound.set(sa.policy, {
      slot: sa.slot,
      transform: sa.transform,
      endpoint: sa.slot,
      policy: sa.policy,
      selectors: new SelectorMatcher(sa.selectors),
      counter: new SequenceCounter(sa.state, sa.block),
      state: sa.state,
    });
    this.usePolicies(this.#policies);
  }

  installInbound(sa: InboundSecurityAssociation): void {
    this.#engine.installInbound(sa.slot, sa);
    sa.keyMaterial.fill(0);
    this.#inbound[sa.slot] = {
      slot: sa.slot,
      transform: sa.transform,
      esn: sa.esn,
      mode: sa.mode,
      peer: sa.peer,
      policy: sa.policy,
      selectors: new SelectorMatcher(sa.selectors),
      window: new ReplayWindow(sa.replayWindowPackets, sa.replayBitmap, sa.state),
      state: sa.state,
    };
    this.#spis.set(sa.spi, sa.slot);
  }

  /** Frees and zeroes the cipher context of every SA. */
  removeAll(): void {
    for (const sa of this.#outbound.values()) this.#engine.remove(sa.slot);
    for (const sa of this.#inbound) if (sa !== undefined) this.#engine.remove(sa.slot);
    this.#outbound.clear();
    this.#inbound = [];
    this.#spis = new SpiTable();
    this.usePolicies([]);
  }
}
