// `get-counters` and `reset-counters`: messages of IKE and what went wrong with them. They are counted for the whole
// gateway and not for each connection.

import { failure, SUCCESS, type Command } from '../command.ts';
import { isYes, named, section, textOf, type ViciSection } from '../message.ts';

export const getCounters: Command = (gateway, request) => {
  const refusal = refuseName(request);
  if (refusal !== undefined) return refusal;
  const counters = new Map([...gateway.counters].map(([name, count]) => [name, String(count)]));
  // An empty name: of all connections.
  return section({ counters: named('', counters), success: 'yes' });
};

export const resetCounters: Command = (gateway, request) => {
  const refusal = refuseName(request);
  if (refusal !== undefined) return refusal;
  gateway.resetCounters();
  return SUCCESS;
};

function refuseName(request: ViciSection): ViciSection | undefined {
  const name = isYes(request, 'all') ? undefined : textOf(request, 'name');
  return name === undefined
    ? undefined
    : failure(`no counters of '${name}': they are kept for the whole gateway only`);
}
