// Why packets and messages of IKE were dropped, with the sentence that a person reads, for management.

import { readDrops } from '../dataplane/counters.ts';
import { DROP_REASONS } from '../dataplane/drop-reasons.ts';
import { GUARD_REASONS } from '../host/guard-reasons.ts';
import type { GuardCounts } from '../host/guard.ts';
import type { IkeDrops } from '../ike/ike-engine-parts.ts';
import type { DropTotal } from '../management/http/metrics/metrics-source.ts';
import type { DropStatus } from '../management/vici/extensions/status.ts';

interface IkeDropReason {
  readonly name: string;
  readonly sentence: string;
}

/** Messages of IKE that were met with nothing. */
const IKE_DROP_REASONS: Readonly<Record<keyof IkeDrops, IkeDropReason>> = {
  malformed: { name: 'ike-malformed', sentence: 'A message of IKE is not as RFC 7296 says.' },
  ikeV1: { name: 'ike-version-1', sentence: 'A message is of IKEv1, which is not spoken here.' },
  unknownSpi: { name: 'ike-unknown-spi', sentence: 'No IKE SA has the SPIs of the message.' },
  flooded: { name: 'ike-flooded', sentence: 'Too many first messages of IKE came at once.' },
  tooLong: { name: 'ike-too-long', sentence: 'A message of IKE has more fragments than are kept.' },
  failed: { name: 'ike-failed', sentence: 'A message of IKE met an unforeseen error; the log has it.' },
};

/** Every reason, whether it was met or not. @param guard by name; what is not in it was not met */
export function* dropTotals(
  counters: Float64Array,
  ikeDrops: Readonly<IkeDrops> | undefined,
  guard: Readonly<Record<string, number>>,
): Generator<DropTotal> {
  for (const [index, { name, direction }] of DROP_REASONS.entries())
    if (index > 0) yield { reason: name, direction, packets: counters[index] ?? 0 };
  for (const [key, { name }] of Object.entries(IKE_DROP_REASONS))
    yield { reason: name, direction: 'inbound', packets: ikeDrops?.[key as keyof IkeDrops] ?? 0 };
  for (const { name } of Object.values(GUARD_REASONS))
    yield { reason: name, direction: 'inbound', packets: guard[name] ?? 0 };
}

/** Those that were met, by name. @param drops undefined: there is no IKE */
export function readIkeDrops(drops: Readonly<IkeDrops> | undefined): Record<string, number> {
  const counts = ikeDropEntries(drops).map(([{ name }, count]) => [name, count] as const);
  return Object.fromEntries(counts);
}

/** The most frequent first. */
export function viewDrops(
  counters: Float64Array,
  ikeDrops: Readonly<IkeDrops> | undefined,
): readonly DropStatus[] {
  const sentences = new Map(DROP_REASONS.map(({ name, sentence }) => [name, sentence]));
  const packets = Object.entries(readDrops(counters)).map(([name, count]) => ({
    ...{ name, packets: count, sentence: sentences.get(name) ?? '' },
  }));
  const messages = ikeDropEntries(ikeDrops).map(([reason, count]) => ({ ...reason, packets: count }));
  return [...packets, ...messages].sort((one, other) => other.packets - one.packets);
}

/** Packets in clear that the guard has dropped. */
export function viewGuardDrops({ drops }: GuardCounts): readonly DropStatus[] {
  return Object.values(GUARD_REASONS)
    .map(({ name, sentence }) => ({ name, packets: drops[name] ?? 0, sentence }))
    .filter(({ packets }) => packets > 0);
}

function ikeDropEntries(
  drops: Readonly<IkeDrops> | undefined,
): readonly (readonly [IkeDropReason, number])[] {
  if (drops === undefined) return [];
  const reasons = Object.entries(IKE_DROP_REASONS) as [keyof IkeDrops, IkeDropReason][];
  return reasons.flatMap(([key, reason]) => (drops[key] > 0 ? [[reason, drops[key]] as const] : []));
}
