// How findings of the doctor are shown.

import { expect, test } from 'vitest';
import { renderFindings } from '../../../../src/management/cli/doctor.ts';
import { plainly } from '../../../../src/management/cli/control/paint.ts';
import { parsePortOwners } from '../../../../src/host/probes/host-programs.ts';

test('a line each, with the mend below', () => {
  expect(
    renderFindings(
      [
        { check: 'node', state: 'ok', text: 'Node v20.20.2' },
        {
          check: 'forwarding',
          state: 'failure',
          text: 'net.ipv4.ip_forward is 0',
          mend: 'sysctl -w net.ipv4.ip_forward=1',
        },
        { check: 'mtu', state: 'warning', text: 'too\u001b[2Jlarge', mend: 'ip link' },
        { check: 'guard', state: 'note', text: 'none' },
        { check: 'ports', state: 'unknown', text: 'no ss' },
      ],
      plainly,
    ),
  ).toBe(`ok       node        Node v20.20.2
FAILURE  forwarding  net.ipv4.ip_forward is 0
                     mend: sysctl -w net.ipv4.ip_forward=1
WARNING  mtu         too\\u001b[2Jlarge
                     mend: ip link
note     guard       none
unknown  ports       no ss

1 failure, 1 warning, 1 ok
`);
});

test('who has a port, as ss says it', () => {
  const text = `UNCONN 0 0 0.0.0.0:4500 0.0.0.0:* users:(("charon",pid=12,fd=3))
UNCONN 0 0 [::]:500 [::]:* users:(("charon",pid=12,fd=4),("x",pid=13,fd=4))
UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*
UNCONN 0 0 *:4500 *:*
`;
  expect(parsePortOwners(text, [500, 4500])).toEqual([
    { port: 4500, address: '0.0.0.0', owner: { name: 'charon', processId: 12 } },
    { port: 500, address: '[::]', owner: { name: 'charon', processId: 12 } },
    { port: 4500, address: '*', owner: undefined },
  ]);
});
