// What is kept of the last messages with a peer: both sides' steps in their order, nothing of what is not authentic, and no
// more than so much.

import { expect, test } from 'vitest';
import { ExchangeHistory } from '../../../src/gateway/exchange-history.ts';
import { outlineOf } from '../../../src/gateway/message-outline.ts';
import { STORIES } from '../../../src/ike/stories.ts';
import type { LadderStep } from '../../../src/management/http/page-state.ts';
import { IkeNetwork } from '../../support/ike-network.ts';

const text = (step: LadderStep): string =>
  step.type === 'story'
    ? step.sentence
    : `${step.direction} ${step.exchange} ${step.isResponse ? 'response' : 'request'} ${step.messageId} ${step.payloads}`;

test.each(['a', 'b'] as const)('site %s sees the handshake from its side', async (name) => {
  const net = new IkeNetwork();
  const history = new ExchangeHistory();
  const { steppers, peer } = net.site(name);
  steppers.push((...step) => {
    history.note(...step);
  });
  await net.connect();
  const steps = history.of(peer).map(text);
  const isInitiator = net.site(name).engine.states[0]?.role === 'initiator';
  const [ours, theirs] = isInitiator ? ['out', 'in'] : ['in', 'out'];
  const messages = steps.filter((one) => /^(in|out) /.test(one)).map((one) => one.replace(/ SA,.*/, ''));
  expect(messages).toEqual([
    `${ours} IKE_SA_INIT request 0`,
    `${theirs} IKE_SA_INIT response 0`,
    `${ours} IKE_AUTH request 1 SK{…}`,
    `${theirs} IKE_AUTH response 1 SK{…}`,
  ]);
  expect(steps.find((one) => /^(in|out) /.test(one))).toMatch(/ SA, KE, Nonce, N/);
  expect(steps).toContain(STORIES.established.sentence);
  expect(steps).toContain(STORIES['child-established'].sentence);
});

test('it is bounded, for each peer and in peers, and the one that spoke last stays', () => {
  const history = new ExchangeHistory(() => 5);
  const state = (name: string) => ({ localSpi: '1', phase: 'established', connection: { name } }) as never;
  const story = { type: 'story', name: 'deleted', details: {} } as const;
  const note = (name: string): void => {
    history.note(state(name), { type: 'time' }, state(name), [story]);
  };
  for (let index = 0; index < 100; index++) note('first');
  expect(history.of('first')).toHaveLength(32);
  for (let index = 0; index < 1023; index++) note(`peer-${index}`);
  note('first');
  note('one-more');
  expect(history.of('first')).toHaveLength(32);
  expect(history.of('peer-0')).toEqual([]);
  expect(history.of('peer-1')).toHaveLength(1);
});

test('a message that is not authentic leaves no trace', () => {
  const history = new ExchangeHistory();
  const state = { localSpi: '1', phase: 'established', connection: { name: 'b' } } as never;
  const event = { type: 'message', bytes: new Uint8Array(60) } as never;
  history.note(state, event, state, [{ type: 'story', name: 'not-authentic', details: {} }]);
  expect(history.of('b')).toEqual([]);
});

test('an outline reads no further than the message', () => {
  expect(outlineOf(new Uint8Array(27))).toBeUndefined();
  // Payloads that say they are longer, or of no length, and lead in a circle.
  for (const [high, low] of [
    [0xff, 0xff],
    [0, 0],
  ] as const) {
    const bytes = new Uint8Array(60).fill(33, 16, 17);
    bytes.set([34, 0x20, 34, 0x08], 16);
    for (let at = 28; at + 4 <= 60; at += 4) bytes.set([34, 0, high, low], at);
    expect(outlineOf(bytes)).toMatchObject({ exchange: 'IKE_SA_INIT', isResponse: false });
    expect(outlineOf(bytes)?.payloads.split(', ').length).toBeLessThanOrEqual(16);
  }
});
