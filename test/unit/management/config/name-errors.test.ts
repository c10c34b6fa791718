// Policies that select by name (RFC 4301 §4.4.1.1), and what the PAD lets a peer negotiate (§4.4.3.4): one line for each
// mistake.

import { describe, expect, it } from 'vitest';

import { errorsOf, VALID_CONFIG, VALID_IKE_CONFIG } from './error-cases.ts';
import { parseConfig } from '../../../../src/management/config/load-config.ts';
import { describeShadowedPolicies } from '../../../../src/management/config/shadowing.ts';

interface Parts {
  readonly identity?: string;
  readonly peer?: string;
  readonly selectors?: string;
  readonly sa?: string;
}

/** A peer that may come from anywhere, and a policy that selects by name. */
function named({ identity = '"*.example.org"', peer = '', selectors = '', sa = '' }: Parts = {}): string {
  return `gateway: { name: hub }
udp: { listen: 203.0.113.1 }
guard: none
peers:
  - name: staff
    address: any
    ike:
      local: { identity: hub.example.org, psk: { file: staff.psk } }
      remote: { identity: ${identity} }
      ${peer}
policies:
  - name: laptops
    priority: 100
    action: PROTECT
    selectors: { local_address: 10.0.0.0/16, ${selectors === '' ? 'remote_name: alice.example.org' : selectors} }
    sa: { peer: staff${sa} }
`;
}

const errorsWith = (parts: Parts): readonly string[] => errorsOf(named(parts));

