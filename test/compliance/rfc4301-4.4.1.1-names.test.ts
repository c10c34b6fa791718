// RFC 4301 §4.4.1.1, "Name": what packets meet of SPD entries that select by name. An entry is for the addresses of its SAs,
// and each peer of a PAD entry that is for several has a place of its own.

import { describe, expect, test } from 'vitest';
import { compileSpd } from '../../src/spd/compiled-spd.ts';
import type { Policy } from '../../src/spd/policy.ts';
import { JudgingSite } from '../support/judging-site.ts';
import type { TestSite } from '../support/packet-path-link.ts';
import { udpPacket } from '../support/packets.ts';
import { ANY, policy, prefix, SA_SPECIFICATION } from '../support/policies.ts';

const ALICE = { address: Uint8Array.of(192, 0, 2, 1), port: 4500, socket: 0 };
const BOB = { address: Uint8Array.of(192, 0, 2, 2), port: 61_000, socket: 0 };
const MOVED = { address: Uint8Array.of(192, 0, 2, 99), port: 1024, socket: 0 };
const [ALICE_NET, BOB_NET] = ['10.9.0.1/32', '10.9.0.2/32'];

/** Of the PAD entry `staff`. */
function named(name: string, priority: number, local?: string): Policy {
  return policy(name, {
    priority,
    selectors: { ...ANY, localAddress: local === undefined ? undefined : [prefix(local)] },
    sa: { ...SA_SPECIFICATION, peer: 'staff', keying: 'ike', isNamed: true },
  });
}

/** SA 0 is with alice, SA 1 with bob. */
function twoPeers(policies: readonly Policy[], ofBob = 'bob'): JudgingSite {
  const site = new JudgingSite(policies);
  const description = { name: 'staff', followAddress: true, pathMtu: undefined, natKeepaliveMs: 0 };
  site.site.path.execute({ type: 'use-peer', peer: description });
  const selectors = (remote: string) => ({ ...ANY, remoteAddress: [prefix(remote)] });
  const alice = { peer: 'staff alice', policy: 'alice', endpoint: ALICE, selectors: selectors(ALICE_NET) };
  const bob = { peer: 'staff bob', policy: ofBob, endpoint: BOB, selectors: selectors(BOB_NET) };
  site.add(alice);
  site.add(bob);
  return site;
}

const to = (destination: string, source = '10.0.1.5') => udpPacket({ source, destination });
const from = (source: string, destination = '10.0.1.5') => udpPacket({ source, destination });

describe('policies with names one behind the other', () => {
  const rules = [named('alice', 10), named('bob', 20)];

  test('RFC 4301 §4.4.1.1, "Name": a packet meets the entry that has an SA for its address', () => {
    const site = twoPeers(rules);
    expect([site.outbound(to('10.9.0.1')), site.outbound(to('10.9.0.2'))]).toEqual(['SA 0', 'SA 1']);
    // As the flow cache remembers it.
    expect([site.outbound(to('10.9.0.1')), site.outbound(to('10.9.0.2'))]).toEqual(['SA 0', 'SA 1']);
    expect([site.inbound(from('10.9.0.1'), 0), site.inbound(from('10.9.0.2'), 1)]).toEqual([
      'accepted',
      'accepted',
    ]);
  });

  test('RFC 4301 §5.2 step 4: neither peer sends from the address of the other', () => {
    const site = twoPeers(rules);
    expect([site.inbound(from('10.9.0.2'), 0), site.inbound(from('10.9.0.1'), 1)]).toEqual([
      'inbound-outside-selectors',
      'inbound-outside-selectors',
    ]);
  });

  test('RFC 4301 §4.4.1.1, "Name": what is no address of a peer goes nowhere, not in clear either', () => {
    const site = twoPeers([...rules, policy('rest', { priority: 30, action: 'BYPASS' })]);
    expect(site.outbound(to('10.9.0.3'))).not.toBe('clear');
    expect(site.site.events.filter(({ type }) => type === 'acquire')).toMatchObject([{ policy: 'alice' }]);
    site.removeOutbound(1, 'staff bob');
    expect(site.outbound(to('10.9.0.2'))).not.toBe('clear');
  });

  test('RFC 4301 §4.4.1: an entry between them stands in its place', () => {
    const selectors = { ...ANY, localAddress: [prefix('10.0.1.5/32')] };
    const between = policy('not-this-host', { priority: 15, action: 'DISCARD', selectors });
    const site = twoPeers([...rules, between]);
    expect(site.inbound(from('10.9.0.2'), 1)).toBe('inbound-discard');
    expect(site.inbound(from('10.9.0.2', '10.0.1.6'), 1)).toBe('accepted');
    // The first entry is met by its own peer before that.
    expect(site.inbound(from('10.9.0.1'), 0)).toBe('accepted');
    expect(site.outbound(to('10.9.0.2'))).not.toBe('SA 1');
    expect(site.outbound(to('10.9.0.2', '10.0.1.6'))).toBe('SA 1');
  });

  test('RFC 4301 §4.4.1.1, "Name": an entry is not for peers that have no SA of it', () => {
    const site = twoPeers([named('alice', 10), named('bob', 20, '10.0.2.0/24')]);
    expect(site.inbound(from('10.9.0.2', '10.0.2.7'), 1)).toBe('accepted');
    expect(site.inbound(from('10.9.0.2', '10.0.1.5'), 1)).toBe('inbound-no-policy');
    expect(site.inbound(from('10.9.0.1', '10.0.1.5'), 0)).toBe('accepted');
  });
});

