// Every scenario of the lab, in the order of --help.

import { EnvironmentError } from '../../../src/base/errors.ts';
import { bypassException } from './bypass-exception.ts';
import { discard } from './discard.ts';
import { hubAndSpoke } from './hub-and-spoke.ts';
import { inClearAttack } from './in-clear-attack.ts';
import { ipv6InIpv4 } from './ipv6-in-ipv4.ts';
import { kill } from './kill.ts';
import { sameSpiBehindNat } from './same-spi-behind-nat.ts';
import type { Scenario } from './scenario.ts';
import { siteToSite } from './site-to-site.ts';
import { smallMtuPath } from './small-mtu-path.ts';

export const scenarios: readonly Scenario[] = [
  siteToSite,
  bypassException,
  discard,
  inClearAttack,
  sameSpiBehindNat,
  smallMtuPath,
  ipv6InIpv4,
  hubAndSpoke,
  kill,
];

/** @throws EnvironmentError where there is none of that name */
export function findScenario(name: string): Scenario {
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario !== undefined) return scenario;
  throw new EnvironmentError(
    `--scenario ${name}: expected one of ${scenarios.map((one) => one.name).join(', ')}`,
  );
}
