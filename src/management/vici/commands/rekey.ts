// `rekey`: replaces IKE SAs or Child SAs by new ones with new keys. It does not wait for them.

import { failure, type Command } from '../command.ts';
import { isYes, section, ViciRequestError } from '../message.ts';
import { isAboutAnything, isAboutChildren, meansChildSa, meansIkeSa, readFilter } from '../sa-filter.ts';

const REKEYED_STATES: ReadonlySet<string> = new Set(['INSTALLED', 'REKEYING', 'ESTABLISHED']);

export const rekey: Command = (gateway, request) => {
  const filter = readFilter(request);
  if (!isAboutAnything(filter)) throw new ViciRequestError('missing rekey selector');
  if (isYes(request, 'reauth'))
    throw new ViciRequestError('reauthentication is not supported: terminate the IKE SA and initiate it');
  const ikeSas = [...gateway.ikeSas].filter((ikeSa) => meansIkeSa(filter, ikeSa));
  const byIke = ikeSas.filter(({ state }) => state !== 'MANUAL');
  let matches = 0;
  if (isAboutChildren(filter)) {
    const children = byIke.flatMap((ikeSa) => ikeSa.children.filter((child) => meansChildSa(filter, child)));
    for (const { uniqueId } of children.filter(({ state }) => REKEYED_STATES.has(state))) {
      gateway.rekeyChildSa(uniqueId);
      matches++;
    }
  } else {
    for (const { uniqueId } of byIke.filter(({ state }) => REKEYED_STATES.has(state))) {
      gateway.rekeyIkeSa(uniqueId);
      matches++;
    }
  }
  if (matches > 0) return section({ success: 'yes', matches });
  const isManual = ikeSas.some(
    ({ state, children }) =>
      state === 'MANUAL' &&
      (!isAboutChildren(filter) || children.some((child) => meansChildSa(filter, child))),
  );
  return failure(
    isManual
      ? 'these SAs are keyed by hand and cannot be rekeyed: write other keys, and reload'
      : 'no matching SAs to rekey found',
    { matches },
  );
};
