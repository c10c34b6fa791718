// What two sites must have in common when nothing is on its way any more.

import { expect } from 'vitest';
import type { IkeNetwork } from './ike-network.ts';

/** What each site sends by, the other receives by, with the same key; nothing else is there on either side. */
export function expectAgreement(net: IkeNetwork): void {
  const { a, b } = net;
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    expect(from.sad.outbound).toEqual(to.sad.inbound);
    expect([...from.sad.larval]).toEqual([]);
    const { states } = from.engine;
    const children = states.flatMap((state) => state.children);
    expect(new Set(children.map(({ inboundSpi }) => inboundSpi))).toEqual(new Set(from.sad.inbound.keys()));
    expect(new Set(children.map(({ outboundSpi }) => outboundSpi))).toEqual(
      new Set(from.sad.outbound.keys()),
    );
    for (const state of states) {
      expect(state.phase).toBe('established');
      expect(state.lingering).toEqual([]);
      expect(state.tasks).toEqual([]);
      expect(state.exchange).toBeUndefined();
      expect(state.undecidedWith).toBeUndefined();
      expect(state.waitingKeys.size).toBe(0);
    }
    const ofPeer = new Map(to.engine.states.map((state) => [state.localSpi, state] as const));
    expect(ofPeer.size).toBe(states.length);
    for (const { localSpi, remoteSpi, children: own } of states) {
      expect(ofPeer.get(remoteSpi)?.remoteSpi).toBe(localSpi);
      expect(ofPeer.get(remoteSpi)?.children.length).toBe(own.length);
    }
  }
}

/** So many Child SAs on either side, each with its peer; old inbound SAs may linger. */
export function expectTunnels({ a, b }: IkeNetwork, count: number): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    expect(from.engine.states.flatMap(({ children }) => children).length).toBe(count);
    expect(from.sad.outbound.size).toBe(count);
    for (const [spi, key] of from.sad.outbound) expect(to.sad.inbound.get(spi)).toBe(key);
    expect(from.sad.larval.size).toBe(0);
  }
}
