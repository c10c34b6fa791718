// Which of several outbound SAs of a policy carries a packet (RFC 4301 §4.4.1.2, §4.4.2): against an oracle that looks at
// all of them each time, newest first, and remembers nothing.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JudgingSite } from '../support/judging-site.ts';
import { udpPacket } from '../support/packets.ts';
import { ANY, policy, prefix } from '../support/policies.ts';

/** Two policies, told apart by the third byte of the remote address. */
const POLICIES = [2, 3].map((net) => ({
  name: `to ${net}`,
  net,
  selectors: { ...ANY, remoteAddress: [prefix(`10.0.${net}.0/24`)] },
}));

interface Narrowing {
  /** Of the remote address; undefined: the policy's. */
  readonly hosts: { readonly first: number; readonly last: number } | undefined;
  readonly port: number | undefined;
}
type Step =
  | { readonly type: 'add'; readonly policy: number; readonly narrowing: Narrowing }
  | { readonly type: 'remove'; readonly pick: number }
  | { readonly type: 'packet'; readonly policy: number; readonly host: number; readonly port: number };

const which = fc.integer({ min: 0, max: 1 });
const host = fc.integer({ min: 1, max: 4 });
const port = fc.constantFrom(53, 54);
const narrowing = fc.record({
  hosts: fc.option(
    fc.tuple(host, host).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
    { nil: undefined },
  ),
  port: fc.option(port, { nil: undefined }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant('add' as const), policy: which, narrowing }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), pick: fc.nat(50) }) },
  { weight: 9, arbitrary: fc.record({ type: fc.constant('packet' as const), policy: which, host, port }) },
);

interface Known {
  readonly number: number;
  readonly policy: number;
  readonly narrowing: Narrowing;
}

function selectorsOf({ policy: at, narrowing: { hosts, port: only } }: Known) {
  const { net, selectors } = POLICIES[at]!;
  const range = (value: number) => prefix(`10.0.${net}.${value}`).first;
  return {
    ...selectors,
    ...(hosts && { remoteAddress: [{ first: range(hosts.first), last: range(hosts.last) }] }),
    ...(only !== undefined && { protocol: 17, remotePort: [{ first: only, last: only }] }),
  };
}

test('the newest SA whose selectors have the flow carries it, whatever was cached before', () => {
  const met = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
      const site = new JudgingSite(POLICIES.map(({ name, selectors }) => policy(name, { selectors })));
      let known: Known[] = [];
      for (const one of steps) {
        if (one.type === 'add') {
          const sa = { number: known.length, policy: one.policy, narrowing: one.narrowing };
          const number = site.add({ policy: POLICIES[one.policy]!.name, selectors: selectorsOf(sa) });
          known.push({ ...sa, number });
        } else if (one.type === 'remove') {
          const gone = known[one.pick % Math.max(1, known.length)];
          if (gone === undefined) continue;
          site.removeOutbound(gone.number);
          known = known.filter((sa) => sa !== gone);
        } else {
          const ofPolicy = known.filter((sa) => sa.policy === one.policy);
          const found = ofPolicy.findLast(
            ({ narrowing: { hosts, port: only } }) =>
              (hosts === undefined || (hosts.first <= one.host && one.host <= hosts.last)) &&
              (only === undefined || only === one.port),
          );
          const none = ofPolicy.length === 0 ? 'outbound-no-sa' : 'outbound-outside-selectors';
          const expected = found === undefined ? none : `SA ${found.number}`;
          const destination = `10.0.${POLICIES[one.policy]!.net}.${one.host}`;
          const packet = udpPacket({ source: '10.0.1.5', destination }, { destinationPort: one.port });
          expect(site.outbound(packet)).toBe(expected);
          met.add(found === undefined ? none : found === ofPolicy.at(-1) ? 'newest' : 'older');
        }
      }
    }),
    { numRuns: 60 },
  );
  expect([...met].sort()).toEqual(['newest', 'older', 'outbound-no-sa', 'outbound-outside-selectors']);
});
