// Acquires of the data plane that IKE has not answered yet. A Child SA answers the flow that asked for it and every flow
// that it carries; the others of its policy have asked for themselves, and wait on (RFC 4301 §4.4.1.2).

import type { Address } from '../base/address.ts';
import type { AcquiringPacket } from '../dataplane/ike-events.ts';
import type { ChildDone } from '../ike/effects.ts';
import { carries, formatTrafficSelector } from '../ike/traffic-selectors.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import { PROTOCOL_MOBILITY } from '../wire/protocol-numbers.ts';

export interface WaitingAcquire {
  readonly id: number;
  /** Selectors of the packet, local and remote. */
  readonly trigger: readonly [TrafficSelector, TrafficSelector];
}

export interface AnsweredAcquire {
  readonly id: number;
  /** False: there is no Child SA, or it does not carry the packet. */
  readonly isCarried: boolean;
}

export class WaitingAcquires {
  readonly #byPolicy = new Map<string, readonly WaitingAcquire[]>();

  add(policy: string, acquire: WaitingAcquire): void {
    this.#byPolicy.set(policy, [...(this.#byPolicy.get(policy) ?? []), acquire]);
  }

  /** @returns those that are answered now; they no longer wait */
  take({ policy, trigger, child }: ChildDone): readonly AnsweredAcquire[] {
    const asked = trigger && formatTrigger(trigger);
    const answered: AnsweredAcquire[] = [];
    const left = (this.#byPolicy.get(policy) ?? []).filter((acquire) => {
      const isCarried = child !== undefined && carries(child, acquire.trigger);
      const isAnswered = isCarried || formatTrigger(acquire.trigger) === asked;
      if (isAnswered) answered.push({ id: acquire.id, isCarried });
      return !isAnswered;
    });
    if (left.length === 0) this.#byPolicy.delete(policy);
    else this.#byPolicy.set(policy, left);
    return answered;
  }
}

function formatTrigger(trigger: WaitingAcquire['trigger']): string {
  return trigger.map(formatTrafficSelector).join(' ');
}

/** What a packet that found no SA asks for. */
export function triggerOf(packet: AcquiringPacket): WaitingAcquire['trigger'] {
  const { localAddress, remoteAddress, protocol } = packet;
  // RFC 7296 §3.13.1: types stand on both sides, ports on their own.
  const type = protocol === PROTOCOL_MOBILITY ? packet.localPort : packet.icmp;
  return [
    selectorOf(localAddress, protocol, type ?? packet.localPort),
    selectorOf(remoteAddress, protocol, type ?? packet.remotePort),
  ];
}

function selectorOf(bytes: Uint8Array, protocol: number, number: number | undefined): TrafficSelector {
  const address: Address = { family: bytes.length === 4 ? 4 : 6, bytes };
  return {
    protocol,
    startPort: number ?? 0,
    endPort: number ?? 65_535,
    first: address,
    last: address,
  };
}
