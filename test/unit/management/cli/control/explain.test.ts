// What is asked of `isthmus-explain`, and how its answer is printed.

import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../../../../src/base/address.ts';
import { renderExplanation } from '../../../../../src/management/cli/control/explain.ts';
import { plainly } from '../../../../../src/management/cli/control/paint.ts';
import { isthmusExplain } from '../../../../../src/management/vici/commands/isthmus-explain.ts';
import {
  EXPLANATION,
  type Explanation,
  type ImaginedPacket,
} from '../../../../../src/management/vici/extensions/explain.ts';
import { section } from '../../../../../src/management/vici/message.ts';
import { emptyGateway } from '../../../../support/vici-status.ts';

const EXPLAINED: Explanation = {
  outcome: 'dropped',
  ways: [
    {
      ...{ direction: 'outbound', packet: '10.0.1.5 -> 10.0.2.7 icmp type 8', outcome: 'passes' },
      decisions: [
        {
          database: 'SPD-O',
          outcome: 'passes',
          verdict: 'PROTECT with b',
          policy: 'web',
          line: 9,
          mend: undefined,
        },
        {
          database: 'SAD',
          outcome: 'passes',
          verdict: 'by an SA',
          policy: undefined,
          line: undefined,
          mend: undefined,
        },
      ],
    },
    {
      ...{ direction: 'inbound', packet: '10.0.2.7 -> 10.0.1.5 icmp type 0', outcome: 'dropped' },
      decisions: [
        {
          database: 'SPD-I',
          outcome: 'dropped',
          verdict: 'dropped',
          policy: 'early',
          line: 3,
          mend: 'remove early',
        },
      ],
    },
  ],
};

test('printed', () => {
  const carried = EXPLANATION.decode(EXPLANATION.encode(EXPLAINED), '');
  expect(carried).toEqual(EXPLAINED);
  expect(renderExplanation(carried, plainly)).toBe(`10.0.1.5 -> 10.0.2.7 icmp type 8: outbound
  SPD-O  PROTECT with b (web, line 9)
  SAD    by an SA
  it passes

10.0.2.7 -> 10.0.1.5 icmp type 0: the answer, inbound
  SPD-I  dropped (early, line 3)
         to change it: remove early
  it is dropped

The two cannot speak with each other like that.
`);
  expect(renderExplanation({ outcome: 'passes', ways: [] }, plainly)).toContain('Both ways are open.');
  expect(renderExplanation({ outcome: 'waits', ways: [] }, plainly)).toContain('as soon as IKE has made SAs');
});

/** The packet that the gateway is asked about. */
function asked(request: Readonly<Record<string, string>>): string {
  let packet: ImaginedPacket | undefined;
  const gateway = emptyGateway({
    explain: (one) => {
      packet = one;
      return EXPLAINED;
    },
  });
  const asking = { signal: new AbortController().signal, emit: () => Promise.resolve() };
  void isthmusExplain(gateway, section(request), asking);
  if (packet === undefined) return 'nothing';
  const { from, to, protocol, source, destination } = packet;
  return `${formatAddress(from)} ${source} ${formatAddress(to)} ${destination} protocol ${protocol}`;
}

describe('asked', () => {
  const [from, to] = ['10.0.1.5', '10.0.2.7'];
  test.each([
    [{ from, to }, '10.0.1.5 8 10.0.2.7 0 protocol 1'],
    [{ from: 'fd00::1', to: 'fd00::2', protocol: 'icmp' }, 'fd00::1 128 fd00::2 0 protocol 58'],
    [{ from, to, protocol: 'icmp', port: '13' }, '10.0.1.5 13 10.0.2.7 0 protocol 1'],
    [{ from, to, protocol: 'tcp', port: '443' }, '10.0.1.5 49152 10.0.2.7 443 protocol 6'],
    [
      { from, to, protocol: '17', port: '53', 'source-port': '5353' },
      '10.0.1.5 5353 10.0.2.7 53 protocol 17',
    ],
    [{ from, to, protocol: 'gre' }, '10.0.1.5 0 10.0.2.7 0 protocol 47'],
  ])('%j', (request, packet) => {
    expect(asked(request)).toBe(packet);
  });

  test.each([
    [{ from, to: 'fd00::2' }, 'found one IPv4 and one IPv6 address, expected two of one kind'],
    [{ from, to: 'host' }, 'found "host", expected an address'],
    [
      { from, to, protocol: 'tpc', port: '1' },
      'found the protocol "tpc", expected tcp, udp, icmp … or a number',
    ],
    [{ from, to, protocol: '256' }, 'found the protocol "256"'],
    [{ from, to, protocol: 'tcp' }, 'found no port, expected the one at the destination'],
    [{ from, to, protocol: 'tcp', port: '65536' }, 'found 65536, expected a number from 0 to 65535'],
    [{ from, to, protocol: 'tcp', port: 'http' }, 'found "http" for port, expected a number'],
    [{ from, to, protocol: 'gre', port: '1' }, 'found a port, but protocol 47 has none'],
  ])('%j is refused', (request, message) => {
    expect(() => asked(request)).toThrow(message);
  });
});
