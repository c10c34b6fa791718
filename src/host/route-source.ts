// The source address that the host's own packets take on a route into the TUN.

import { formatAddress, rangeContains } from '../base/address.ts';
import type { Address, AddressFamily, AddressRange } from '../base/address.ts';
import type { HostAddress, HostFacts } from './host-facts.ts';

/** An address of the host that the local selectors allow; rather not one that the gateway talks to peers from. */
export function chooseSource(facts: HostFacts, local: readonly AddressRange[]): HostAddress | undefined {
  const inside = facts.addresses.filter(({ address }) =>
    local.some((range) => rangeContains(range, address)),
  );
  const usable = inside.filter((candidate) => !candidate.tentative);
  return usable.find((candidate) => !isOuter(facts, candidate.address)) ?? usable[0] ?? inside[0];
}

/** What the host would take without the TUN, as far as the way to a peer tells. */
export function outerSource(facts: HostFacts, family: AddressFamily): string | undefined {
  return facts.paths.find((path) => path.peer.address.family === family)?.source;
}

function isOuter(facts: HostFacts, address: Address): boolean {
  const text = formatAddress(address);
  return facts.paths.some((path) => path.source === text);
}
