// `initiate`: makes the Child SA of a policy, or those of a peer, and the IKE SA where there is none.

import { failure, SUCCESS, type Command } from '../command.ts';
import { withControlLog } from '../control-log.ts';
import { integerOf, textOf, ViciRequestError, type ViciSection } from '../message.ts';
import type { ChildConfigView, ViciGateway } from '../vici-gateway.ts';

export const initiate: Command = (gateway, request, asking) => {
  const timeoutMs = integerOf(request, 'timeout') ?? 0;
  const children = wanted(gateway, request);
  return withControlLog(gateway, request, asking, async () => {
    const asked = children.map(({ name }) => gateway.initiate(name));
    if (timeoutMs < 0) return SUCCESS;
    const failed = await within(timeoutMs, asking.signal, Promise.all(asked));
    const names = quoted(children);
    if (failed === undefined) return failure(`${names} not established after ${timeoutMs} ms`);
    const missing = children.filter((_, index) => failed[index] === false);
    return missing.length === 0 ? SUCCESS : failure(`establishing ${quoted(missing)} failed`);
  });
};

/** @throws ViciRequestError where there is nothing that this side could make */
function wanted({ connections }: ViciGateway, request: ViciSection): readonly ChildConfigView[] {
  const child = textOf(request, 'child');
  const ike = textOf(request, 'ike');
  if (child === undefined && ike === undefined) throw new ViciRequestError('missing configuration name');
  const peers = connections.filter(({ name }) => ike === undefined || ike === name);
  if (peers.length === 0) throw new ViciRequestError(`there is no peer '${ike ?? ''}'`);
  const named = peers
    .flatMap(({ children }) => children)
    .filter(({ name }) => child === undefined || child === name);
  const possible = named.filter(({ notInitiated }) => notInitiated === undefined);
  if (possible.length > 0) return possible;
  const [first] = named;
  throw new ViciRequestError(
    first === undefined
      ? `there is no PROTECT policy '${child ?? ''}' with such a peer`
      : `'${first.name}' cannot be initiated: ${first.notInitiated ?? ''}`,
  );
}

function quoted(children: readonly ChildConfigView[]): string {
  return children.map(({ name }) => `'${name}'`).join(', ');
}

/** @param timeoutMs 0: without end @returns undefined where the time was over first, or nobody waits any more */
async function within<Result>(
  timeoutMs: number,
  signal: AbortSignal,
  result: Promise<Result>,
): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      resolve(undefined);
    };
    const timer = timeoutMs > 0 ? setTimeout(giveUp, timeoutMs) : undefined;
    signal.addEventListener('abort', giveUp);
    result.then(resolve, reject).finally(giveUp);
  });
}
