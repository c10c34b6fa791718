// `isthmus-policies`, an extension: the SPD in the order in which packets meet it, each entry as an event `isthmus-policy`.

import type { Command } from '../command.ts';
import { POLICY_STATUS } from '../extensions/policies.ts';
import { CARRYING } from '../extensions/carrying.ts';
import { EMPTY } from '../message.ts';
import { selectorText } from '../../../wire/ike/selector-text.ts';
import type { ChildSaView } from '../vici-gateway.ts';

export const isthmusPolicies: Command = async (gateway, _request, asking) => {
  const childrenOf = new Map<string, ChildSaView[]>();
  for (const { children } of gateway.ikeSas)
    for (const child of children) {
      const known = childrenOf.get(child.name);
      if (known === undefined) childrenOf.set(child.name, [child]);
      else known.push(child);
    }
  for (const policy of gateway.policies) {
    if (asking.signal.aborted) break;
    const { name, action } = policy;
    const children = childrenOf.get(name) ?? [];
    const isProtected = action === 'PROTECT';
    const event = POLICY_STATUS.encode({
      ...policy,
      local: policy.local.map(selectorText),
      remote: policy.remote.map(selectorText),
      childSas: isProtected ? children.filter(({ state }) => CARRYING.has(state)).length : undefined,
      traffic: isProtected ? gateway.trafficOf(name) : gateway.hitsOf(name),
    });
    await asking.emit('isthmus-policy', event);
  }
  return EMPTY;
};
