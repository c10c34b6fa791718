import { describe, expect, test } from 'vitest';
import { WaitingAcquires } from '../../../src/gateway/waiting-acquires.ts';
import type { TrafficSelector } from '../../../src/wire/ike/payload.ts';
import { network } from '../../support/ike-network.ts';

const TCP = 6;
const local = network('10.0.1.5', 32);

function flow(remote: string, port: number): readonly [TrafficSelector, TrafficSelector] {
  return [local, { ...network(remote, 32), protocol: TCP, startPort: port, endPort: port }];
}

function waiting(): WaitingAcquires {
  const acquires = new WaitingAcquires();
  acquires.add('p', { id: 1, trigger: flow('10.0.2.7', 80) });
  acquires.add('p', { id: 2, trigger: flow('10.0.2.8', 80) });
  acquires.add('q', { id: 3, trigger: flow('10.0.2.7', 80) });
  return acquires;
}

describe('RFC 4301 §4.4.1.2: a Child SA answers', () => {
  test('the flows that it carries, and those of no other policy', () => {
    const acquires = waiting();
    const child = { local: [network('10.0.1.0')], remote: [network('10.0.2.8', 32)] };
    expect(acquires.take({ policy: 'p', trigger: flow('10.0.2.8', 80), child })).toEqual([
      { id: 2, isCarried: true },
    ]);
    const both = { local: [network('10.0.1.0')], remote: [network('10.0.2.0')] };
    expect(acquires.take({ policy: 'p', trigger: undefined, child: both })).toEqual([
      { id: 1, isCarried: true },
    ]);
    expect(acquires.take({ policy: 'q', trigger: undefined, child: both })).toEqual([
      { id: 3, isCarried: true },
    ]);
    expect(acquires.take({ policy: 'q', trigger: undefined, child: both })).toEqual([]);
  });

  test('the flow that asked, though the peer left it out', () => {
    const child = { local: [network('10.0.1.0')], remote: [network('10.0.2.64', 26)] };
    expect(waiting().take({ policy: 'p', trigger: flow('10.0.2.7', 80), child })).toEqual([
      { id: 1, isCarried: false },
    ]);
  });
});

test('a failure answers the flow that asked, and no other', () => {
  const acquires = waiting();
  expect(acquires.take({ policy: 'p', trigger: undefined, child: undefined })).toEqual([]);
  expect(acquires.take({ policy: 'p', trigger: flow('10.0.2.8', 80), child: undefined })).toEqual([
    { id: 2, isCarried: false },
  ]);
});
