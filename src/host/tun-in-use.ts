// Whether TUNs of some names are there and somebody holds them.

import { parseIpJson, runIp, type IpObject } from './ip-command.ts';

/** @returns the first name that a device has which is none that waits for a gateway: a persistent TUN without a queue open */
export async function findUsedTun(names: readonly string[]): Promise<string | undefined> {
  const { output } = await runIp(['-json', '-details', 'link', 'show']);
  const links = parseIpJson(output);
  return names.find((name) => links.some((link) => link['ifname'] === name && isInUse(link)));
}

function isInUse(device: IpObject): boolean {
  const info = (device['linkinfo'] as IpObject | undefined)?.['info_data'] as IpObject | undefined;
  const isTun = info?.['type'] === 'tun';
  const hasReader = (device['flags'] as readonly string[] | undefined)?.includes('LOWER_UP') ?? true;
  return !(isTun && info['persist'] === true && !hasReader);
}
