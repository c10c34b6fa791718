// Whether a TUN of a name is there and somebody holds it.

import { parseIpJson, runIp, type IpObject } from './ip-command.ts';

/** True where a device has the name, and it is none that waits for a gateway: a persistent TUN without a queue open. */
export async function isTunInUse(name: string): Promise<boolean> {
  const { output } = await runIp(['-json', '-details', 'link', 'show']);
  const device = parseIpJson(output).find((link) => link['ifname'] === name);
  if (device === undefined) return false;
  const info = (device['linkinfo'] as IpObject | undefined)?.['info_data'] as IpObject | undefined;
  const isTun = info?.['type'] === 'tun';
  const hasReader = (device['flags'] as readonly string[] | undefined)?.includes('LOWER_UP') ?? true;
  return !(isTun && info['persist'] === true && !hasReader);
}
