// A request that is authentic and that no engine would send: what an IKE SA's own peer may come up with.

import { InvariantError } from '../../src/base/errors.ts';
import { chooseProvider } from '../../src/crypto/choose-provider.ts';
import { request, respond } from '../../src/ike/protected-messages.ts';
import { Turn, type IkeContext } from '../../src/ike/turn.ts';
import type { Payload } from '../../src/wire/ike/payload.ts';
import type { IkeNetwork, SiteName } from './ike-network.ts';

/** Sends it under the keys of the site's IKE SA; its engine knows nothing of it. @param ahead such requests before it */
export function forge(
  net: IkeNetwork,
  site: SiteName,
  exchangeType: number,
  payloads: readonly Payload[],
  ahead = 0,
): void {
  const [state] = net.states(site);
  if (state === undefined) throw new InvariantError(`site ${site} has no IKE SA`);
  const window = { ...state.window, nextRequestId: state.window.nextRequestId + ahead };
  const turn = new Turn({ ...state, window }, contextAt(net.nowMs));
  request(turn, exchangeType, payloads, { kind: 'liveness' });
  for (const effect of turn.effects)
    if (effect.type === 'send')
      for (const datagram of effect.datagrams) net.send(site, effect.path, datagram);
}

/** As {@link forge}, for an answer to the request that the site would expect next. */
export function forgeResponse(
  net: IkeNetwork,
  site: SiteName,
  exchangeType: number,
  payloads: readonly Payload[],
): void {
  const [state] = net.states(site);
  if (state === undefined) throw new InvariantError(`site ${site} has no IKE SA`);
  const turn = new Turn(state, contextAt(net.nowMs));
  respond(turn, exchangeType, payloads);
  for (const effect of turn.effects)
    if (effect.type === 'send')
      for (const datagram of effect.datagrams) net.send(site, effect.path, datagram);
}

export function contextAt(nowMs: number): IkeContext {
  const none = (): never => {
    throw new InvariantError('not needed for a request');
  };
  return {
    nowMs,
    wallClockMs: 0,
    crypto: chooseProvider('auto'),
    random: (bytes) => new Uint8Array(bytes).fill(7),
    newIkeSpi: none,
    floatedPort: none,
    allocateSpi: none,
    findConnection: none,
    isFirstContact: none,
    isHeldByOther: none,
    isUnwanted: none,
    lastTrafficMs: none,
  };
}
