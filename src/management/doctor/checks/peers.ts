// Whether peers can be reached: with a gateway that runs, what it knows of them; otherwise whether their names resolve and a
// route leads there. And what those said that were asked (reach.ts).

import { formatAddress } from '../../../base/address.ts';
import { shellWord } from '../../../base/shell-word.ts';
import type { PeerStatus } from '../../vici/extensions/status.ts';
import type { DoctorFacts, RunningGateway, Setup } from '../facts.ts';
import { failure, note, ok, warning, type Finding } from '../finding.ts';
import { mendOfTrouble } from '../trouble-mends.ts';
import { reachFindings } from './reach.ts';

const RECENT_SECONDS = 600;
const PARTLY = /networks of both sides differ/;

export function checkPeers({ setup, gateway, asked }: DoctorFacts): readonly Finding[] {
  const reached = reachFindings(asked);
  if (typeof gateway !== 'string')
    return [...gateway.peers.flatMap(peerFindings), ...recentTrouble(gateway), ...reached];
  return typeof setup === 'string' ? [] : [...nameFindings(setup), ...routeFindings(setup), ...reached];
}

function peerFindings(peer: PeerStatus): readonly Finding[] {
  const { name, address, upSeconds, tunnels } = peer;
  const isSaid = upSeconds === undefined || tunnels.some(({ state }) => state === 'up');
  const there = isSaid ? [] : [ok(`${name} at ${address} has an IKE SA, as the gateway says`)];
  return [...there, ...tunnelFindings(peer)];
}

function tunnelFindings({ name, address, tunnels, lastTrouble }: PeerStatus): readonly Finding[] {
  return tunnels.map((tunnel) => {
    const what = `${tunnel.name} with ${name} at ${address}`;
    if (tunnel.state === 'up') return upFinding(what, name, lastTrouble);
    const why = tunnel.why === undefined ? '' : `: ${tunnel.why}`;
    const mend = mendOfTrouble(tunnel.why ?? '', name);
    const steps = `isthmus up ${shellWord(tunnel.name)}`;
    // One that waits for a packet is as it should be.
    if (mend === undefined && lastTrouble === undefined)
      return note(`${what} is ${tunnel.state}${why}`, steps);
    return failure(`${what} is ${tunnel.state}${why}`, mend ?? `${steps} tells each step`);
  });
}

/** Up for a part of what its policy says, and for what somebody wants to send it is not. */
function upFinding(what: string, peer: string, trouble: PeerStatus['lastTrouble']): Finding {
  const isPartly =
    trouble !== undefined && trouble.secondsAgo <= RECENT_SECONDS && PARTLY.test(trouble.message);
  const mend = isPartly ? mendOfTrouble(trouble.message, peer) : undefined;
  if (!isPartly || mend === undefined) return ok(`${what} is up, as the gateway says`);
  return warning(`${what} is up, but not for all: ${trouble.message}`, mend);
}

/** Who has proved no identity is none of the peers, and may be one all the same. */
function recentTrouble({ status, peers }: RunningGateway): readonly Finding[] {
  const { lastTrouble } = status;
  const isDown = peers.some(({ tunnels }) => tunnels.some(({ state }) => state !== 'up'));
  if (lastTrouble === undefined || !isDown || lastTrouble.secondsAgo > RECENT_SECONDS) return [];
  const mend = mendOfTrouble(lastTrouble.message, 'the peer');
  if (mend === undefined) return [];
  return [warning(`the gateway complained ${lastTrouble.secondsAgo} s ago: ${lastTrouble.message}`, mend)];
}

function nameFindings({ names }: Setup): readonly Finding[] {
  return [...names].map(([name, found]) =>
    typeof found === 'string'
      ? failure(`${name} cannot be resolved: ${found}`, `getent ahosts ${shellWord(name)}`)
      : ok(`${name} is ${found.map(formatAddress).join(', ')}`),
  );
}

function routeFindings({ network }: Setup): readonly Finding[] {
  return (network?.facts.paths ?? []).map(({ peer, device, source }) => {
    const where = `${peer.name} (${formatAddress(peer.address)})`;
    if (device === undefined)
      return failure(
        `there is no route to ${where}`,
        `ip route add ${formatAddress(peer.address)} via ROUTER`,
      );
    if (source === undefined)
      return warning(
        `the way to ${where} by ${device} has no source address`,
        `ip address show dev ${shellWord(device)}`,
      );
    return ok(`a route leads to ${where}, by ${device} from ${source}`);
  });
}
