// `list-authorities` and `get-authorities`: the certification authorities that peers are trusted by. They are named by
// their subjects, because the configuration gives them no other name. No URIs: revocation lists are files.

import type { Command } from '../command.ts';
import { EMPTY, named, section, textOf } from '../message.ts';
import type { ViciGateway } from '../vici-gateway.ts';

/** Of an element name of vici. */
const MOST_NAME = 255;

export const getAuthorities: Command = (gateway) => section({ authorities: subjects(gateway) });

export const listAuthorities: Command = async (gateway, request, asking) => {
  const name = textOf(request, 'name');
  for (const subject of subjects(gateway)) {
    if (name !== undefined && name !== subject) continue;
    // An element name is ASCII.
    const shown = subject.replace(/[^\x20-\x7e]/g, '?').slice(0, MOST_NAME);
    await asking.emit('list-authority', named(shown, section({ cacert: subject })));
  }
  return EMPTY;
};

function subjects({ certificates }: ViciGateway): readonly string[] {
  const authorities = certificates.filter(({ isAuthority }) => isAuthority);
  return [...new Set(authorities.map(({ subject }) => subject ?? ''))];
}
