// The switches below /proc/sys/net that the gateway sets: on its own two devices, and as little as possible elsewhere.

import { readFile, writeFile } from 'node:fs/promises';

import type { HostFootprint } from './rule-plan.ts';

export interface HostSwitch {
  /** Below /proc/sys/net. */
  readonly path: string;
  readonly value: number;
  /** What does not work where it cannot be set. */
  readonly purpose: string;
}

export interface SwitchPlanInput extends HostFootprint {
  readonly unprotected: readonly string[];
  /** Packets may go out by the TUN that they came in by. */
  readonly hasTransit: boolean;
  /** net.ipv4.conf.all.rp_filter; the greater of it and the device's own counts. */
  readonly reversePathFilter: number;
}

export function planSwitches(input: SwitchPlanInput): readonly HostSwitch[] {
  const { tunName, clearTunName, mark, unprotected, hasTransit, reversePathFilter } = input;
  const ipv4 = (device: string, name: string, value: number, purpose: string): HostSwitch => ({
    path: `ipv4/conf/${device}/${name}`,
    value,
    purpose,
  });
  const bypass = 'BYPASS of what arrived on the TUN';
  return [
    ipv4(clearTunName, 'accept_local', 1, bypass),
    ipv4(clearTunName, 'forwarding', 1, bypass),
    // Loose is the least that can be had where the filter of all devices is on.
    ipv4(clearTunName, 'rp_filter', reversePathFilter === 0 ? 0 : 2, bypass),
    ipv4(tunName, 'send_redirects', 0, 'hub and spoke without ICMP redirects'),
    // Either of the two switches sends them.
    ...(hasTransit ? [ipv4('all', 'send_redirects', 0, 'hub and spoke without ICMP redirects')] : []),
    // The reverse path of a marked datagram is looked up with its mark, so that a strict filter lets it in.
    ...(mark === 0
      ? []
      : unprotected.map((device) => ipv4(device, 'src_valid_mark', 1, `a strict rp_filter on ${device}`))),
  ];
}

/** Sets them. @returns a sentence for each that could not be set */
export async function applySwitches(switches: readonly HostSwitch[]): Promise<readonly string[]> {
  const complaints = await Promise.all(switches.map(applySwitch));
  return complaints.flat();
}

async function applySwitch({ path, value, purpose }: HostSwitch): Promise<readonly string[]> {
  try {
    const file = `/proc/sys/net/${path}`;
    // In a container the files may be read-only and right already.
    if (Number(await readFile(file, 'utf8')) !== value) await writeFile(file, String(value));
    return [];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const name = `net.${path.split('/').join('.')}`;
    return [`${name} cannot be set to ${String(value)} (${code}); without it fails: ${purpose}`];
  }
}
