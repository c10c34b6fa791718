import { beforeEach, expect, test } from 'vitest';
import { allocateRing } from '../../../src/dataplane/capture/capture-ring.ts';
import type { Command } from '../../../src/dataplane/commands.ts';
import { InForce } from '../../../src/dataplane/in-force.ts';
import type { Endpoint, SaChange } from '../../../src/sad/security-association.ts';
import { compileSpd } from '../../../src/spd/compiled-spd.ts';
import { policy } from '../../support/policies.ts';

let inForce: InForce;

beforeEach(() => {
  inForce = new InForce();
});

function peer(name: string, moveTo?: Endpoint | 'unknown', natKeepaliveMs = 0): Command {
  return {
    type: 'use-peer',
    peer: { name, followAddress: true, natKeepaliveMs, pathMtu: undefined },
    moveTo,
  };
}

function at(last: number): Endpoint {
  return { socket: 0, address: Uint8Array.of(192, 0, 2, last), port: 4500 };
}

function spd(generation: number): Command {
  return { type: 'use-policies', spd: compileSpd(generation, [policy('tunnel')]) };
}

function capture(id: number): Command {
  const filter = { inner: true, outer: true };
  return { type: 'start-capture', id, memories: [allocateRing(64)], filter, snapBytes: 100, sockets: [] };
}

/** What a new packet path is told. */
function told(sas: readonly SaChange[] = []): readonly Command[] {
  const [together, ...others] = inForce.commands(sas);
  if (together?.type !== 'together' || others.length > 0) throw new Error('not in one command');
  return together.commands;
}

test('the last policies, after the peers and the SAs, and the captures behind them', () => {
  const policies = spd(3);
  const running = capture(7);
  for (const command of [capture(6), spd(2), running, peer('far', at(1)), policies]) inForce.note(command);
  inForce.note({ type: 'stop-capture', id: 6 });
  const sa: SaChange = { type: 'remove-inbound', sa: { slot: 0, id: 1 } };
  expect(told([sa])).toEqual([peer('far', at(1)), sa, policies, running]);
});

test('commands within a command count as well', () => {
  inForce.note({
    type: 'together',
    commands: [peer('far', at(1)), { type: 'together', commands: [spd(2)] }],
  });
  expect(told()).toEqual([peer('far', at(1)), spd(2)]);
});

test('a peer is where it was told to be, or was seen, whichever came last', () => {
  inForce.note(peer('far', at(1)));
  inForce.note(peer('far', undefined, 20_000));
  expect(told()).toEqual([peer('far', at(1), 20_000)]);
  inForce.noteEvent({ type: 'address-changed', peer: 'far', endpoint: at(2) });
  expect(told()).toEqual([peer('far', at(2), 20_000)]);
  inForce.note(peer('far', 'unknown'));
  expect(told()).toEqual([peer('far', 'unknown')]);
});

test('a peer that is known by its SAs alone comes with them: the SAD knows its place', () => {
  inForce.noteEvent({ type: 'address-changed', peer: 'far someone', endpoint: at(2) });
  expect(told()).toEqual([]);
});

test('path MTUs that were learned are forgotten aloud', () => {
  const learned = (peer: string, mtu: number | undefined) => ({
    type: 'path-mtu' as const,
    peer,
    mtu,
    espRoom: 1200,
  });
  for (const event of [learned('far', 1280), learned('near', 1400), learned('near', undefined)])
    inForce.noteEvent(event);
  expect(inForce.forgetPaths()).toEqual([{ type: 'path-mtu', peer: 'far', mtu: undefined, espRoom: 0 }]);
  expect(inForce.forgetPaths()).toEqual([]);
});
