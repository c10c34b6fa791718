// Where a peer is, by where its authentic messages and packets come from: RFC 7296 §2.23. With MOBIKE the peer says so
// itself (exchanges/mobike.ts).

import type { Address } from '../base/address.ts';
import type { Path } from './connection.ts';
import { isSameRemote, moveChildren } from './exchanges/mobike.ts';
import type { Turn } from './turn.ts';

/** RFC 7296 §2.23: an authentic message says where a peer behind a NAT is now. */
export function follow(turn: Turn, path: Path): void {
  const { path: before, isMobike, origin } = turn.state;
  // RFC 4555 §2: this side says where both are; what it learns is by which address of its own it does so.
  if (isMobike && origin.isOurs) return turn.set({ path: { ...before, localAddress: path.localAddress } });
  // RFC 4555 §3.8: with MOBIKE the peer says so, and has to prove it; the source of a message is nothing.
  if (isMobike || isSameRemote(before, path) || staysWhereItBegan(turn)) return;
  turn.set({ path });
  moveChildren(turn);
}

/** RFC 7296 §2.23: who is behind a NAT does not follow; whoever can rewrite sources could lead it anywhere. */
function staysWhereItBegan({ state: { isBehindNat, phase } }: Turn): boolean {
  // Before that the ports change from 500 to 4500.
  return isBehindNat && phase !== 'half-open' && phase !== 'authenticating';
}

/** RFC 7296 §2.23: an authentic ESP packet says it as well. Its Child SAs have followed already. */
export function followPacket(turn: Turn, remoteAddress: Address, remotePort: number): void {
  const { path, isMobike, phase } = turn.state;
  if (isMobike || phase === 'connecting' || staysWhereItBegan(turn)) return;
  // Where both share a port; IKE_SA_INIT goes to another.
  if (path.localPort === turn.context.floatedPort(path))
    turn.set({ path: { ...path, remoteAddress, remotePort } });
}
