// Which IKE SA is to ask its peer for a Child SA. One PAD entry may be for many who come from anywhere (RFC 4301 §4.4.3.1),
// and the traffic of one must not be offered to another (§4.4.3.4): then the addresses decide, as they do for packets that
// an SA may carry, and where they say nothing nobody is asked.

import type { AddressRange } from '../base/address.ts';
import { hasManyDevices, isOpen, type Connection } from './connection.ts';
import type { ChildTask, IkeSaState } from './ike-sa-state.ts';
import type { Entry, IkeSas } from './ike-sas.ts';
import { isForPeer } from './named-policies.ts';
import { isSameDevice } from './uniqueness.ts';

/**
 * @param asker the IKE SA that the Child SA was wanted of, and that can no longer make it
 * @returns undefined where there is none
 */
export function chooseIkeSa(
  sas: IkeSas,
  connection: Connection,
  task: Pick<ChildTask, 'policy' | 'trigger'>,
  asker: IkeSaState | undefined,
): Entry | undefined {
  const isUsable = ({ state }: Entry): boolean =>
    state.connection === connection && state.phase === 'established' && state.superseded === undefined;
  if (isOpen(connection)) {
    const candidates =
      asker === undefined
        ? whoHas(sas, connection, task, isUsable)
        : sas.ofPeer(asker).filter(({ state }) => isSameDevice(state, asker));
    return newest(candidates.filter((one) => isUsable(one) && isForPeer(task.policy, one.state)));
  }
  const entries = sas.of(connection.name);
  return (
    entries.find(isUsable) ??
    entries.find(
      ({ state: { connection: its, phase } }) =>
        its === connection && (phase === 'connecting' || phase === 'authenticating'),
    )
  );
}

/** Of an entry for many: whoever has an SA for the packet's address, or is at that address. */
function whoHas(
  sas: IkeSas,
  connection: Connection,
  { trigger }: Pick<ChildTask, 'trigger'>,
  isUsable: (entry: Entry) => boolean,
): readonly Entry[] {
  const wanted: AddressRange | undefined = trigger?.[1];
  if (wanted !== undefined) {
    const holders = [...sas.holding(wanted)].filter(isUsable);
    if (holders.length > 0) return holders;
    // Behind one NAT there may be several.
    const there = [...sas.provedAt(wanted)].filter(isUsable);
    if (there.length === 1) return there;
  }
  const { name, pad } = connection;
  // An entry for one identity: there is one, unless it is allowed to be several.
  if (pad.remote.exact === undefined) return [];
  const entries = sas.of(name).filter(isUsable);
  return hasManyDevices(connection) && entries.length > 1 ? [] : entries;
}

/** Packets, too, leave by the newest SA that may carry them. */
function newest(entries: readonly Entry[]): Entry | undefined {
  return entries.reduce<Entry | undefined>(
    (best, one) => ((one.establishedOrder ?? 0) > (best?.establishedOrder ?? -1) ? one : best),
    undefined,
  );
}