describe('a policy that selects by name', () => {
  it.each([
    ['alice.example.org', '"*"'],
    ['"*.example.org"', '"*.example.org"'],
    ['"*"', 'alice.example.org'],
    ['alice@example.org', '"*@example.org"'],
    ['"*@example.org"', 'alice@example.org'],
    ['"C=DE, O=Example, CN=alice"', '"C=DE, O=Example, CN=*"'],
    ['"keyid:alice"', '"@#616c696365"'],
    ['[alice.example.org, bob.example.org]', '"*.example.org"'],
    ['any', '"*.example.org"'],
  ])('%s, of a peer that is %s', (name, identity) => {
    expect(errorsWith({ identity, selectors: `remote_name: ${name}` })).toEqual([]);
  });

  it('waits for the peer, and is not made again by this side', () => {
    const [policy] = parseConfig(named(), 'f.yaml', {}).policies;
    expect(policy?.ike).toMatchObject({ start: 'never', onClose: 'close' });
    expect(policy?.sa?.isNamed).toBe(true);
    expect(policy?.ike?.remoteNames?.map(({ text }) => text)).toEqual(['alice.example.org']);
  });

  it('is not hidden by another one for other peers', () => {
    const second =
      '\n  - { name: others, priority: 200, action: PROTECT, selectors: SELECTORS, sa: { peer: staff } }\n';
    const text = (selectors: string): string => named().trimEnd() + second.replace('SELECTORS', selectors);
    const shadowed = (selectors: string): readonly string[] =>
      describeShadowedPolicies(parseConfig(text(selectors), 'f.yaml', {}).policies);
    expect(shadowed('{ local_address: 10.0.0.0/16, remote_name: bob.example.org }')).toEqual([]);
    expect(shadowed('{ local_address: 10.0.0.0/16 }').length).toBe(1);
  });

  const AT = '15:59: policies[0].selectors.remote_name: found "alice.example.org", expected';
  it.each<[string, Parts, readonly string[]]>([
    [
      'an address as a name',
      { selectors: 'remote_name: 10.9.0.1' },
      [
        '15:59: policies[0].selectors.remote_name: found "10.9.0.1", expected a name (gw.example.org), mail address, distinguished name, key id ("@#0a1b", "keyid:text"), pattern ("*.example.org", "*@example.org") or any',
      ],
    ],
    [
      'a name for this side',
      { selectors: 'local_name: alice.example.org' },
      [
        '15:46: policies[0].selectors: found the key "local_name", expected local_address, remote_address, protocol, local_port, remote_port, icmp, mobility_header or remote_name; did you mean "local_port"?',
      ],
    ],
    [
      'a name that the peer cannot have',
      { selectors: 'remote_name: [alice.example.org, bob.example.net]' },
      [
        '15:79: policies[0].selectors.remote_name[1]: found "bob.example.net", expected a name that the peer "staff" can have: its identity is *.example.org',
      ],
    ],
    [
      'a name of another type',
      { identity: '"*@example.org"' },
      [`${AT} a name that the peer "staff" can have: its identity is *@example.org`],
    ],
    [
      'SAs at once',
      { sa: ', start: immediately' },
      [
        '16:31: policies[0].sa.start: found "immediately", expected on-traffic or never, because the address of the peer "staff" is any: it begins',
      ],
    ],
    [
      'SAs for packets',
      { sa: ', start: on-traffic, populate_from_packet: [protocol]' },
      [
        '16:31: policies[0].sa.start: found "on-traffic", expected never, because the policy selects by name: the peer begins',
        '16:65: policies[0].sa.populate_from_packet: found a list, expected no populate_from_packet, because the policy selects by name: the peer begins',
      ],
    ],
    [
      'SAs that are made again',
      { sa: ', on_close: trap' },
      [
        '16:34: policies[0].sa.on_close: found "trap", expected close, because the policy selects by name: the peer begins',
      ],
    ],
    [
      'a policy that the PAD entry names and that is not there',
      { peer: 'may_negotiate: { policies: laptop }' },
      [
        '10:34: peers[0].ike.may_negotiate.policies: found "laptop", expected the name of a policy with this peer (laptops); did you mean "laptops"?',
      ],
    ],
    [
      'what is no range',
      { peer: 'may_negotiate: { remote_address: [10.9.0.0/16, 10.9.0.0/33] }' },
      [
        '10:54: peers[0].ike.may_negotiate.remote_address[1]: found "10.9.0.0/33", expected an address, prefix (10.0.1.0/24) or range (10.0.1.1-10.0.1.9)',
      ],
    ],
    [
      'ranges that leave nothing of a policy',
      {
        peer: 'may_negotiate: { remote_address: 10.9.0.0/16 }',
        selectors: 'remote_name: alice.example.org, remote_address: 10.8.0.0/16',
      },
      [
        '10:40: peers[0].ike.may_negotiate.remote_address: found "10.9.0.0/16", expected addresses of the policy "laptops" with this peer, whose SAs could never be made',
      ],
    ],
  ])('%s', (_what, parts, errors) => {
    expect([...errorsWith(parts)].toSorted()).toEqual([...errors].toSorted());
  });

  it('with a peer whose identity is its address', () => {
    const text = VALID_IKE_CONFIG.replace('local_address: 10.0.1.0/24', 'remote_name: gw.example.org');
    const atOnce = text.replace('peer: site-b', 'peer: site-b\n      start: immediately');
    expect(errorsOf(atOnce).map((line) => line.replace(/^[\d:]+ /, ''))).toContain(
      'policies[0].sa.start: found "immediately", expected never, because the policy selects by name: the peer begins',
    );
    expect(errorsOf(text)).toEqual([
      '15:20: policies[0].selectors.remote_name: found "gw.example.org", expected a name that the peer "site-b" can have: its identity is 198.51.100.1',
    ]);
  });

  it('keyed by hand, or of a policy that protects nothing', () => {
    const name = 'remote_name: gw.example.org';
    expect(errorsOf(VALID_CONFIG.replace('local_address: 10.0.1.0/24', name))).toEqual([
      '13:20: policies[0].selectors.remote_name: found "gw.example.org", expected no name, or ike at the peer "site-b": it is IKE that proves names',
    ]);
    expect(errorsOf(VALID_CONFIG.replace('protocol: tcp, remote_port: 22', name))).toEqual([
      '24:31: policies[1].selectors.remote_name: found "gw.example.org", expected no name, because the action is BYPASS: only peers of PROTECT policies prove a name',
    ]);
  });
});
