// What the host says about itself before anything is changed: its addresses, the way to each peer, and the
// switches of its IP stack. Reads only.

import { readFile } from 'node:fs/promises';

import { formatAddress, parseAddress, type Address } from '../base/address.ts';
import { parseIpJson, queryIp, runIp, type IpObject } from './ip-command.ts';

export interface HostPeer {
  readonly name: string;
  readonly address: Address;
}

export interface HostAddress {
  readonly address: Address;
  readonly device: string;
  readonly prefixBits: number;
  /** Duplicate address detection has not ended: no route can use it as its source yet (RFC 4862 §5.4). */
  readonly tentative: boolean;
}

/** How the gateway's own datagrams reach a peer. */
export interface PeerPath {
  readonly peer: HostPeer;
  /** undefined where there is no route now. */
  readonly device: string | undefined;
  /** Bytes of the largest IP packet; of the route where it says one, else of the device. */
  readonly mtu: number | undefined;
  /** Source address that the kernel takes. */
  readonly source: string | undefined;
}

export interface HostFacts {
  /** Names of all devices. */
  readonly devices: readonly string[];
  /** Without loopback, link-local and those of the gateway's own devices. */
  readonly addresses: readonly HostAddress[];
  readonly paths: readonly PeerPath[];
  readonly ipv6Enabled: boolean;
  readonly ipv4Forwarding: boolean;
  readonly ipv6Forwarding: boolean;
  /** Effective net.ipv4.conf.DEVICE.rp_filter of the devices that lead to peers: 0 off, 1 strict, 2 loose. */
  readonly reversePathFilters: ReadonlyMap<string, number>;
  /** net.ipv4.conf.all.rp_filter. */
  readonly reversePathFilter: number;
}

export interface HostFactsInput {
  readonly tunName: string;
  readonly clearTunName: string;
  /** Firewall mark of the gateway's own datagrams. */
  readonly mark: number;
  readonly peers: readonly HostPeer[];
}

/** Throws EnvironmentError where `ip` is missing or fails. */
export async function readHostFacts(input: HostFactsInput): Promise<HostFacts> {
  const [links, routes, ipv4Forwarding, ipv6Forwarding, allFilter, ipv6Enabled] = await Promise.all([
    queryIp(['address', 'show']),
    routesToPeers(input),
    readSwitch('net/ipv4/ip_forward'),
    readSwitch('net/ipv6/conf/all/forwarding'),
    readSwitch('net/ipv4/conf/all/rp_filter'),
    isIpv6Enabled(input.tunName),
  ]);
  const mtus = new Map(links.map((link) => [link['ifname'], link['mtu']]));
  const paths = input.peers.map((peer) => peerPath(peer, routes, mtus));
  const own = [input.tunName, input.clearTunName];
  const devices = new Set(paths.flatMap((path) => path.device ?? []));
  const filters = [...devices].map(async (device): Promise<[string, number]> => {
    // The kernel takes the greater of the two (Documentation/networking/ip-sysctl.rst).
    return [device, Math.max(allFilter, await readSwitch(`net/ipv4/conf/${device}/rp_filter`))];
  });
  return {
    devices: links.map((link) => String(link['ifname'])),
    addresses: links.filter((link) => !own.includes(String(link['ifname']))).flatMap(linkAddresses),
    paths,
    ipv6Enabled,
    ipv4Forwarding: ipv4Forwarding !== 0,
    ipv6Forwarding: ipv6Forwarding !== 0,
    reversePathFilters: new Map(await Promise.all(filters)),
    reversePathFilter: allFilter,
  };
}

/** Asks for all peers in one process; a peer without a route is missing in the answer. */
async function routesToPeers(input: HostFactsInput): Promise<ReadonlyMap<string, IpObject>> {
  const mark = input.mark === 0 ? '' : ` mark ${String(input.mark)}`;
  const questions = input.peers.map((peer) => `route get ${formatAddress(peer.address)}${mark}\n`);
  if (questions.length === 0) return new Map();
  const { output } = await runIp(['-json', '-force', '-batch', '-'], questions.join(''));
  const routes = output.split('\n').flatMap(parseIpJson);
  return new Map(routes.map((route) => [oneSpelling(String(route['dst'])), route]));
}

/** `ip` writes some IPv6 addresses in another way, `::ffff:192.0.2.1`. */
function oneSpelling(text: string): string {
  const address = parseAddress(text);
  return address === undefined ? text : formatAddress(address);
}

function peerPath(
  peer: HostPeer,
  routes: ReadonlyMap<string, IpObject>,
  mtus: ReadonlyMap<unknown, unknown>,
): PeerPath {
  const route = routes.get(formatAddress(peer.address));
  const device = route?.['dev'];
  if (route === undefined || typeof device !== 'string') {
    return { peer, device: undefined, mtu: undefined, source: undefined };
  }
  const metrics = Array.isArray(route['metrics']) ? (route['metrics'] as IpObject[]) : [];
  const mtu = metrics.find((metric) => typeof metric['mtu'] === 'number')?.['mtu'] ?? mtus.get(device);
  const source = route['prefsrc'];
  return {
    peer,
    device,
    mtu: typeof mtu === 'number' ? mtu : undefined,
    source: typeof source === 'string' ? source : undefined,
  };
}

function linkAddresses(link: IpObject): readonly HostAddress[] {
  const entries = Array.isArray(link['addr_info']) ? (link['addr_info'] as IpObject[]) : [];
  return entries.flatMap((entry) => {
    const address = parseAddress(String(entry['local']));
    if (entry['scope'] !== 'global' || entry['dadfailed'] === true || address === undefined) return [];
    return [
      {
        address,
        device: String(link['ifname']),
        prefixBits: Number(entry['prefixlen']),
        tentative: entry['tentative'] === true,
      },
    ];
  });
}

/** For the device of that name; one that does not exist yet starts with the default. */
export async function isIpv6Enabled(tunName: string): Promise<boolean> {
  const own = await readSwitch(`net/ipv6/conf/${tunName}/disable_ipv6`, -1);
  // Without IPv6 in the kernel there is neither.
  return (own >= 0 ? own : await readSwitch('net/ipv6/conf/default/disable_ipv6', 1)) === 0;
}

/** A number below /proc/sys; `otherwise` where this kernel has no such switch. */
async function readSwitch(path: string, otherwise = 0): Promise<number> {
  try {
    return Number(await readFile(`/proc/sys/${path}`, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return otherwise;
    throw error;
  }
}
