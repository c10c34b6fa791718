// What chains of nftables and of the older iptables do with a packet, as `nft -j` and `iptables-legacy -S` print them.

import { describe, expect, test } from 'vitest';
import type { NftObject } from '../../../../src/host/nft-command.ts';
import { judgePacket, type ImaginedPacket, type Judged } from '../../../../src/host/probes/judge-packet.ts';
import { parseLegacyRules } from '../../../../src/host/probes/legacy-rules.ts';
import type { FilterChain } from '../../../../src/host/probes/filter-chain.ts';
import { parseRuleset } from '../../../../src/host/probes/packet-filter.ts';
import { address } from '../samples.ts';

const PACKET: ImaginedPacket = {
  ...{ from: address('10.0.1.5'), to: address('10.0.2.7'), input: 'inside', output: 'isthmus0' },
};

function nft(
  rules: readonly (readonly object[])[],
  policy = 'accept',
  more: readonly NftObject[] = [],
): readonly FilterChain[] {
  const of = { family: 'ip', table: 't' };
  return parseRuleset([
    { metainfo: {} },
    { chain: { ...of, name: 'base', type: 'filter', hook: 'forward', policy } },
    ...rules.map((expr) => ({ rule: { ...of, chain: 'base', expr } })),
    ...more,
  ]);
}

function judged(chains: readonly FilterChain[], packet = PACKET): Judged {
  const [base] = chains;
  if (base === undefined) throw new TypeError('no chain');
  return judgePacket(base, chains, packet);
}

const match = (left: object, right: unknown, op = '=='): object => ({ match: { op, left, right } });
const oif = { meta: { key: 'oifname' } };
const saddr = { payload: { protocol: 'ip', field: 'saddr' } };
const daddr = { payload: { protocol: 'ip', field: 'daddr' } };
const masquerade = { masquerade: null };

describe('a rule that masquerades', () => {
  test.each<[string, readonly object[], boolean]>([
    ['everything', [masquerade], true],
    ['by another device', [match(oif, 'eth0'), masquerade], false],
    ['by any but lo', [match(oif, 'lo', '!='), masquerade], true],
    ['by any but the TUN', [match(oif, 'isthmus0', '!='), masquerade], false],
    ['by devices with a wildcard', [match(oif, 'isth*'), masquerade], true],
    ['by one of several', [match(oif, { set: ['eth0', 'isthmus0'] }), masquerade], true],
    ['from a network', [match(saddr, { prefix: { addr: '10.0.0.0', len: 8 } }), masquerade], true],
    ['from another network', [match(saddr, { prefix: { addr: '172.17.0.0', len: 16 } }), masquerade], false],
    ['from a range', [match(saddr, { range: ['10.0.1.1', '10.0.1.9'] }), masquerade], true],
    ['to a set of addresses', [match(daddr, { set: ['10.0.2.7', '10.0.2.8'] }), masquerade], true],
    [
      'to any but a network',
      [match(daddr, { prefix: { addr: '10.0.2.0', len: 24 } }, '!='), masquerade],
      false,
    ],
    ['of IPv6', [match({ payload: { protocol: 'ip6', field: 'saddr' } }, 'fd00::1'), masquerade], false],
    ['of one family', [match({ meta: { key: 'nfproto' } }, 'ipv4'), masquerade], true],
    ['behind one that accepts', [{ counter: { packets: 1 } }, { accept: null }], false],
    ['by iptables', [{ counter: {} }, { xt: { type: 'target', name: 'MASQUERADE' } }], true],
    ['to one address, by iptables', [{ xt: { type: 'target', name: 'SNAT' } }], true],
    [
      'of what is established',
      [match({ ct: { key: 'state' } }, ['established', 'related'], 'in'), masquerade],
      false,
    ],
  ])('%s', (_, rule, isCaught) => {
    expect(judged(nft([rule]))).toEqual({
      judgement: isCaught ? 'rewrite' : 'accept',
      mayRewrite: false,
      mayAccept: false,
    });
  });

  test.each<[string, readonly object[]]>([
    ['with a match of iptables', [{ xt: { type: 'match', name: 'policy' } }, masquerade]],
    ['with a mark', [match({ meta: { key: 'mark' } }, 7), masquerade]],
    ['from a set with a name', [match(saddr, '@nets'), masquerade]],
  ])('nobody knows: %s', (_, rule) => {
    expect(judged(nft([rule]))).toEqual({ judgement: 'accept', mayRewrite: true, mayAccept: false });
  });

  test('in a chain that is jumped to, returned from and gone to', () => {
    const of = { family: 'ip', table: 't' };
    const chain = (name: string, expr: readonly object[]): readonly NftObject[] => [
      { chain: { ...of, name } },
      { rule: { ...of, chain: name, expr } },
    ];
    const jump = (target: string): object => ({ jump: { target } });
    expect(judged(nft([[jump('a')]], 'accept', chain('a', [masquerade]))).judgement).toBe('rewrite');
    expect(judged(nft([[jump('a')], [masquerade]], 'accept', chain('a', [{ return: null }]))).judgement).toBe(
      'rewrite',
    );
    expect(
      judged(nft([[{ goto: { target: 'a' } }], [masquerade]], 'accept', chain('a', [{ counter: {} }])))
        .judgement,
    ).toBe('accept');
    expect(judged(nft([[jump('a')]], 'accept', chain('a', [jump('a')]))).judgement).toBe('accept');
  });
});

