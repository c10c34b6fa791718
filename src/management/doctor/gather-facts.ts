// Reads all that the checks go by: of the host, of the configuration, of the gateway where one runs. It changes nothing; it
// sends questions to the resolver of the host, and to peers that have no IKE SA (ask-peers.ts).

import { readFileSync } from 'node:fs';

import { formatAddress, rangeContains, type Address, type AddressRange } from '../../base/address.ts';
import { wallClockMs } from '../../base/clock.ts';
import { ConfigError, EnvironmentError } from '../../base/errors.ts';
import { clearTunNameOf } from '../../host/clear-tun-name.ts';
import { hasGuard } from '../../host/guard.ts';
import { readHostFacts } from '../../host/host-facts.ts';
import { planHostNetwork } from '../../host/host-plan.ts';
import { queryIp } from '../../host/ip-command.ts';
import { NameLookups } from '../../host/name-lookups.ts';
import { queryNft } from '../../host/nft-command.ts';
import { coverRange, formatPrefix } from '../../host/prefix-cover.ts';
import { countKernelIpsec, findIpsecDaemons, findPortOwners } from '../../host/probes/host-programs.ts';
import { readDevice, readHostState } from '../../host/probes/host-state.ts';
import { readPacketFilter } from '../../host/probes/packet-filter.ts';
import { readRoutingState } from '../../host/routing-state.ts';
import { CertificateFormatError, parseCertificate } from '../../pki/certificate.ts';
import { readPem } from '../../pki/pem.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { loadConfig, type LoadedConfig } from '../config/load-config.ts';
import { askPeers } from './ask-peers.ts';
import { portsOf } from './checks/rivals.ts';
import type { CertificateFact, DoctorFacts, RunningGateway, Setup } from './facts.ts';
import type { AskPeer } from './peer-question.ts';

export interface DoctorInput {
  /** Undefined: none is named, and no gateway says one. */
  readonly configPath: string | undefined;
  readonly gateway: RunningGateway | string;
  readonly addonProblem: string | undefined;
  readonly askPeer: AskPeer;
}

/** Of one kind; more would only say the same again. */
const MOST_LOOKED_AT = 64;

export async function gatherFacts({
  configPath,
  gateway,
  addonProblem,
  askPeer,
}: DoctorInput): Promise<DoctorFacts> {
  const setup = await readSetup(configPath);
  const outside = typeof setup === 'string' ? [] : setup.outside.map(({ name }) => name);
  const [host, filter, daemons, kernelIpsec, ports, asked] = await Promise.all([
    readHostState(outside),
    readPacketFilter(),
    findIpsecDaemons(),
    countKernelIpsec(),
    findPortOwners(portsOf(setup)),
    askPeers(setup, gateway, askPeer),
  ]);
  return {
    ...{ nodeVersion: process.version, addonProblem, wallClockMs: wallClockMs() },
    ...{ host, filter, daemons, kernelIpsec, ports, gateway, setup, asked },
  };
}