describe('two peers of one PAD entry and one policy', () => {
  /** Where a packet goes. */
  function place({ site }: JudgingSite, destination: string): string {
    site.devices.pushFrame({ bytes: to(destination) });
    site.path.turn();
    const [sent] = site.datagrams.splice(0);
    return sent === undefined ? 'nowhere' : `${sent.address.join('.')} ${sent.port}`;
  }

  const site = (): JudgingSite => twoPeers([named('alice', 10)], 'alice');

  test('RFC 4301 §4.4.1.1, "Name": packets go to the place of the peer that has the address', () => {
    const one = site();
    expect([place(one, '10.9.0.1'), place(one, '10.9.0.2')]).toEqual(['192.0.2.1 4500', '192.0.2.2 61000']);
  });

  test('RFC 7296 §2.23: one moves, and the other stays', () => {
    const one = site();
    expect(one.inbound(from('10.9.0.2'), 1, MOVED)).toBe('accepted');
    expect([place(one, '10.9.0.1'), place(one, '10.9.0.2')]).toEqual(['192.0.2.1 4500', '192.0.2.99 1024']);
    expect(one.site.events).toEqual([{ type: 'address-changed', peer: 'staff bob', endpoint: MOVED }]);
  });

  test('what is said of the entry holds for each; one that is gone is forgotten, with its place', () => {
    const one = site();
    const fixed = { name: 'staff', followAddress: false, pathMtu: undefined, natKeepaliveMs: 0 };
    one.site.path.execute({ type: 'use-peer', peer: fixed });
    expect(one.inbound(from('10.9.0.2'), 1, MOVED)).toBe('accepted');
    expect(place(one, '10.9.0.2')).toBe('192.0.2.2 61000');
    forget(one.site, 'staff bob');
    // Nobody knows where it is: had its place outlived its SAs, it would still count.
    one.add({ peer: 'staff bob', policy: 'alice', endpoint: undefined });
    expect(place(one, '10.9.0.77')).toBe('nowhere');
  });

  function forget({ sad }: TestSite, peer: string): void {
    void sad.flush(peer);
  }
});

test('RFC 4301 §4.4.1.1: the flag of an entry reaches the workers, and is one of what tells entries apart', () => {
  const spd = compileSpd(1, [
    named('alice', 10),
    policy('plain', { sa: { ...SA_SPECIFICATION, peer: 'staff', keying: 'ike' } }),
  ]);
  expect(spd.requirements.map(({ isNamed }) => isNamed)).toEqual([true, undefined]);
});
