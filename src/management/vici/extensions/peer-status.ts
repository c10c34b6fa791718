// Whether the tunnels with a peer are up, and if not why: from the configuration, the SAs that there are, and what went
// wrong last.

import { monotonicMs } from '../../../base/clock.ts';
import { selectorText } from '../../../wire/ike/selector-text.ts';
import type { ChildConfigView, ChildSaView, ConnectionView, EndView, IkeSaView } from '../vici-gateway.ts';
import { CARRYING } from './carrying.ts';
import type { PeerStatus, Trouble, TunnelStatus } from './status.ts';
import type { StatusSource } from './status-source.ts';

type Source = Pick<StatusSource, 'troubleOf' | 'secondsSinceMade' | 'trafficOf'>;

const ESTABLISHED: ReadonlySet<IkeSaView['state']> = new Set(['ESTABLISHED', 'REKEYING']);

const WAITS_FOR = {
  'on-traffic': 'waits for a packet',
  immediately: 'is tried again by itself',
  never: 'waits for the peer to begin',
} as const;

/** @param ikeSas those of this peer */
export function peerStatus(
  connection: ConnectionView,
  ikeSas: readonly IkeSaView[],
  source: Source,
): PeerStatus {
  const { name, ike, remoteAddresses, remotePort, children } = connection;
  const established = ikeSas.filter(({ state }) => ESTABLISHED.has(state));
  const [first = ikeSas[0]] = established;
  const trouble = source.troubleOf(name);
  const isOne = ikeSas.length === 1;
  const places =
    isOne && first !== undefined
      ? [placeOf(first.remote)]
      : remoteAddresses.map((host) => placeOf({ host, port: remotePort }));
  return {
    name,
    keying: ike === undefined ? 'manual' : 'ikev2',
    address: places.join(' '),
    identity: ike && isOne ? first?.remote.identity : ike?.remote.identity,
    ikeSas: established.length,
    upSeconds: most(established.map(({ establishedSeconds }) => establishedSeconds)),
    lastTrouble: trouble && { ...trouble, secondsAgo: Math.floor(trouble.secondsAgo) },
    tunnels: children.map((child) => tunnelStatus(child, ikeSas, trouble, source)),
  };
}

function tunnelStatus(
  child: ChildConfigView,
  ikeSas: readonly IkeSaView[],
  trouble: Trouble | undefined,
  source: Source,
): TunnelStatus {
  const { name } = child;
  const all = ikeSas.flatMap(({ children }) => children.filter((one) => one.name === name));
  const carrying = all.filter(({ state }) => CARRYING.has(state));
  const step = stepOf(ikeSas);
  const madeSeconds = source.secondsSinceMade(name) ?? most(carrying.map(ageSeconds));
  const isNews =
    trouble !== undefined &&
    (trouble.policy ?? name) === name &&
    (madeSeconds === undefined || trouble.secondsAgo < madeSeconds);
  const common = {
    name,
    childSas: carrying.length,
    local: child.local.map(selectorText),
    remote: child.remote.map(selectorText),
    ...source.trafficOf(name),
  };
  if (carrying.length > 0)
    return { ...common, state: 'up', why: undefined, upSeconds: madeSeconds && Math.floor(madeSeconds) };
  if (child.proposals !== undefined && step !== undefined)
    return { ...common, state: 'connecting', why: step, upSeconds: undefined };
  const why = [...(isNews ? [trouble.message] : []), whatFollows(child)].join('; ');
  return { ...common, state: 'down', why, upSeconds: undefined };
}

/** What is asked of the peer, where it is something that makes SAs. */
function stepOf(ikeSas: readonly IkeSaView[]): string | undefined {
  for (const { state, activeTask, isInitiator } of ikeSas) {
    if (activeTask === 'CHILD_CREATE') return 'CREATE_CHILD_SA is sent';
    if (state !== 'CONNECTING') continue;
    if (!isInitiator) return 'the peer has begun';
    return activeTask === 'IKE_AUTH' ? 'IKE_AUTH is sent' : 'IKE_SA_INIT is sent';
  }
  return undefined;
}

function whatFollows({ proposals, start, notInitiated }: ChildConfigView): string {
  if (proposals === undefined) return 'its SAs have ended: make new keys, and reload';
  // With a name, or an SA for each flow: that says it.
  if (notInitiated !== undefined) return notInitiated;
  return WAITS_FOR[start ?? 'on-traffic'];
}

function ageSeconds({ inbound, outbound }: ChildSaView): number | undefined {
  const createdMs = (outbound ?? inbound)?.createdMs;
  return createdMs === undefined ? undefined : Math.floor((monotonicMs() - createdMs) / 1000);
}

function most(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function placeOf({ host, port }: Pick<EndView, 'host' | 'port'>): string {
  if (port === undefined) return host;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