async function readSetup(path: string | undefined): Promise<Setup | string> {
  if (path === undefined)
    return 'no configuration is named and no gateway runs: isthmus doctor FILE looks at more';
  let config: LoadedConfig;
  try {
    config = loadConfig(path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
  const names = await resolveNames(config);
  const { tun, guardedInterfaces, policies } = config;
  const footprint = { tunName: tun.name, clearTunName: clearTunNameOf(tun.name), mark: config.udp.mark };
  const known = config.peers.flatMap(({ name, address, otherAddresses, dnsName }) => {
    const found = dnsName === undefined ? undefined : names.get(dnsName);
    const at = address ?? (typeof found === 'string' ? undefined : found?.[0]);
    return at === undefined ? [] : [at, ...otherAddresses].map((one) => ({ name, address: one }));
  });
  const facts = await readHostFacts({ ...footprint, peers: known });
  let planProblem: string | undefined;
  let network: Setup['network'];
  try {
    const input = { traffic: tun.traffic, configuredMtu: tun.mtu, unprotected: guardedInterfaces };
    network = { facts, plan: planHostNetwork({ ...footprint, ...input, policies, facts }) };
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    planProblem = error.message;
  }
  const outsideNames = guardedInterfaces ?? [...new Set(facts.paths.flatMap(({ device }) => device ?? []))];
  const [device, outside, ipv4, ipv6, guarded, ownNetworks] = await Promise.all([
    readDevice(tun.name),
    Promise.all(outsideNames.map(readDevice)),
    readRoutingState(4),
    readRoutingState(6),
    readGuard(tun.name),
    readOwnNetworks(config, facts.addresses),
  ]);
  return {
    ...{ config, network, planProblem, names, ownNetworks },
    tun: device,
    outside: outside.filter((one) => one !== undefined),
    routing: { 4: ipv4, 6: ipv6 },
    hasGuard: guarded,
    certificates: certificatesOf(config),
  };
}

async function resolveNames({ peers }: GatewayConfig): Promise<Setup['names']> {
  const lookups = new NameLookups();
  const names = new Set(peers.flatMap(({ dnsName }) => dnsName ?? []));
  const found = new Map<string, readonly Address[] | string>();
  for (const name of [...names].slice(0, MOST_LOOKED_AT))
    found.set(
      name,
      await lookups
        .resolve(name)
        .catch((error: unknown) => (error instanceof Error ? error.message : String(error))),
    );
  return found;
}

/** @returns undefined where nftables cannot be asked */
async function readGuard(tunName: string): Promise<boolean | undefined> {
  try {
    return hasGuard((await queryNft(['tables'])) ?? [], tunName);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    return undefined;
  }
}

/** Where packets for protected networks of this side would go; those of this host itself are left out. */
async function readOwnNetworks(
  { policies }: GatewayConfig,
  addresses: readonly { readonly address: Address }[],
): Promise<Setup['ownNetworks']> {
  const ranges = policies
    .filter(({ action }) => action === 'PROTECT')
    .flatMap(({ selectors }) => selectors.localAddress ?? [])
    .filter((range) => !isEverything(range))
    .slice(0, MOST_LOOKED_AT);
  const found = await Promise.all(
    ranges.map(async (range): Promise<readonly (readonly [string, string | undefined])[]> => {
      if (addresses.some(({ address }) => rangeContains(range, address))) return [];
      const [prefix] = coverRange(range);
      if (prefix === undefined) return [];
      return [[formatPrefix(prefix), await deviceTowards(range.last)]];
    }),
  );
  return new Map(found.flat());
}

function isEverything({ first }: AddressRange): boolean {
  return first.bytes.every((byte) => byte === 0);
}

async function deviceTowards(address: Address): Promise<string | undefined> {
  try {
    const [route] = await queryIp(['route', 'get', formatAddress(address)]);
    const device = route?.['dev'];
    return typeof device === 'string' ? device : undefined;
  } catch (error) {
    // The kernel says so of what has no route.
    if (error instanceof EnvironmentError) return undefined;
    throw error;
  }
}

function certificatesOf({ peers }: GatewayConfig): readonly CertificateFact[] {
  const paths = peers.flatMap(({ ike }) => {
    const [local, remote] = [ike?.local.credentials, ike?.remote.credentials];
    return [
      ...(local?.kind === 'signature' && local.proof.kind === 'certificate' ? [local.proof.file.path] : []),
      ...(remote?.kind === 'authorities' ? remote.authorities.map(({ path }) => path) : []),
    ];
  });
  return [...new Set(paths)].flatMap(certificatesIn);
}

function certificatesIn(path: string): readonly CertificateFact[] {
  const wrong = (problem: string): readonly CertificateFact[] => [
    { path, problem, notBeforeMs: 0, notAfterMs: 0 },
  ];
  try {
    const certificates = readPem(readFileSync(path)).filter(({ label }) => label === 'CERTIFICATE');
    if (certificates.length === 0) return wrong('holds no certificate in PEM');
    return certificates.map(({ der }) => {
      const { notBeforeMs, notAfterMs } = parseCertificate(der);
      return { path, problem: undefined, notBeforeMs, notAfterMs };
    });
  } catch (error) {
    if (error instanceof CertificateFormatError) return wrong(error.message);
    if (error instanceof Error && 'code' in error) return wrong(`cannot be read (${String(error.code)})`);
    throw error;
  }
}
