// Where no policy takes a packet: which one is nearest, and by what it misses it. RFC 4301 §4.4.1.1.

import { policyPlace } from '../../management/config/policy-place.ts';
import { selectorText } from '../../wire/ike/selector-text.ts';
import { trafficSelectorsOf } from '../../ike/traffic-selectors.ts';
import type { Flow } from '../../spd/flow.ts';
import { NO_SELECTORS, type Selectors } from '../../spd/policy.ts';
import { Match, SelectorMatcher } from '../../spd/selector-match.ts';
import type { PolicyConfig } from '../../management/config/gateway-config.ts';

/** As the configuration writes them. */
const NAMES: Readonly<Record<keyof Selectors, string>> = {
  localAddress: 'local_address',
  remoteAddress: 'remote_address',
  protocol: 'protocol',
  localPort: 'local_port',
  remotePort: 'remote_port',
  icmp: 'icmp',
};

/** @param policies in order @returns undefined where there is none */
export function describeNearest(policies: readonly PolicyConfig[], flow: Flow): string | undefined {
  let nearest: PolicyConfig | undefined;
  let fewest: readonly (keyof Selectors)[] = [];
  for (const policy of policies) {
    const misses = missesOf(policy.selectors, flow);
    if (nearest !== undefined && misses.length >= fewest.length) continue;
    nearest = policy;
    fewest = misses;
  }
  if (nearest === undefined) return undefined;
  const fields = fewest.map((field) => NAMES[field]).join(' and ');
  return `nearest is ${nearest.name} (${policyPlace(nearest.line)}, ${sidesText(nearest.selectors)}), which differs in ${fields}`;
}

export function sidesText(selectors: Selectors): string {
  const side = (which: 'local' | 'remote'): string =>
    trafficSelectorsOf(selectors, which).map(selectorText).join(' ');
  return `${side('local')} === ${side('remote')}`;
}

/** The fields that keep the flow out, each looked at alone. */
function missesOf(selectors: Selectors, flow: Flow): readonly (keyof Selectors)[] {
  const fields = Object.keys(NAMES) as (keyof Selectors)[];
  return fields.filter((field) => {
    if (selectors[field] === undefined) return false;
    return new SelectorMatcher({ ...NO_SELECTORS, [field]: selectors[field] }).match(flow) === Match.no;
  });
}
