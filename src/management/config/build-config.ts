// From a file that was found right to what the gateway runs on: words become absences, paths become absolute.

import { InvariantError } from '../../base/errors.ts';
import type { SaSpecification, Selectors } from '../../spd/policy.ts';
import { buildIkePeer, buildIkeSpecification, unlessAny } from './build-ike.ts';
import type {
  ConfigFile,
  ManualSaEntry,
  PeerEntry,
  PolicyEntry,
  SaEntry,
  SelectorsEntry,
} from './config-file.ts';
import type { Position } from './config-document.ts';
import type {
  GatewayConfig,
  HttpConfig,
  ManualSa,
  PeerConfig,
  PolicyConfig,
  SocketConfig,
} from './gateway-config.ts';
import { buildSecretSource } from './key-source.ts';
import { addressesOf } from './keying-checks.ts';
import { icmpRange, icmpTypesOf } from './selector-values.ts';
import { RUNTIME_DIRECTORY, SOCKET_NAME, TOKEN_NAME } from '../vici/socket-path.ts';

export interface BuildContext {
  readonly file: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly positionOf: (path: readonly PropertyKey[]) => Position;
}

const DEFAULT_STATE_DIRECTORY = '/var/lib/isthmus';
const DEFAULT_HTTP: HttpConfig['listen'] = {
  address: { family: 4, bytes: Uint8Array.of(127, 0, 0, 1) },
  port: 9500,
};

export function buildConfig(file: ConfigFile, context: BuildContext): GatewayConfig {
  return {
    file: context.file,
    name: file.gateway.name,
    engine: file.gateway.engine,
    workers: file.gateway.workers,
    busyPollShare: file.gateway.busy_poll,
    cipherLibrary: file.gateway.cipher_library,
    stateDirectory: stateDirectory(file.gateway.state_directory, context),
    runtimeDirectory: runtimeDirectory(context),
    user: file.gateway.user,
    logLevel: file.gateway.log_level,
    logLevels: file.gateway.log_levels,
    auditLog: file.gateway.audit_log,
    watch: file.gateway.watch,
    onStop: file.gateway.on_stop,
    icmpErrors: file.gateway.icmp_errors,
    tun: {
      name: file.tun.name,
      traffic: file.tun.traffic,
      mtu: file.tun.mtu === 'auto' ? undefined : file.tun.mtu,
      ...file.tun.offloads,
    },
    udp: {
      listen: file.udp.listen,
      mark: file.udp.mark,
      bufferBytes: file.udp.buffer,
      gso: file.udp.gso,
      gro: file.udp.gro,
    },
    guardedInterfaces: file.guard === 'none' ? undefined : file.guard.interfaces,
    keyLogDirectory: file.ike.key_log,
    vici: viciSocket(file.management.vici, context),
    http: buildHttp(file.management.http, context),
    peers: file.peers.map((entry, index) => buildPeer(entry, index, file, context)),
    policies: file.policies.map((entry, index) => buildPolicy(entry, index, context)),
  };
}

function buildPeer(entry: PeerEntry, index: number, file: ConfigFile, context: BuildContext): PeerConfig {
  const place = unlessAny(entry.address);
  const dnsName = place !== undefined && 'dnsName' in place ? place.dnsName : undefined;
  const [address, ...otherAddresses] = addressesOf(entry.address);
  const port = unlessAny(entry.port);
  return {
    name: entry.name,
    address,
    otherAddresses,
    dnsName,
    port,
    // Whose place is not known must be allowed to say it.
    followAddress: entry.follow_address ?? (address === undefined || port === undefined),
    pathMtu: entry.path_mtu === 'learn' ? undefined : entry.path_mtu,
    natKeepaliveMs: entry.nat_keepalive ?? file.udp.nat_keepalive,
    ike: entry.ike && buildIkePeer(entry, entry.ike, ['peers', index, 'ike'], file, context),
  };
}

function stateDirectory(written: string, context: BuildContext): string {
  return written === 'auto' ? (directoryOf('STATE_DIRECTORY', context) ?? DEFAULT_STATE_DIRECTORY) : written;
}

