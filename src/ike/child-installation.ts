// A Child SA that was agreed upon becomes SAs: keys, what is installed when, and the path that it has. RFC 7296 §2.8, §2.17;
// UPDATE and ADD as RFC 2367 means them.

import { keyMaterialBytes } from '../crypto/esp-transform.ts';
import { childKeyMaterial, type Nonces } from '../crypto/ike-key-material.ts';
import type { ChildSa } from './child-sa.ts';
import { peerOf, type Path } from './connection.ts';
import type { IkeSaState } from './ike-sa-state.ts';
import { selectorsText } from '../wire/ike/selector-text.ts';
import type { Turn } from './turn.ts';

/** The keys of a Child SA come from these. */
export interface ChildSecrets {
  readonly nonces: Nonces;
  readonly sharedSecret: Uint8Array | undefined;
  /** This side sent the request of the exchange. */
  readonly isInitiator: boolean;
}

/** Derives the keys and asks for the SAs: inbound at once, outbound now or when the peer has it. */
export function install(turn: Turn, child: ChildSa, secrets: ChildSecrets, withOutbound: boolean): void {
  const { security, connection } = turn.state;
  const path = espPath(turn.state);
  if (security === undefined || connection === undefined)
    throw new RangeError('a Child SA without an IKE SA');
  const { nonces, sharedSecret, isInitiator } = secrets;
  const bytes = keyMaterialBytes(child.transform);
  const keys = childKeyMaterial(security.prf, security.keys.skD, nonces, bytes, sharedSecret);
  const [inbound, outbound] = isInitiator
    ? [keys.responderToInitiator, keys.initiatorToResponder]
    : [keys.initiatorToResponder, keys.responderToInitiator];
  sharedSecret?.fill(0);
  const peer = peerOf(turn.state);
  turn.add({ type: 'install-inbound', child, peer, path, keyMaterial: inbound });
  const waitingKeys = new Map(turn.state.waitingKeys);
  if (withOutbound) turn.add({ type: 'install-outbound', child, peer, path, keyMaterial: outbound });
  else waitingKeys.set(child.inboundSpi, outbound);
  turn.set({ children: [...turn.state.children, child], waitingKeys });
}

/** RFC 4555 §3.7: nobody is sent packets who does not want them. Whoever began the IKE SA says itself where both are. */
export function espPath({ isMobike, origin, path, provedPath }: IkeSaState): Path {
  return isMobike && !origin.isOurs ? provedPath : path;
}

/** The peer has the new SA: packets leave by it now. */
export function useOutbound(turn: Turn, child: ChildSa): void {
  const { waitingKeys, connection, children } = turn.state;
  const keyMaterial = waitingKeys.get(child.inboundSpi);
  if (keyMaterial === undefined || connection === undefined) return;
  const installed: ChildSa = { ...child, phase: 'installed' };
  const left = new Map(waitingKeys);
  left.delete(child.inboundSpi);
  turn.set({
    waitingKeys: left,
    children: children.map((one) => (one.inboundSpi === child.inboundSpi ? installed : one)),
  });
  const peer = peerOf(turn.state);
  turn.add({ type: 'install-outbound', child: installed, peer, path: espPath(turn.state), keyMaterial });
}

export function describeChild(child: ChildSa): DescribedChild {
  return {
    policy: child.policy,
    spis: `${formatSpi(child.inboundSpi)} in, ${formatSpi(child.outboundSpi)} out`,
    transform: child.transform.name + (child.esn ? '-esn' : ''),
    local: selectorsText(child.local),
    remote: selectorsText(child.remote),
  };
}

/** As docs/logs.md has it. */
type DescribedChild = Readonly<Record<'policy' | 'spis' | 'transform' | 'local' | 'remote', string>>;

function formatSpi(spi: number): string {
  return `0x${spi.toString(16).padStart(8, '0')}`;
}
