// `terminate`: deletes Child SAs, or IKE SAs with all that is theirs, and tells the peers.

import { failure, type Command } from '../command.ts';
import { withControlLog } from '../control-log.ts';
import { integerOf, isYes, section, ViciRequestError } from '../message.ts';
import {
  isAboutAnything,
  isAboutChildren,
  meansChildSa,
  meansIkeSa,
  readFilter,
  type SaFilter,
} from '../sa-filter.ts';
import { until } from '../until.ts';
import type { IkeSaView, ViciGateway } from '../vici-gateway.ts';

export const terminate: Command = (gateway, request, asking) => {
  const filter = readFilter(request);
  const timeoutMs = integerOf(request, 'timeout') ?? 0;
  const force = isYes(request, 'force');
  if (!isAboutAnything(filter)) throw new ViciRequestError('missing terminate selector');
  const matching = meant(gateway, filter);
  const { ids, isManual } = matching;
  if (ids.length === 0)
    return failure(isManual ? KEYED_BY_HAND : 'no matching SAs to terminate found', { matches: 0 });
  const isThere = (id: number): boolean =>
    isAboutChildren(filter) ? gateway.hasChildSa(id) : gateway.hasIkeSa(id);
  const left = (): number => ids.filter(isThere).length;
  return withControlLog(gateway, request, asking, async () => {
    for (const id of ids)
      if (isAboutChildren(filter)) gateway.endChildSa(id);
      // With a time the peer has so long to confirm it; strongSwan has it so.
      else gateway.endIkeSa(id, force && timeoutMs <= 0);
    const isGone = timeoutMs < 0 || (await until(gateway, () => left() === 0, { timeoutMs, ...asking }));
    if (!isGone && force && !isAboutChildren(filter)) {
      for (const id of ids) gateway.endIkeSa(id, true);
      await until(gateway, () => left() === 0, { timeoutMs: FORCE_LIMIT_MS, ...asking });
    }
    const terminated = timeoutMs < 0 ? ids.length : ids.length - left();
    const counts = { matches: ids.length, terminated };
    return terminated === ids.length
      ? section({ success: 'yes', ...counts })
      : failure(`not terminated after ${timeoutMs} ms`, counts);
  });
};

/** Without the peer it takes no longer than the data plane needs. */
const FORCE_LIMIT_MS = 1000;
const KEYED_BY_HAND = 'these SAs are keyed by hand: they end when the policy is taken from the configuration';

function meant(
  { ikeSas }: ViciGateway,
  filter: SaFilter,
): { readonly ids: readonly number[]; readonly isManual: boolean } {
  const children = (ikeSa: IkeSaView): readonly number[] =>
    ikeSa.children
      .filter((child) => meansChildSa(filter, child) && child.state !== 'REKEYED')
      .map(({ uniqueId }) => uniqueId);
  const found = [...ikeSas].filter((ikeSa) => meansIkeSa(filter, ikeSa));
  const byIke = found.filter(({ state }) => state !== 'MANUAL');
  // One that was replaced is being deleted, perhaps by the peer; nobody waits for that.
  const inUse = byIke.filter(({ state }) => state !== 'REKEYED');
  return {
    ids: isAboutChildren(filter) ? byIke.flatMap(children) : inUse.map(({ uniqueId }) => uniqueId),
    isManual: found.some(
      (ikeSa) => ikeSa.state === 'MANUAL' && (!isAboutChildren(filter) || children(ikeSa).length > 0),
    ),
  };
}
