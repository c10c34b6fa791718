// Policies in their order with what met them, and drops with the sentence of each.

import type { PolicyStatus } from '../../vici/extensions/policies.ts';
import type { DropStatus } from '../../vici/extensions/status.ts';
import type { PageState } from '../page-state.ts';
import { byId, element, KeyedList, setText } from './dom.ts';
import { countText } from './quantities.ts';

export class Databases {
  readonly #policies = new KeyedList<PolicyStatus>(byId('policies-rows'), makePolicy);
  readonly #drops = new KeyedList<DropStatus>(byId('drops-rows'), makeDrop);

  show({ policies, drops, counts }: PageState): void {
    const left =
      counts.policies > policies.length
        ? ` ${String(policies.length)} of ${String(counts.policies)} are shown, find the others by name.`
        : '';
    setText(
      byId('policies-caption'),
      `In the order in which packets meet them; what none of them matches is discarded.${left}`,
    );
    this.#policies.show(
      policies,
      ({ name }) => name,
      ({ name, action, priority, line, peer, local, remote }) =>
        JSON.stringify([name, action, priority, line, peer, local, remote]),
    );
    for (const { name, traffic } of policies) {
      setText(byId(`met out ${name}`), countText(traffic.packetsOut));
      setText(byId(`met in ${name}`), countText(traffic.packetsIn));
    }
    setText(
      byId('drops-caption'),
      drops.length === 0 ? 'Nothing was dropped.' : 'Since the start, the most frequent first.',
    );
    this.#drops.show(
      drops,
      ({ name }) => name,
      ({ name }) => name,
    );
    for (const { name, packets } of drops) setText(byId(`dropped ${name}`), countText(packets));
  }
}

function makePolicy({ name, action, priority, line, peer, local, remote }: PolicyStatus): Element {
  const place = line === 0 ? 'loaded' : `line ${String(line)}`;
  const with_ = peer === undefined ? '' : ` with ${peer}`;
  return element(
    'tr',
    {},
    element('td', { class: 'number' }, priority),
    element('th', { scope: 'row' }, name, element('div', { class: 'why' }, place)),
    element('td', {}, `${action}${with_}`),
    element('td', {}, local.join(' ')),
    element('td', {}, remote.join(' ')),
    element('td', { class: 'number', id: `met out ${name}` }),
    element('td', { class: 'number', id: `met in ${name}` }),
  );
}

function makeDrop({ name, sentence }: DropStatus): Element {
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    element('td', { class: 'number', id: `dropped ${name}` }),
    element('td', {}, sentence),
  );
}
