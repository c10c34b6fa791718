// What `explain` says is what becomes of packets: each is sent on its way through a packet path with the same databases.
// The bytes of those packets are built by the tests' own code.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../../src/base/errors.ts';
import { parseAddress, type Address } from '../../../src/base/address.ts';
import { DROP_REASONS } from '../../../src/dataplane/drop-reasons.ts';
import { explainPacket } from '../../../src/gateway/explain/explain-packet.ts';
import type { PolicyConfig } from '../../../src/management/config/gateway-config.ts';
import type { Explanation, ImaginedPacket, Way } from '../../../src/management/vici/extensions/explain.ts';
import { compileSpd } from '../../../src/spd/compiled-spd.ts';
import type { Policy } from '../../../src/spd/policy.ts';
import { JudgingSite } from '../../support/judging-site.ts';
import type { PairOptions } from '../../support/packet-path-link.ts';
import { ipPacket, tcpPacket, udpPacket } from '../../support/packets.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from '../../support/policies.ts';

const LOCAL = [prefix('10.0.1.0/24'), prefix('fd00:1::/64')];
const remote = (...prefixes: readonly string[]): Policy['selectors'] => ({
  ...ANY,
  localAddress: LOCAL,
  remoteAddress: prefixes.map(prefix),
});
const POLICIES: readonly Policy[] = [
  policy('mail', {
    ...{ priority: 10, action: 'DISCARD' },
    selectors: {
      ...remote('10.0.2.0/24', 'fd00:2::/64'),
      protocol: 6,
      remotePort: [{ first: 25, last: 25 }],
    },
  }),
  policy('past', { priority: 20, action: 'BYPASS', selectors: remote('10.0.9.0/24') }),
  policy('web', { priority: 30, selectors: remote('10.0.2.0/24', 'fd00:2::/64') }),
  policy('to-c', { priority: 40, selectors: remote('10.0.3.0/24') }),
];

const PAIR: PairOptions = { policy: 'web', selectors: remote('10.0.2.0/25', 'fd00:2::/64') };

class Explained {
  readonly judging: JudgingSite;
  readonly #policies: readonly Policy[];
  readonly #guard: readonly string[] | undefined;

  constructor(policies: readonly Policy[] = POLICIES, pairs = [PAIR], guard: readonly string[] = ['eth0']) {
    this.judging = new JudgingSite(policies);
    for (const pair of pairs) this.judging.add(pair);
    this.#policies = policies;
    this.#guard = guard.length === 0 ? undefined : guard;
  }

