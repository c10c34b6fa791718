// What a change of the configuration means for manually keyed SAs (RFC 4301 §4.4.2, §4.5.1): which pairs stay as they
// are, which only carry something else, and which are replaced. Decides; changes nothing.

import type { SadEdit } from '../sad/sad-edit.ts';
import type { SaIdentifier } from '../sad/sa-record.ts';
import type { Endpoint } from '../sad/security-association.ts';
import { NO_LIFETIME } from '../spd/sa-lifetime.ts';
import { DEFAULT_TUNNEL_OPTIONS } from '../spd/tunnel-options.ts';
import { sequenceKeyId } from '../state/sequence-key-id.ts';
import type { KeyedPolicy } from './manual-keying.ts';

/** A pair of SAs as the configuration wants it, without its keys. */
export interface ManualPair {
  readonly entry: KeyedPolicy;
  /** undefined: the peer is found by its packets. */
  readonly endpoint: Endpoint | undefined;
  readonly outbound: Extract<SaIdentifier, { direction: 'outbound' }>;
  readonly inbound: Extract<SaIdentifier, { direction: 'inbound' }>;
  /** Where two differ in this, they are two pairs. */
  readonly identity: string;
  /** Where two differ in this only, the pair goes on with its counters and its window. */
  readonly amendable: string;
  /** Names the inbound key, not its bytes. */
  readonly inboundKeyId: string;
}

export interface ManualPlan {
  /** In the order in which they are to be made; the new SAs come behind them. */
  readonly edits: readonly SadEdit[];
  /** Pairs that need new SAs. */
  readonly missing: readonly ManualPair[];
  /** Policies whose SA has ended, and whose key is the same: it is not used any further. */
  readonly ended: readonly string[];
}

/** Reads the keys; call it before they are zeroed. */
export function describePair(entry: KeyedPolicy, endpoint: Endpoint | undefined): ManualPair {
  const { policy, specification, transform, outbound, inbound } = entry;
  const { lifetime, tunnel, ...fixed } = specification;
  const inboundKeyId = sequenceKeyId(transform.name, entry.inboundKey);
  const outboundKeyId = sequenceKeyId(transform.name, entry.outboundKey);
  return {
    entry,
    endpoint,
    outbound: { direction: 'outbound', peer: specification.peer, spi: outbound.spi },
    inbound: { direction: 'inbound', spi: inbound.spi },
    identity: JSON.stringify([fixed, outbound.spi, inbound.spi, outboundKeyId, inboundKeyId]),
    amendable: JSON.stringify([policy.selectors, lifetime, tunnel, endpoint]),
    inboundKeyId,
  };
}

/** @param isThere says whether the SAD has an SA still */
export function planManualSas(
  before: ReadonlyMap<string, ManualPair>,
  next: ReadonlyMap<string, ManualPair>,
  isThere: (sa: SaIdentifier) => boolean,
): ManualPlan {
  const removed: SadEdit[] = [];
  const amended: SadEdit[] = [];
  const missing: ManualPair[] = [];
  const ended: string[] = [];
  for (const [name, pair] of before) {
    const wanted = next.get(name);
    const sas = [pair.outbound, pair.inbound].filter(isThere);
    if (wanted?.identity !== pair.identity) {
      // RFC 4301 §4.4.2: what the policy no longer asks for must not carry its traffic.
      removed.push(...sas.map((sa): SadEdit => ({ type: 'delete', sa })));
      continue;
    }
    if (sas.length < 2) ended.push(name);
    if (wanted.amendable !== pair.amendable) amended.push(...sas.map((sa) => amend(sa, wanted)));
  }
  for (const [name, pair] of next) if (before.get(name)?.identity !== pair.identity) missing.push(pair);
  return { edits: [...removed, ...amended], missing, ended };
}

function amend(sa: SaIdentifier, { entry, endpoint }: ManualPair): SadEdit {
  const { policy, specification } = entry;
  const { selectors } = policy;
  return {
    type: 'amend',
    sa,
    amendment: {
      selectors,
      lifetime: specification.lifetime ?? NO_LIFETIME,
      tunnel: specification.tunnel ?? DEFAULT_TUNNEL_OPTIONS,
      ...(endpoint && { endpoint }),
    },
  };
}
