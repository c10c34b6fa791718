// The shape of the configuration file, key by key: names, defaults and what each value may be. What one value
// means for another is in cross-checks.ts.

import { z } from 'zod';

import { formatAddress, parseAddress, type Address } from '../../base/address.ts';
import { SUBSYSTEMS, type ConfiguredLevels } from '../../base/log-levels.ts';
import { LOG_LEVELS } from '../../base/log.ts';
import { parseDurationMs, parseSizeBytes } from '../../base/units.ts';
import type { IcmpErrorRule } from '../../spd/compiled-spd.ts';
import type { PolicyAction } from '../../spd/policy.ts';
import type {
  ConfigFile,
  DnsName,
  Endpoint,
  Guard,
  PeerAddress,
  SeveralAddresses,
  PeerEntry,
  PolicyEntry,
  PopulatedSelector,
} from './config-file.ts';
import { crossCheck } from './cross-checks.ts';
import {
  anyOrList,
  boolean,
  integer,
  mapping,
  oneOf,
  readInteger,
  reportTo,
  text,
  value,
} from './expectation.ts';
import type { ChildStart, OnClose } from './gateway-config.ts';
import { ikeSchema } from './ike-schema.ts';
import { keySource } from './key-source.ts';
import { lifetime } from './lifetime-values.ts';
import { managementSchema } from './management-schema.ts';
import { proposalList } from './negotiated-proposal.ts';
import { expectedProposal, nearestProposal, parseProposal, type EspProposal } from './proposal.ts';
import { PROTOCOL_NUMBERS } from './protocol-names.ts';
import * as selector from './selector-values.ts';
import * as tunnel from './tunnel-values.ts';

/** UDP-encapsulated ESP, RFC 3948 §2. */
const NAT_TRAVERSAL_PORT = 4500;
const DEFAULT_MARK = 0x1500;
const DEFAULT_BUFFER_BYTES = 8 * 2 ** 20;
const MIN_BUFFER_BYTES = 64 * 2 ** 10;
const MAX_BUFFER_BYTES = 2 ** 30;
/** RFC 3948 §4. */
const DEFAULT_NAT_KEEPALIVE = '20s';
const MIN_NAT_KEEPALIVE_MS = 1000;
const MAX_NAT_KEEPALIVE_MS = 3_600_000;
/** RFC 791 §3.1: what every host takes. */
const MIN_PATH_MTU = 576;
const MAX_DNS_NAME_CHARACTERS = 253;
/** Of a peer. */
const MAX_ADDRESSES = 16;
const DEFAULT_REPLAY_WINDOW_PACKETS = 1024;
const MIN_REPLAY_WINDOW_PACKETS = 32;
const MAX_REPLAY_WINDOW_PACKETS = 8192;