describe('a policy of drop', () => {
  test.each<[string, readonly object[], Partial<Judged>]>([
    ['without a rule', [], { judgement: 'drop', mayAccept: false }],
    ['beside a rule for the TUN', [match(oif, 'isthmus0'), { accept: null }], { judgement: 'accept' }],
    [
      'beside a rule for what is established',
      [{ xt: { type: 'match', name: 'conntrack' } }, { accept: null }],
      { judgement: 'drop', mayAccept: false },
    ],
    [
      'beside a rule that is not understood',
      [{ xt: { type: 'match', name: 'mark' } }, { accept: null }],
      { judgement: 'drop', mayAccept: true },
    ],
  ])('%s', (_, rule, expected) => {
    expect(judged(nft(rule.length === 0 ? [] : [rule], 'drop'))).toMatchObject(expected);
  });
});

test('the older iptables', () => {
  const chains = parseLegacyRules(
    `-P PREROUTING ACCEPT
-P POSTROUTING ACCEPT
-N DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 10.0.1.0/24 -d 10.0.2.0/24 -o eth+ -j ACCEPT
-A POSTROUTING -s 10.0.1.0/24 -j DOCKER
-A DOCKER -p tcp -m tcp --dport 80 -j RETURN
-A DOCKER ! -o lo -j MASQUERADE
`,
    'nat',
    'ip',
    'iptables-legacy',
  );
  const base = chains.find(({ hook }) => hook === 'postrouting');
  expect(base).toMatchObject({ name: 'POSTROUTING', type: 'nat', policy: 'accept' });
  if (base === undefined) return;
  expect(judgePacket(base, chains, PACKET).judgement).toBe('rewrite');
  expect(judgePacket(base, chains, { ...PACKET, output: 'eth1' }).judgement).toBe('accept');
  expect(judgePacket(base, chains, { ...PACKET, from: address('192.0.2.1') }).judgement).toBe('accept');
});

test('rulesets that are no ruleset are read without harm', () => {
  expect(parseRuleset([])).toEqual([]);
  expect(
    parseRuleset([{ chain: {} }, { rule: { expr: [] } }, { rule: { expr: 'x' } }, { set: {} }]),
  ).toHaveLength(1);
  expect(
    judged(
      nft([
        [{ match: 'x' }],
        [{ match: { op: '==', left: null, right: { set: [{ prefix: {} }] } } }, masquerade],
      ]),
    ),
  ).toMatchObject({
    mayRewrite: true,
  });
});
