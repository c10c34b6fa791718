// "Populate from packet" (RFC 4301 §4.4.1.2): a policy can ask for an SA of its own for each value of a selector field
// that a packet has.

import { wholeFamily } from '../base/address.ts';
import type { Selectors } from '../spd/policy.ts';
import type { TrafficSelector } from '../wire/ike/payload.ts';
import type { ChildPolicy } from './connection.ts';
import { narrow } from './traffic-selectors.ts';

/** The policy as it holds for one packet; the same where it takes nothing from packets. */
export function populate(
  policy: ChildPolicy,
  trigger: readonly [local: TrafficSelector, remote: TrafficSelector] | undefined,
): ChildPolicy {
  const fields = policy.populateFromPacket ?? [];
  if (fields.length === 0 || trigger === undefined) return policy;
  const [local, remote] = trigger;
  return {
    ...policy,
    local: narrow([take(local, fields, 'localAddress', 'localPort')], policy.local),
    remote: narrow([take(remote, fields, 'remoteAddress', 'remotePort')], policy.remote),
  };
}

/** Of the packet's selector the fields that are named, and anything in the place of the others. */
function take(
  packet: TrafficSelector,
  fields: readonly (keyof Selectors)[],
  address: keyof Selectors,
  port: keyof Selectors,
): TrafficSelector {
  const takes = (field: keyof Selectors): boolean => fields.includes(field);
  const hasPort = takes(port) || takes('icmp');
  const { first, last } = takes(address) ? packet : wholeFamily(packet.first.family);
  return {
    // RFC 7296 §3.13.1: ports mean nothing without their protocol.
    protocol: takes('protocol') || hasPort ? packet.protocol : 0,
    startPort: hasPort ? packet.startPort : 0,
    endPort: hasPort ? packet.endPort : 65_535,
    first,
    last,
  };
}
