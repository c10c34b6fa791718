// The status on one screen: the gateway, its peers, their tunnels with why they are down, and what was dropped.

import { printable } from '../../../base/printable.ts';
import type {
  DropStatus,
  GatewayStatus,
  PeerStatus,
  Trouble,
  TunnelStatus,
} from '../../vici/extensions/status.ts';
import type { Paint } from './paint.ts';
import { countText, durationText, rateText, sizeText } from './quantities.ts';

/** Of a tunnel, each second. */
export interface Rate {
  readonly bitsOut: number;
  readonly bitsIn: number;
}

const NO_RATES: ReadonlyMap<string, Rate> = new Map();

/** @param rates by tunnel, where they are known @returns lines, line breaks included */
export function renderStatus(
  gateway: GatewayStatus,
  peers: readonly PeerStatus[],
  paint: Paint,
  rates: ReadonlyMap<string, Rate> = NO_RATES,
): string {
  const widths = {
    name: Math.max(0, ...peers.flatMap(({ tunnels }) => tunnels.map(({ name }) => name.length))),
  };
  const blocks = [
    headOf(gateway, peers, paint),
    ...peers.map((peer) => peerLines(peer, widths.name, paint, rates)),
    ...(gateway.drops.length === 0 ? [] : [dropLines(gateway.drops)]),
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Lines of tunnels alone. */
export function renderTunnels(tunnels: readonly TunnelStatus[], paint: Paint): string {
  const width = Math.max(0, ...tunnels.map(({ name }) => name.length));
  return tunnels.flatMap((tunnel) => tunnelLines(tunnel, width, paint).map((line) => `${line}\n`)).join('');
}

function headOf(gateway: GatewayStatus, peers: readonly PeerStatus[], paint: Paint): readonly string[] {
  const tunnels = peers.flatMap((peer) => peer.tunnels);
  const up = tunnels.filter(({ state }) => state === 'up').length;
  const colour = up === tunnels.length ? 'green' : 'yellow';
  const halfOpen = gateway.halfOpenIkeSas === 0 ? '' : ` (${gateway.halfOpenIkeSas} half-open)`;
  const packets = `${countText(gateway.packetsOut, 'packet')} out, ${gateway.packetsIn} in`;
  return [
    `${paint('bold', gateway.name)}: Isthmus ${gateway.version}, running for ${durationText(gateway.runningSeconds)}, ` +
      `${gateway.engine} engine, ${gateway.tun}, ${printable(gateway.file)}`,
    `${paint(colour, `${up} of ${countText(tunnels.length, 'tunnel')} up`)}, ` +
      `${countText(gateway.ikeSas, 'IKE SA')}${halfOpen}, ${packets}`,
    ...(gateway.page === undefined ? [] : [`page at ${printable(gateway.page)}, isthmus page opens it`]),
    ...troubleLines(gateway.lastTrouble, '', paint),
  ];
}

function peerLines(
  peer: PeerStatus,
  nameWidth: number,
  paint: Paint,
  rates: ReadonlyMap<string, Rate>,
): readonly string[] {
  const who = peer.identity === undefined ? '' : ` '${printable(peer.identity)}'`;
  return [
    `${paint('bold', peer.name)} at ${peer.address}${who}: ${ikeText(peer)}`,
    ...peer.tunnels.flatMap((tunnel) => tunnelLines(tunnel, nameWidth, paint, rates.get(tunnel.name))),
    ...(peer.tunnels.length === 0 ? ['  no policy is for this peer'] : []),
    ...troubleLines(peer.lastTrouble, '  ', paint),
  ];
}

function ikeText({ keying, ikeSas, upSeconds }: PeerStatus): string {
  if (keying === 'manual') return 'keyed by hand';
  if (ikeSas === 0) return 'no IKE SA';
  const since = upSeconds === undefined ? '' : ` for ${durationText(upSeconds)}`;
  return `${countText(ikeSas, 'IKE SA')}${since}`;
}

const COLOURS = { up: 'green', connecting: 'yellow', down: 'red' } as const;

function tunnelLines(tunnel: TunnelStatus, nameWidth: number, paint: Paint, rate?: Rate): readonly string[] {
  const { name, state, why, upSeconds, childSas, local, remote } = tunnel;
  const since = upSeconds === undefined ? '' : ` for ${durationText(upSeconds)}`;
  const pairs = childSas > 1 ? `, ${childSas} pairs of SAs` : '';
  const reason = why === undefined ? '' : `: ${printable(why)}`;
  const indent = ' '.repeat(nameWidth + 4);
  return [
    `  ${name.padEnd(nameWidth)}  ${paint(COLOURS[state], `${state}${since}`)}${pairs}${reason}`,
    `${indent}${local.join(' ')} === ${remote.join(' ')}`,
    ...(hasTraffic(tunnel) ? [`${indent}${trafficText(tunnel)}`] : []),
    ...(rate === undefined
      ? []
      : [`${indent}now ${rateText(rate.bitsOut)} out, ${rateText(rate.bitsIn)} in`]),
  ];
}

function hasTraffic({ packetsIn, packetsOut }: TunnelStatus): boolean {
  return packetsIn + packetsOut > 0;
}

function trafficText({ packetsIn, bytesIn, packetsOut, bytesOut }: TunnelStatus): string {
  const one = (way: string, bytes: number, packets: number): string =>
    `${way} ${sizeText(bytes)} in ${countText(packets, 'packet')}`;
  return `${one('sent', bytesOut, packetsOut)}, ${one('received', bytesIn, packetsIn)}`;
}

function troubleLines(trouble: Trouble | undefined, indent: string, paint: Paint): readonly string[] {
  if (trouble === undefined) return [];
  const kind = trouble.level === 'warn' ? 'warning' : 'error';
  const when = `last ${kind}, ${durationText(trouble.secondsAgo)} ago:`;
  return [`${indent}${paint('yellow', when)} ${printable(trouble.message)}`];
}

function dropLines(drops: readonly DropStatus[]): readonly string[] {
  const width = Math.max(...drops.map(({ packets }) => String(packets).length));
  const nameWidth = Math.max(...drops.map(({ name }) => name.length));
  return [
    'dropped:',
    ...drops.map(
      ({ name, packets, sentence }) =>
        `  ${String(packets).padStart(width)}  ${name.padEnd(nameWidth)}  ${sentence}`,
    ),
  ];
}
