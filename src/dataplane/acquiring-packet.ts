// The packet that asks for an SA, as the first traffic selectors of a request name it (RFC 7296 §2.9).

import { flowAddress, FlowWord, PORTS_UNKNOWN, type Flow } from '../spd/flow.ts';
import {
  PROTOCOL_DCCP,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_MOBILITY,
  PROTOCOL_SCTP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PROTOCOL_UDPLITE,
} from '../wire/protocol-numbers.ts';
import type { AcquiringPacket } from './ike-events.ts';

const WITH_PORTS: ReadonlySet<number> = new Set([
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PROTOCOL_SCTP,
  PROTOCOL_DCCP,
  PROTOCOL_UDPLITE,
]);

export function describeAcquiringPacket(flow: Flow): AcquiringPacket {
  const word = flow[FlowWord.protocol]!;
  const packet = {
    localAddress: flowAddress(flow, FlowWord.localAddress),
    remoteAddress: flowAddress(flow, FlowWord.remoteAddress),
    protocol: word & 0xff,
    localPort: undefined,
    remotePort: undefined,
    icmp: undefined,
  };
  if ((word & PORTS_UNKNOWN) !== 0) return packet;
  const ports = flow[FlowWord.ports]!;
  if (WITH_PORTS.has(packet.protocol))
    return { ...packet, localPort: ports >>> 16, remotePort: ports & 0xffff };
  switch (packet.protocol) {
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6:
      return { ...packet, icmp: ports };
    case PROTOCOL_MOBILITY:
      return { ...packet, localPort: ports >>> 16 };
    default:
      return packet;
  }
}
