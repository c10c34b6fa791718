// The checks of the doctor, in the order in which they are shown. Each judges facts that were read before.

import {
  checkAddon,
  checkCertificates,
  checkClock,
  checkConfiguration,
  checkGateway,
  checkNode,
  checkPermission,
  checkPrivileges,
  checkTunFile,
} from './checks/environment.ts';
import {
  checkForwardPolicy,
  checkForwarding,
  checkMasquerading,
  checkRedirects,
  checkReversePath,
} from './checks/forwarding.ts';
import {
  checkBuffers,
  checkGuard,
  checkMtu,
  checkOffloads,
  checkOwnNetworks,
  checkRoutes,
} from './checks/gateway-network.ts';
import { checkPeers } from './checks/peers.ts';
import { checkPorts, checkRivals } from './checks/rivals.ts';
import type { DoctorFacts } from './facts.ts';
import type { Finding, NamedFinding } from './finding.ts';

const CHECKS: readonly (readonly [name: string, check: (facts: DoctorFacts) => readonly Finding[]])[] = [
  ['gateway', checkGateway],
  ['configuration', checkConfiguration],
  ['node', checkNode],
  ['addon', checkAddon],
  ['tun-device', checkTunFile],
  ['permission', checkPermission],
  ['privileges', checkPrivileges],
  ['clock', checkClock],
  ['certificates', checkCertificates],
  ['other-ipsec', checkRivals],
  ['ports', checkPorts],
  ['routes', checkRoutes],
  ['own-networks', checkOwnNetworks],
  ['guard', checkGuard],
  ['mtu', checkMtu],
  ['forwarding', checkForwarding],
  ['reverse-path', checkReversePath],
  ['redirects', checkRedirects],
  ['forward-policy', checkForwardPolicy],
  ['masquerading', checkMasquerading],
  ['offloads', checkOffloads],
  ['buffers', checkBuffers],
  ['peers', checkPeers],
];

export function examine(facts: DoctorFacts): readonly NamedFinding[] {
  return CHECKS.flatMap(([check, judge]) => judge(facts).map((finding) => ({ check, ...finding })));
}