  explain(packet: ImaginedPacket): Explanation {
    const policies = this.#policies.map((one, index) => ({ ...one, line: 10 + index }) as PolicyConfig);
    return explainPacket(
      {
        config: { policies, guardedInterfaces: this.#guard },
        spd: compileSpd(2, this.#policies),
        sad: this.judging.site.sad,
        whyDown: (name) => (name === 'to-c' ? undefined : `${name} waits`),
      },
      packet,
    );
  }

  /** One line for each way and decision. */
  lines(packet: ImaginedPacket): readonly string[] {
    const { ways } = this.explain(packet);
    return ways.flatMap(({ direction, packet: text, outcome, decisions }) => [
      `${direction} ${text}: ${outcome}`,
      ...decisions.map(
        ({ database, verdict, policy: name, line, mend }) =>
          `  ${database}: ${verdict}${name === undefined ? '' : ` (${name}, ${line ?? ''})`}${mend === undefined ? '' : ` -> ${mend}`}`,
      ),
    ]);
  }
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new InvariantError(text);
  return parsed;
}

interface Sample {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
}

const imagine = (sample: Sample): ImaginedPacket => ({
  ...sample,
  from: address(sample.from),
  to: address(sample.to),
});

function bytesOf({ from, to, protocol, source, destination }: Sample): Uint8Array {
  const ip = { source: from, destination: to };
  if (protocol === 6) return tcpPacket(ip, { sourcePort: source, destinationPort: destination });
  if (protocol === 17) return udpPacket(ip, { sourcePort: source, destinationPort: destination });
  return ipPacket({ ...ip, protocol, payload: new Uint8Array(20) });
}

/** In the words of the judging site. */
function wordOf({ direction, outcome, decisions }: Way): string {
  const last = decisions.filter(({ database }) => database !== 'guard').at(-1);
  if (outcome === 'passes')
    return direction === 'inbound' ? 'accepted' : last?.database === 'SAD' ? 'SA 0' : 'clear';
  return DROP_REASONS.find(({ sentence }) => sentence === last?.verdict)?.name ?? `? ${last?.verdict ?? ''}`;
}

const port = fc.constantFrom(25, 80, 49_152);
const hosts = fc.oneof(
  fc.tuple(
    fc.constantFrom('10.0.1.5', '10.0.4.4'),
    fc.constantFrom('10.0.2.7', '10.0.2.200', '10.0.3.1', '10.0.9.1', '10.0.7.1', '224.0.0.1'),
  ),
  fc.tuple(fc.constantFrom('fd00:1::5', 'fd00:4::4'), fc.constantFrom('fd00:2::7', 'fd00:3::7', 'ff02::1')),
);
const sample: fc.Arbitrary<Sample> = fc
  .tuple(hosts, fc.constantFrom(6, 17, 47), port, port)
  .map(([[from, to], protocol, source, destination]) => ({ from, to, protocol, source, destination }));

const turned = ({ from, to, source, destination, ...rest }: Sample): Sample => ({
  ...{ ...rest, from: to, to: from, source: destination, destination: source },
});

test('the outbound way is what the packet path does', () => {
  const explained = new Explained();
  fc.assert(
    fc.property(sample, (one) => {
      const { ways } = explained.explain(imagine(one));
      const way = ways.find(({ direction }) => direction === 'outbound');
      if (way === undefined) throw new InvariantError('no outbound way');
      expect(wordOf(way)).toBe(explained.judging.outbound(bytesOf(one)));
    }),
    { numRuns: 300 },
  );
});

test('the inbound way is what the packet path does with what comes by the SA', () => {
  // Met by what comes back, and not by what goes out.
  const early = policy('early', {
    ...{ priority: 1, action: 'DISCARD' },
    selectors: { ...remote('10.0.2.0/24'), protocol: 17, localPort: [{ first: 80, last: 80 }] },
  });
  const explained = new Explained([early, ...POLICIES]);
  let compared = 0;
  fc.assert(
    fc.property(sample, (one) => {
      const way = explained.explain(imagine(one)).ways.find(({ direction }) => direction === 'inbound');
      if (way?.decisions.some(({ database }) => database === 'SPD-I') !== true) return;
      compared++;
      expect(wordOf(way)).toBe(explained.judging.inbound(bytesOf(turned(one))));
    }),
    { numRuns: 300 },
  );
  expect(compared).toBeGreaterThan(20);
});

const tcp = (from: string, to: string, destination = 443): ImaginedPacket =>
  imagine({ from, to, protocol: 6, source: 49_152, destination });
const ping = (from: string, to: string): ImaginedPacket =>
  imagine({
    from,
    to,
    protocol: from.includes(':') ? 58 : 1,
    source: from.includes(':') ? 128 : 8,
    destination: 0,
  });

describe('in words', () => {
  test('through the tunnel and back', () => {
    expect(new Explained().lines(tcp('10.0.1.5', '10.0.2.7'))).toEqual([
      'outbound 10.0.1.5:49152 -> 10.0.2.7:443 tcp: passes',
      '  SPD-O: PROTECT with far (web, 12)',
      '  SAD: by the SA 0x00001000 to far at 198.51.100.1 port 4500, aes256gcm16',
      'inbound 10.0.2.7:443 -> 10.0.1.5:49152 tcp: passes',
      '  SAD: by the SA 0x00002000 from far, aes256gcm16',
      '  SPD-I: accepted (web, 12)',
      '  guard: in clear: dropped, its policy says PROTECT (web, 12)',
    ]);
  });

  test('from the other side, with IPv6', () => {
    const lines = new Explained().lines(ping('fd00:2::7', 'fd00:1::5'));
    expect(lines.filter((line) => !line.startsWith(' '))).toEqual([
      'inbound fd00:2::7 -> fd00:1::5 icmpv6 type 128: passes',
      'outbound fd00:1::5 -> fd00:2::7 icmpv6 type 129: passes',
    ]);
  });

  test('BYPASS, with a guard and without', () => {
    const lines = [
      'outbound 10.0.1.5 -> 10.0.9.1 icmp type 8: passes',
      '  SPD-O: BYPASS: it leaves in clear (past, 11)',
      'inbound 10.0.9.1 -> 10.0.1.5 icmp type 0: passes',
    ];
    expect(new Explained().lines(ping('10.0.1.5', '10.0.9.1'))).toEqual([
      ...lines,
      '  guard: in clear: let in (past, 11)',
    ]);
    expect(new Explained(POLICIES, [], []).lines(ping('10.0.1.5', '10.0.9.1'))).toEqual([
      ...lines,
      '  guard: in clear: there is no guard, the host decides (past, 11)',
    ]);
  });

  test('DISCARD, and what no policy takes', () => {
    expect(new Explained().lines(tcp('10.0.1.5', '10.0.2.7', 25)).slice(0, 2)).toEqual([
      'outbound 10.0.1.5:49152 -> 10.0.2.7:25 tcp: dropped',
      '  SPD-O: A policy with action DISCARD matches the packet. (mail, 10) -> narrow or remove mail, or write a policy before it',
    ]);
    expect(new Explained().lines(ping('10.0.1.5', '10.0.7.1'))).toEqual([
      'outbound 10.0.1.5 -> 10.0.7.1 icmp type 8: dropped',
      '  SPD-O: No policy matches the packet. -> write a policy for it; nearest is past ' +
        '(line 11, 10.0.1.0/24 fd00:1::/64 === 10.0.9.0/24), which differs in remote_address',
      'inbound 10.0.7.1 -> 10.0.1.5 icmp type 0: dropped',
      '  guard: in clear: dropped, no policy takes it -> a BYPASS policy would let it in',
    ]);
    expect(new Explained([], []).lines(ping('10.0.1.5', '10.0.7.1'))[1]).toBe(
      '  SPD-O: No policy matches the packet. -> write a policy for it',
    );
  });

  test('no SA, or one for less', () => {
    expect(new Explained().lines(ping('10.0.1.5', '10.0.3.1')).slice(0, 5)).toEqual([
      'outbound 10.0.1.5 -> 10.0.3.1 icmp type 8: dropped',
      '  SPD-O: PROTECT with far (to-c, 13)',
      '  SAD: A PROTECT policy matches, but it has no SA yet. -> isthmus up to-c',
      'inbound 10.0.3.1 -> 10.0.1.5 icmp type 0: dropped',
      '  SAD: no inbound SA that it could come by (to-c, 13) -> isthmus up to-c',
    ]);
    expect(new Explained().lines(ping('10.0.1.5', '10.0.2.200'))[2]).toBe(
      '  SAD: The policy matches, but its SA was made for narrower selectors. -> ' +
        'its SAs are for 10.0.1.0/24 fd00:1::/64 === 10.0.2.0/25 fd00:2::/64: compare local_address and remote_address with what the peer has',
    );
  });

  test('what IKE is asked for, and a peer that nobody has seen', () => {
    const sa = { ...SA_SPECIFICATION, keying: 'ike' } as const;
    const asked = new Explained([policy('web', { sa, selectors: remote('10.0.2.0/24') })], []);
    expect(asked.lines(ping('10.0.1.5', '10.0.2.7'))).toEqual([
      'outbound 10.0.1.5 -> 10.0.2.7 icmp type 8: waits',
      '  SPD-O: PROTECT with far (web, 10)',
      '  SAD: no SA takes it: IKE is asked for one, and it waits -> web waits',
      'inbound 10.0.2.7 -> 10.0.1.5 icmp type 0: waits',
      '  SAD: no inbound SA that it could come by (web, 10) -> web waits',
      '  guard: in clear: dropped, its policy says PROTECT (web, 10)',
    ]);
    expect(asked.explain(ping('10.0.1.5', '10.0.2.7')).outcome).toBe('waits');
    // What the peer has left out when it agreed is not made by asking again.
    const narrow = { policy: 'web', selectors: remote('10.0.2.0/25') };
    const left = new Explained([policy('web', { sa, selectors: remote('10.0.2.0/24') })], [narrow]);
    expect(left.explain(ping('10.0.1.5', '10.0.2.200')).outcome).toBe('dropped');
    // RFC 4301 §4.4.1.2: with PFP each flow has an SA of its own.
    const each = { ...sa, populateFromPacket: ['remoteAddress'] } as const;
    const flows = new Explained([policy('web', { sa: each, selectors: remote('10.0.2.0/24') })], [narrow]);
    expect(flows.explain(ping('10.0.1.5', '10.0.2.200')).outcome).toBe('waits');
    const lost = new Explained(POLICIES, [{ ...PAIR, endpoint: undefined }]);
    expect(lost.lines(ping('10.0.1.5', '10.0.2.7'))[2]).toBe(
      '  SAD: by the SA 0x00001000 to far, aes256gcm16, but nobody knows where the peer is -> ' +
        'write the address of far, or wait for its first packet',
    );
  });
});

test('SAs of other policies are not looked into', () => {
  const explained = new Explained(POLICIES, [PAIR, { policy: 'to-c', selectors: remote('10.0.3.0/24') }]);
  const { outbound, inbound } = explained.judging.site.sad;
  const asked: string[] = [];
  const watched = outbound.map(
    (record) =>
      new Proxy(record, {
        get: (target, key) => {
          if (key === 'selectors') asked.push(target.description.policy);
          return Reflect.get(target, key, target) as unknown;
        },
      }),
  );
  const policies = POLICIES.map((one) => one as PolicyConfig);
  const gateway = {
    config: { policies, guardedInterfaces: undefined },
    spd: compileSpd(2, POLICIES),
    sad: { outbound: watched, inbound },
    whyDown: () => undefined,
  };
  expect(explainPacket(gateway, ping('10.0.1.5', '10.0.2.7')).outcome).toBe('passes');
  expect(new Set(asked)).toEqual(new Set(['web']));
});
