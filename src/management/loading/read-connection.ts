// A connection of swanctl.conf, as `load-conn` brings it, as entries of the configuration: a peer with `ike`, and a
// PROTECT policy for each child. Options that mean what is so anyway are passed over; whatever else Isthmus does not have
// is refused with one line that names it.

import { formatAddress, parseAddress, type Address } from '../../base/address.ts';
import { peerSchema } from '../config/config-schema.ts';
import { InvariantError } from '../../base/errors.ts';
import { textOf, type ViciSection } from '../vici/message.ts';
import { describeOption, type LoadedConnection } from './loaded-connection.ts';
import { proposalsOf, timeOf } from './option-values.ts';
import { NEVER, NO, Options, RefusedOptionError, YES, type Fixed } from './options.ts';
import { isRound, readLocal, readRemote } from './read-authentication.ts';
import { readChild } from './read-child.ts';
import { issueReader } from './schema-issues.ts';
import { tunnelEnds } from './tunnel-ends.ts';

const NO_ADDRESSES = 'it left out: addresses are not handed out (no configuration payloads)';
const NO_MEDIATION = 'it left out: there is no mediation';
export const CONNECTION_FIXED: Fixed = {
  version: [/^[02]$/, '2: there is IKEv2 only'],
  local_port: [/^(500|4500)$/, 'it left out: udp.listen of the configuration file says where the gateway is'],
  vips: [NEVER, NO_ADDRESSES],
  pools: [NEVER, NO_ADDRESSES],
  aggressive: [NO, 'no: it belongs to IKEv1'],
  pull: [YES, 'yes: it belongs to IKEv1'],
  dscp: [/^0+$/, 'it left out: messages of IKE have no DSCP'],
  encap: [/^(yes|no|true|false|1|0)$/i, 'yes or no; ESP travels in UDP always'],
  fragmentation: [YES, 'yes: long messages are sent in fragments where the peer knows them (RFC 7383)'],
  dpd_timeout: [/^\d+[smhd]?$/, 'a time; with IKEv2 retransmissions say when a peer is gone'],
  send_certreq: [YES, 'yes'],
  send_cert: [/^(always|ifasked)$/, 'always or ifasked'],
  ppk_id: [NEVER, 'it left out: there are no PPKs'],
  ppk_required: [NO, 'no: there are no PPKs'],
  keyingtries: [/^(\d+|%forever)$/, 'a number; dpd_action says what follows a failure'],
  reauth_time: [/^0[smhd]?$/, 'rekey_time in its place: there is no reauthentication'],
  if_id_in: [/^0$/, 'it left out: there are no XFRM interfaces'],
  if_id_out: [/^0$/, 'it left out: there are no XFRM interfaces'],
  mediation: [NO, NO_MEDIATION],
  mediated_by: [NEVER, NO_MEDIATION],
  mediation_peer: [NEVER, NO_MEDIATION],
};

/** strongSwan's `no` still obeys INITIAL_CONTACT, which its own peers send. */
const UNIQUE = { no: 'replace', replace: 'replace', keep: 'keep', never: 'never' } as const;
const CHILDLESS = { allow: false, prefer: true } as const;
const IKE_PORT = 500;
const NAT_TRAVERSAL_PORT = 4500;
const DEFAULT_REKEY_SECONDS = 4 * 3600;

