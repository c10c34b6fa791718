// `list-policies`: the SPD. PROTECT is what strongSwan calls a trap, BYPASS what it passes, DISCARD what it drops.

import type { Command } from '../command.ts';
import { EMPTY, isYes, named, section, textOf } from '../message.ts';
import { selectorText } from '../../../wire/ike/selector-text.ts';

const KINDS = {
  PROTECT: { flag: 'trap', mode: 'TUNNEL' },
  BYPASS: { flag: 'pass', mode: 'PASS' },
  DISCARD: { flag: 'drop', mode: 'DROP' },
} as const;

export const listPolicies: Command = async (gateway, request, asking) => {
  const child = textOf(request, 'child');
  const ike = textOf(request, 'ike');
  for (const { name, action, peer, local, remote } of gateway.policies) {
    const { flag, mode } = KINDS[action];
    const isMeant = (child === undefined || child === name) && (ike === undefined || ike === peer);
    if (!isMeant || !isYes(request, flag)) continue;
    const policy = section({
      child: name,
      ike: peer,
      mode,
      'local-ts': local.map(selectorText),
      'remote-ts': remote.map(selectorText),
    });
    await asking.emit('list-policy', named(peer === undefined ? name : `${peer}/${name}`, policy));
  }
  return EMPTY;
};