const name = (): z.ZodType<string> =>
  text('a name of letters, digits, "-", "_" and ".", at most 64 long', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

const levelsBySubsystem: z.ZodType<ConfiguredLevels> = mapping(
  Object.fromEntries(SUBSYSTEMS.map((subsystem) => [subsystem, oneOf(LOG_LEVELS).optional()])),
);

/** Each has a thread, its memory and a socket for each address. */
const MOST_WORKERS = 16;

/** @returns 0 … 1; 0 = off */
function share(): z.ZodType<number> {
  return value(
    'off or a share of a processor from 1% to 100%',
    (found) => {
      if (found === 'off') return 0;
      const [, percent] = /^([1-9]\d{0,2})%$/.exec(typeof found === 'string' ? found : '') ?? [];
      const read = readInteger(Number(percent), 1, 100);
      return read === undefined ? undefined : read / 100;
    },
    ['off'],
  );
}

const gateway = mapping({
  name: name(),
  engine: oneOf(['native', 'portable']).prefault('native'),
  workers: integer(1, MOST_WORKERS).prefault(1),
  busy_poll: share().prefault('5%'),
  cipher_library: oneOf(['auto', 'openssl', 'ipsec-mb']).prefault('auto'),
  state_directory: text('auto or an absolute path', /^(auto$|\/)/).prefault('auto'),
  user: text('the name of a user of this host', /^[A-Za-z_][A-Za-z0-9._-]{0,31}$/).optional(),
  log_level: oneOf(LOG_LEVELS).prefault('info'),
  log_levels: levelsBySubsystem.prefault({}),
  audit_log: text('an absolute path, of a file', /^\/.*[^/]$/).optional(),
  watch: boolean().prefault(false),
  on_stop: oneOf(['closed', 'open']).prefault('closed'),
  icmp_errors: oneOf<IcmpErrorRule>(['check', 'selectors']).prefault('check'),
});

// IFNAMSIZ leaves 15 characters; the three names mean something else below /proc/sys/net.
const EXPECTED_INTERFACE =
  'an interface name of at most 15 letters, digits, "-", "_" and ".", but not lo, all or default';
const INTERFACE = /^(?!(?:lo|all|default)$)[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/;

const tun = mapping({
  name: text(EXPECTED_INTERFACE, INTERFACE).prefault('isthmus0'),
  traffic: oneOf(['policy', 'all', 'none']).prefault('policy'),
  mtu: value(
    'auto or a number of bytes from 576 to 65535',
    (found) => (found === 'auto' ? 'auto' : readInteger(found, 576, 65_535)),
    ['auto'],
  ).prefault('auto'),
  offloads: mapping({
    checksum: boolean().prefault(true),
    tso: boolean().prefault(true),
    uso: boolean().prefault(true),
  }).prefault({}),
});

const EXPECTED_LISTEN = 'a local address with a port (203.0.113.1:4500 or "[2001:db8::1]:4500")';

function readEndpoint(found: unknown): Endpoint | undefined {
  if (typeof found !== 'string') return undefined;
  // IPv6 needs the brackets, or the port could be taken for the last group.
  const [, ipv4, ipv6, portText] = /^(?:([^[\]:]*)|\[([^[\]]*)\])(?::(\d{1,5}))?$/.exec(found) ?? [];
  const address = parseAddress(ipv4 ?? ipv6 ?? '');
  const port = readInteger(portText === undefined ? NAT_TRAVERSAL_PORT : Number(portText), 1, 65_535);
  if (address === undefined || port === undefined) return undefined;
  return address.family === (ipv4 === undefined ? 6 : 4) ? { address, port } : undefined;
}

/** @returns milliseconds; 0 = off */
function natKeepalive(): z.ZodType<number> {
  return value(
    'off or a time from 1s to 1h (20s)',
    (found) =>
      found === 'off'
        ? 0
        : readInteger(
            typeof found === 'string' ? parseDurationMs(found) : undefined,
            MIN_NAT_KEEPALIVE_MS,
            MAX_NAT_KEEPALIVE_MS,
          ),
    ['off'],
  );
}

const udp = mapping({
  listen: z.unknown().transform((found, context): readonly Endpoint[] => {
    const items: readonly unknown[] = Array.isArray(found) ? found : [found];
    const report = reportTo(context);
    const endpoints = items.map((item, index) => {
      const endpoint = readEndpoint(item);
      if (endpoint === undefined) report(Array.isArray(found) ? [index] : [], EXPECTED_LISTEN);
      return endpoint;
    });
    if (items.length === 0) report([], EXPECTED_LISTEN, { found: 'an empty list' });
    const good = endpoints.filter((endpoint) => endpoint !== undefined);
    return good.length === endpoints.length ? good : (undefined as never);
  }),
  mark: integer(0, 0xffff_ffff).prefault(DEFAULT_MARK),
  buffer: value('a size from 64KiB to 1GiB (8MiB)', (found) =>
    readInteger(
      typeof found === 'string' ? parseSizeBytes(found) : found,
      MIN_BUFFER_BYTES,
      MAX_BUFFER_BYTES,
    ),
  ).prefault(DEFAULT_BUFFER_BYTES),
  gso: boolean().prefault(true),
  gro: boolean().prefault(true),
  nat_keepalive: natKeepalive().prefault(DEFAULT_NAT_KEEPALIVE),
});

const EXPECTED_GUARD =
  '{interfaces: [eth0]} with the names of the unprotected interfaces, or none for no guard';
const guardedInterfaces = mapping({
  interfaces: z
    .array(text(EXPECTED_INTERFACE, INTERFACE), { error: () => 'a list of interface names' })
    .min(1, { error: () => EXPECTED_GUARD }),
});

/** Never a default: which side is unprotected nobody but the administrator knows. */
const guard = z.unknown().transform((found, context): Guard => {
  if (found === 'none') return 'none';
  if (typeof found !== 'object' || found === null) {
    reportTo(context)([], EXPECTED_GUARD);
    return undefined as never;
  }
  const result = guardedInterfaces.safeParse(found);
  if (result.success) return result.data;
  for (const issue of result.error.issues) context.addIssue({ ...issue });
  return undefined as never;
});

/** A host's own address: neither unspecified nor multicast. */
function readUnicastAddress(found: unknown): Address | undefined {
  const address = typeof found === 'string' ? parseAddress(found) : undefined;
  const [first = 0] = address?.bytes ?? [];
  if (address === undefined || address.bytes.every((byte) => byte === 0)) return undefined;
  return first >= (address.family === 4 ? 0xe0 : 0xff) ? undefined : address;
}

/** Each once. */
function readAddresses(found: unknown): Address | SeveralAddresses | undefined {
  if (!Array.isArray(found) || found.length > MAX_ADDRESSES) return undefined;
  const addresses = found.map(readUnicastAddress).filter((address) => address !== undefined);
  const [first] = addresses;
  const isWhole = addresses.length === found.length;
  if (!isWhole || new Set(addresses.map(formatAddress)).size < found.length) return undefined;
  return addresses.length === 1 ? first : addresses.length === 0 ? undefined : { addresses };
}

/** RFC 1123 §2.1: letters, digits and hyphens; the last label has a letter, or it would be a mistyped address. */
function readDnsName(found: unknown): DnsName | undefined {
  if (typeof found !== 'string' || found.length > MAX_DNS_NAME_CHARACTERS) return undefined;
  const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
  const isName = new RegExp(`^(${label}\\.)*(?=[a-z0-9-]*[a-z])${label}$`, 'i').test(found);
  return isName ? { dnsName: found.toLowerCase() } : undefined;
}

export const peerSchema: z.ZodType<PeerEntry> = mapping({
  name: name(),
  address: value(
    "the peer's IPv4 or IPv6 address, several addresses, its DNS name, or any",
    (found): PeerAddress | undefined =>
      found === 'any' ? 'any' : (readUnicastAddress(found) ?? readDnsName(found) ?? readAddresses(found)),
    ['any'],
  ),
  port: value(
    'a whole number from 1 to 65535, or any',
    (found): number | 'any' | undefined => (found === 'any' ? 'any' : readInteger(found, 1, 65_535)),
    ['any'],
  ).prefault(NAT_TRAVERSAL_PORT),
  follow_address: boolean().optional(),
  path_mtu: value(
    `learn or a number of bytes from ${String(MIN_PATH_MTU)} to 65535`,
    (found): number | 'learn' | undefined =>
      found === 'learn' ? 'learn' : readInteger(found, MIN_PATH_MTU, 65_535),
    ['learn'],
  ).prefault('learn'),
  nat_keepalive: natKeepalive().optional(),
  ike: ikeSchema.optional(),
});

/** Of all peers; what is of one stands there. */
const ike = mapping({
  key_log: text('an absolute path of a directory', /^\//).optional(),
});

const ports = () =>
  anyOrList(selector.EXPECTED_PORT, selector.readPortRange, [], [selector.OPAQUE_WORD]).prefault('any');

const selectors = mapping({
  local_address: anyOrList(selector.EXPECTED_ADDRESS, selector.readAddressRange).prefault('any'),
  remote_address: anyOrList(selector.EXPECTED_ADDRESS, selector.readAddressRange).prefault('any'),
  protocol: value(selector.EXPECTED_PROTOCOL, selector.readProtocol, [
    'any',
    ...PROTOCOL_NUMBERS.keys(),
  ]).prefault('any'),
  local_port: ports(),
  remote_port: ports(),
  icmp: anyOrList(selector.EXPECTED_ICMP, selector.readIcmpMessage, selector.ICMP_TYPE_NAMES, [
    selector.OPAQUE_WORD,
  ]).prefault('any'),
  mobility_header: anyOrList(
    selector.EXPECTED_MOBILITY,
    selector.readMobilityType,
    selector.MOBILITY_TYPE_NAMES,
    [selector.OPAQUE_WORD],
  ).prefault('any'),
  remote_name: anyOrList(selector.EXPECTED_NAME, selector.readName).prefault('any'),
});

const manualSa = mapping({
  // RFC 4303 §2.1: 0 is for local use, 1 to 255 are reserved.
  spi: integer(256, 0xffff_ffff),
  key: keySource,
});

const POPULATED_SELECTORS: readonly PopulatedSelector[] = [
  'local_address',
  'remote_address',
  'protocol',
  'local_port',
  'remote_port',
  'icmp',
];
const EXPECTED_POPULATED = `a list with one or more of ${POPULATED_SELECTORS.join(', ')}`;

const sa = mapping({
  peer: name(),
  mode: oneOf(['tunnel']).prefault('tunnel'),
  proposal: z
    .unknown()
    .transform((found, context): EspProposal => {
      const proposal = typeof found === 'string' ? parseProposal(found) : undefined;
      if (proposal === undefined) {
        const word = nearestProposal(found);
        reportTo(context)([], expectedProposal(found), { words: word === undefined ? [] : [word] });
      }
      return proposal as EspProposal;
    })
    .optional(),
  proposals: proposalList('ESP').optional(),
  start: oneOf<ChildStart>(['on-traffic', 'immediately', 'never']).optional(),
  on_close: oneOf<OnClose>(['restart', 'trap', 'close']).optional(),
  populate_from_packet: z
    .array(oneOf(POPULATED_SELECTORS), { error: () => EXPECTED_POPULATED })
    .min(1, { error: () => EXPECTED_POPULATED })
    .optional(),
  replay_window: value(
    `0 (off) or a multiple of 32 from ${String(MIN_REPLAY_WINDOW_PACKETS)} to ${String(MAX_REPLAY_WINDOW_PACKETS)}`,
    (found) => {
      const packets = readInteger(found, 0, MAX_REPLAY_WINDOW_PACKETS);
      return packets !== undefined && packets % 32 === 0 ? packets : undefined;
    },
  ).prefault(DEFAULT_REPLAY_WINDOW_PACKETS),
  lifetime: lifetime.optional(),
  dscp: value(tunnel.EXPECTED_DSCP, tunnel.readDscp, tunnel.DSCP_WORDS).prefault('copy'),
  df: oneOf(['copy', 'set', 'clear']).prefault('copy'),
  tfc_padding: value(tunnel.EXPECTED_TFC_PADDING, tunnel.readTfcPadding, ['off', 'mtu']).prefault('off'),
  dummy_packets: value(tunnel.EXPECTED_DUMMY_PACKETS, tunnel.readDummyPackets, ['off']).prefault('off'),
  manual: mapping({ outbound: manualSa, inbound: manualSa }).optional(),
});

export const policySchema: z.ZodType<PolicyEntry> = mapping({
  name: name(),
  priority: integer(0, 0x7fff_ffff),
  selectors,
  action: oneOf<PolicyAction>(['PROTECT', 'BYPASS', 'DISCARD']),
  sa: sa.optional(),
});

/** Checks everything in one go: the checks between values run on whatever was right by itself. */
export const configSchema: z.ZodType<ConfigFile> = mapping({
  gateway,
  tun: tun.prefault({}),
  udp,
  guard,
  ike: ike.prefault({}),
  management: managementSchema.prefault({ vici: {} }),
  peers: z.array(peerSchema, { error: () => 'a list of peers' }).prefault([]),
  policies: z.array(policySchema, { error: () => 'a list of policies' }),
}).superRefine(
  (file, context) => {
    crossCheck(file, reportTo(context));
  },
  { when: () => true },
);
