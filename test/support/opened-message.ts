// What a message of an IKE network holds, read under the keys of the IKE SA that it is for.

import { InvariantError } from '../../src/base/errors.ts';
import { open } from '../../src/ike/protected-messages.ts';
import { Turn } from '../../src/ike/turn.ts';
import { decodeMessage } from '../../src/wire/ike/message.ts';
import type { Payload } from '../../src/wire/ike/payload.ts';
import { contextAt } from './forged-request.ts';
import type { Flying, IkeNetwork } from './ike-network.ts';

/** @param flying of the first IKE SA that its receiver has; not in fragments */
export function payloadsOf(net: IkeNetwork, { bytes, to }: Flying): readonly Payload[] {
  const message = decodeMessage(bytes);
  if (message.payloads.at(-1)?.type !== 'SK') return message.payloads;
  const [state] = net.states(to);
  if (state === undefined) throw new InvariantError(`site ${to} has no IKE SA`);
  const opened = open(new Turn(state, contextAt(net.nowMs)), bytes, message);
  if (typeof opened === 'string' || 'fault' in opened)
    throw new InvariantError(`a message to ${to} cannot be read: ${JSON.stringify(opened)}`);
  return opened.payloads;
}
