// What the router between the sites saw. It knows the way to the gateways' outer addresses only: a datagram
// between the gateways is forwarded, an inner packet that travels in clear finds no route and is counted.

import type { Topology } from '../topology/topology.ts';

export interface WanCounters {
  /** Datagrams between the gateways; a train of segments counts as one. */
  readonly forwarded: number;
  /** Packets for which there was no route: they left a site unprotected. */
  readonly inClear: number;
}

export async function readWanCounters(topology: Topology): Promise<WanCounters> {
  const files = ['/proc/net/snmp', '/proc/net/netstat', '/proc/net/snmp6'];
  return parseWanCounters(await topology.runOrThrow('wan', ['cat', ...files]));
}

/** `text` holds /proc/net/snmp, netstat and snmp6 one after the other. */
export function parseWanCounters(text: string): WanCounters {
  const lines = text.split('\n');
  const inTable = (table: string, name: string): number => {
    const [names = [], values = []] = lines
      .filter((line) => line.startsWith(`${table}: `))
      .map((line) => line.split(' '));
    return Number(values[names.indexOf(name)] ?? 0);
  };
  const version6 = (name: string): number =>
    Number(new RegExp(`^${name}\\s+(\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  return {
    forwarded: inTable('Ip', 'ForwDatagrams') + version6('Ip6OutForwDatagrams'),
    inClear: inTable('IpExt', 'InNoRoutes') + version6('Ip6InNoRoutes'),
  };
}
