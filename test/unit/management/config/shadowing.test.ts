import { describe, expect, it } from 'vitest';

import { parseConfig } from '../../../../src/management/config/load-config.ts';

/** The warnings for policies with these selectors, priorities 10, 20, … unless given. */
function warningsFor(...policies: readonly string[]): readonly string[] {
  const entries = policies.map((selectors, index) => {
    const [, priority = String(10 * (index + 1)), rest = ''] = /^(?:(\d+): )?(.*)$/.exec(selectors) ?? [];
    return `  - { name: p${index}, priority: ${priority}, action: BYPASS, selectors: { ${rest} } }`;
  });
  const text = `gateway: { name: g }\nudp: { listen: 192.0.2.1 }\npolicies:\n${entries.join('\n')}\nguard: none\n`;
  return parseConfig(text, 'f.yaml', {}).warnings;
}

describe('shadowed policies', () => {
  it('says which policy takes the traffic, and where both are', () => {
    expect(warningsFor('local_address: 10.0.0.0/8', 'local_address: 10.1.0.0/16')).toEqual([
      'f.yaml:5: policies[1]: "p1" never matches: "p0" on line 4 is met before it and takes all of its traffic',
    ]);
  });

  it.each([
    ['the same selectors', ['protocol: tcp', 'protocol: tcp']],
    ['any before something', ['', 'local_address: 10.0.0.1, protocol: udp, local_port: 53']],
    ['any before any', ['', '']],
    ['both families before any', ['local_address: [0.0.0.0/0, "::/0"]', '']],
    ['halves that touch', ['local_address: [10.0.0.0/9, 10.128.0.0/9]', 'local_address: 10.0.0.0/8']],
    ['ranges that overlap', ['protocol: tcp, local_port: [1-50, 40-99]', 'protocol: tcp, local_port: 10-90']],
    ['any port before opaque', ['protocol: tcp', 'protocol: tcp, local_port: opaque']],
    ['a group before part of it', ['remote_address: 239.0.0.0/8', 'remote_address: 239.1.1.1']],
    ['an ICMP type with all its codes', ['protocol: icmp, icmp: 3', 'protocol: icmp, icmp: 3/4']],
  ])('%s', (_what, policies) => {
    expect(warningsFor(...policies)).toHaveLength(1);
  });

  it.each([
    ['the wider one later', ['local_address: 10.1.0.0/16', 'local_address: 10.0.0.0/8']],
    ['one address more', ['local_address: 10.0.0.1-10.0.0.8', 'local_address: 10.0.0.1-10.0.0.9']],
    ['another protocol', ['protocol: tcp', 'protocol: udp']],
    ['any protocol', ['protocol: tcp', '']],
    ['one family before any', ['local_address: 0.0.0.0/0', '']],
    ['the last of IPv4 and the first of IPv6', ['local_address: 0.0.0.0/0', 'local_address: "::"']],
    // RFC 4301 §4.4.1.1: a packet whose ports cannot be seen matches any only.
    ['all ports before any port', ['protocol: tcp, local_port: 0-65535', 'protocol: tcp']],
    ['narrower on one side', ['remote_address: 10.0.0.1', 'local_address: 10.0.0.1']],
    ['any before a group', ['', 'remote_address: 239.0.0.0/8']],
    ['all ports before opaque', ['protocol: tcp, local_port: 0-65535', 'protocol: tcp, local_port: opaque']],
    ['opaque before all ports', ['protocol: tcp, local_port: opaque', 'protocol: tcp, local_port: 0-65535']],
    ['another code', ['protocol: icmp, icmp: 3/4', 'protocol: icmp, icmp: 3']],
  ])('not: %s', (_what, policies) => {
    expect(warningsFor(...policies)).toEqual([]);
  });

  it('goes by priority, and by the order of the file between equals', () => {
    expect(warningsFor('20: protocol: tcp', '10: ')).toHaveLength(1);
    expect(warningsFor('20: protocol: tcp', '10: ')[0]).toContain(
      'policies[0]: "p0" never matches: "p1" on line 5',
    );
    expect(warningsFor('10: protocol: tcp', '10: ')).toEqual([]);
    expect(warningsFor('10: ', '10: protocol: tcp')).toHaveLength(1);
  });
});
