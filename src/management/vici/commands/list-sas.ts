// `list-sas`: streams IKE SAs with their Child SAs. Nothing blocks, so `noblock` changes nothing.

import type { Command } from '../command.ts';
import { EMPTY } from '../message.ts';
import { ikeSaMessage } from '../sa-section.ts';
import { isAboutChildren, meansChildSa, meansIkeSa, readFilter } from '../sa-filter.ts';

/** In one event, so that it stays far below what a packet may have. */
const MOST_CHILDREN = 50;

export const listSas: Command = async (gateway, request, asking) => {
  const filter = readFilter(request);
  for (const ikeSa of gateway.ikeSas) {
    if (!meansIkeSa(filter, ikeSa)) continue;
    const children = ikeSa.children.filter((child) => meansChildSa(filter, child));
    if (children.length === 0 && isAboutChildren(filter)) continue;
    for (let at = 0; at === 0 || at < children.length; at += MOST_CHILDREN)
      await asking.emit('list-sa', ikeSaMessage(ikeSa, children.slice(at, at + MOST_CHILDREN)));
    if (asking.signal.aborted) break;
  }
  return EMPTY;
};