function viciSocket(
  { socket, group }: ConfigFile['management']['vici'],
  context: BuildContext,
): SocketConfig | undefined {
  if (socket === 'off') return undefined;
  return { path: socket === 'auto' ? `${runtimeDirectory(context)}/${SOCKET_NAME}` : socket, group };
}

function buildHttp(http: ConfigFile['management']['http'], context: BuildContext): HttpConfig | undefined {
  if (http === undefined)
    return {
      listen: DEFAULT_HTTP,
      token: undefined,
      ownTokenFile: `${runtimeDirectory(context)}/${TOKEN_NAME}`,
      hosts: [],
      actions: false,
    };
  if (http.listen.kind === 'off') return undefined;
  const { file, positionOf } = context;
  const { listen, group, token, hosts, actions } = http;
  return {
    listen:
      listen.kind === 'tcp' ? { address: listen.address, port: listen.port } : { path: listen.path, group },
    token: token && {
      ...positionOf(['management', 'http', 'token']),
      source: buildSecretSource(token, file),
    },
    ownTokenFile: undefined,
    hosts,
    actions,
  };
}

function runtimeDirectory(context: BuildContext): string {
  return directoryOf('RUNTIME_DIRECTORY', context) ?? RUNTIME_DIRECTORY;
}

/** As systemd names it: several directories in one variable are separated by colons. */
function directoryOf(variable: string, { environment }: BuildContext): string | undefined {
  const [first = ''] = (environment[variable] ?? '').split(':');
  return first === '' ? undefined : first;
}

function buildPolicy(entry: PolicyEntry, index: number, context: BuildContext): PolicyConfig {
  const { sa } = entry;
  const path = ['policies', index, 'sa', 'manual'];
  const remoteNames = unlessAny(entry.selectors.remote_name);
  const ike = sa && (sa.manual === undefined ? buildIkeSpecification(sa, remoteNames) : undefined);
  const specification = sa && { ...buildCommon(sa), ...(ike?.specification ?? manualSpecification(sa)) };
  return {
    name: entry.name,
    priority: entry.priority,
    selectors: buildSelectors(entry.selectors),
    action: entry.action,
    sa: specification,
    line: context.positionOf(['policies', index]).line,
    manual: sa?.manual && {
      outbound: buildManualSa(sa.manual.outbound, [...path, 'outbound'], context),
      inbound: buildManualSa(sa.manual.inbound, [...path, 'inbound'], context),
    },
    ike: ike?.policy,
  };
}

function buildCommon(sa: SaEntry): Omit<SaSpecification, 'transform' | 'esn'> {
  return {
    peer: sa.peer,
    mode: sa.mode,
    replayWindowPackets: sa.replay_window,
    lifetime: sa.lifetime && {
      timeMs: sa.lifetime.time,
      bytes: sa.lifetime.bytes,
      packets: sa.lifetime.packets,
    },
    tunnel: {
      dscp: sa.dscp,
      df: sa.df,
      tfcPaddedBytes: sa.tfc_padding,
      dummyPacketsPerSecond: sa.dummy_packets,
    },
  };
}

function manualSpecification({ proposal }: SaEntry): Pick<SaSpecification, 'transform' | 'esn'> {
  if (proposal === undefined) throw new InvariantError('a manual SA passed the checks without a proposal');
  return { transform: proposal.transform.name, esn: proposal.esn };
}

function buildSelectors(entry: SelectorsEntry): Selectors {
  return {
    localAddress: unlessAny(entry.local_address),
    remoteAddress: unlessAny(entry.remote_address),
    protocol: unlessAny(entry.protocol),
    localPort: unlessAny(entry.mobility_header) ?? unlessAny(entry.local_port),
    remotePort: unlessAny(entry.remote_port),
    icmp: unlessAny(entry.icmp)?.map((message) => {
      const range = icmpRange(message, icmpTypesOf(entry.protocol) ?? new Map());
      if (range === undefined) throw new InvariantError('an ICMP selector passed the checks without a type');
      return range;
    }),
  };
}

function buildManualSa(entry: ManualSaEntry, path: readonly PropertyKey[], context: BuildContext): ManualSa {
  return {
    spi: entry.spi,
    key: buildSecretSource(entry.key, context.file),
    line: context.positionOf(path).line,
  };
}