/** @throws RefusedOptionError with one line: the option, what was found, what is expected */
export function readConnection(name: string, loaded: ViciSection): LoadedConnection {
  const section = withProofs(loaded);
  const written = new Map<string, string>();
  const local = readLocal(section, written);
  const remote = readRemote(section, written);
  const sections = { local: local.name, remote: remote.name };
  const read = issueReader((path, child) => describeOption({ children: [child], written, sections }, path));
  const rounds = [...section.keys()].filter((key) => isRound(key, 'local') || isRound(key, 'remote'));
  const own = [...section].filter(([key]) => key !== 'children' && !rounds.includes(key));
  const options = new Options(new Map(own), '', written);
  options.fixed(CONNECTION_FIXED);
  const localAddresses = readLocalAddresses(options);
  const address = readRemoteAddress(options);
  const port = options.count('remote_port') ?? IKE_PORT;
  const entry = {
    name,
    address,
    port: port === IKE_PORT ? NAT_TRAVERSAL_PORT : port,
    ike: known({
      local: known({ identity: local.identity ?? ownAddress(local.proof.kind, localAddresses) }),
      remote: known({ identity: remote.identity }),
      proposals: proposalsOf(options, 'proposals', 'IKE'),
      lifetime: readLifetime(options),
      liveness: readLiveness(options),
      unique: options.word('unique', UNIQUE, 'replace'),
      mobike: options.yes('mobike', true),
      childless: options.word('childless', CHILDLESS, false),
    }),
  };
  options.end();
  const { ike, ...peer } = read(peerSchema, entry, ['peer'], name);
  if (ike === undefined) throw new InvariantError('a peer was read without what it is keyed by');
  const children = childrenOf(section);
  written.set('name', name);
  for (const [child] of children) written.set(`children.${child}`, child);
  const context = { peer: name, isOpen: address === 'any', ends: tunnelEnds(section), read };
  const policies = children.map(([child, of]) => readChild(child, of, written, context));
  return {
    ...{ name, localAddresses, written, sections },
    peer: { ...peer, ike },
    local: local.proof,
    remote: remote.proof,
    policies: policies.map(({ policy }) => policy),
    entries: { peer: entry, policies: policies.map((one) => one.entry) },
    children: children.map(([child]) => child),
  };
}

/** Where nothing is protected, nobody has to say what it is proved with. */
function withProofs(section: ViciSection): ViciSection {
  const modes = childrenOf(section).map(([, child]) => textOf(child, 'mode'));
  if (modes.length === 0 || modes.some((mode) => mode !== 'pass' && mode !== 'drop')) return section;
  const missing = (['local', 'remote'] as const).filter(
    (side) => ![...section.keys()].some((key) => isRound(key, side)),
  );
  return new Map([...section, ...missing.map((side) => [side, NO_PROOF] as const)]);
}

const NO_PROOF: ViciSection = new Map([['auth', 'psk']]);

function known(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function readLocalAddresses(options: Options): readonly Address[] {
  const texts = options.list('local_addrs');
  if (texts.some((text) => /^%any[46]?$/.test(text))) return [];
  return texts.map(
    (text) => parseAddress(text) ?? options.refuse('local_addrs', '%any, or addresses of this gateway'),
  );
}

function readRemoteAddress(options: Options): string | readonly string[] {
  const texts = options.list('remote_addrs');
  const [first = '%any', ...others] = texts;
  if (others.length > 0) {
    if (texts.some((text) => parseAddress(text) === undefined))
      options.refuse('remote_addrs', 'several addresses in numbers, or one DNS name, or %any');
    return texts;
  }
  return /^%any[46]?$/.test(first) ? 'any' : first;
}

/** Who has a certificate is its subject, where nothing else is said. */
function ownAddress(proof: string, [address]: readonly Address[]): string | undefined {
  return proof === 'certificate' || address === undefined ? undefined : formatAddress(address);
}

function readLifetime(options: Options): object {
  const rekey = timeOf(options, 'rekey_time') ?? DEFAULT_REKEY_SECONDS;
  if (rekey === 0) options.refuse('rekey_time', 'a time: an IKE SA does not live for ever');
  const over = timeOf(options, 'over_time') ?? Math.ceil(rekey / 10);
  const jitter = timeOf(options, 'rand_time') ?? over;
  return { soft: `${rekey}s`, hard: `${rekey + over}s`, jitter: `${Math.min(jitter, rekey)}s` };
}

function readLiveness(options: Options): string {
  const seconds = timeOf(options, 'dpd_delay') ?? 0;
  return seconds === 0 ? 'off' : `${seconds}s`;
}

function childrenOf(section: ViciSection): readonly (readonly [string, ViciSection])[] {
  const children = section.get('children') ?? new Map<string, ViciSection>();
  if (!(children instanceof Map)) throw new RefusedOptionError('children', 'a value', 'sections');
  return [...(children as ViciSection)].map(([name, child]) => {
    if (!(child instanceof Map)) throw new RefusedOptionError(`children.${name}`, 'a value', 'a section');
    return [name, child as ViciSection];
  });
}
