// What the options of ipsec.conf(5) are called in swanctl.conf(5), and which of them have no counterpart there. Options of
// one side are written without `left` and `right`.

import type { NoticeKind } from './notice.ts';

/** Where an option goes: of the connection, of its child, or of the section `local` or `remote`. */
export type Target =
  | readonly ['connection' | 'child' | 'round', option: string]
  | readonly ['connection' | 'child' | 'round', option: string, words: Readonly<Record<string, string>>];

const YES_NO = { yes: 'yes', no: 'no' };

/** One option there for one here; words that are not named go as they are. */
export const RENAMED: Readonly<Record<string, Target>> = {
  keyexchange: ['connection', 'version', { ikev2: '2', ike: '2', ikev1: '1' }],
  mobike: ['connection', 'mobike'],
  forceencaps: ['connection', 'encap'],
  fragmentation: ['connection', 'fragmentation', { force: 'force' }],
  ikedscp: ['connection', 'dscp'],
  aggressive: ['connection', 'aggressive'],
  modeconfig: ['connection', 'pull', { pull: 'yes', push: 'no' }],
  keyingtries: ['connection', 'keyingtries', { '%forever': '0' }],
  dpdtimeout: ['connection', 'dpd_timeout'],
  mediation: ['connection', 'mediation'],
  mediated_by: ['connection', 'mediated_by'],
  me_peerid: ['connection', 'mediation_peer'],
  closeaction: ['child', 'close_action', { clear: 'none', hold: 'trap', restart: 'start' }],
  type: ['child', 'mode', { tunnel: 'tunnel', passthrough: 'pass', drop: 'drop' }],
  auto: ['child', 'start_action', { add: 'none', route: 'trap', start: 'start' }],
  reqid: ['child', 'reqid'],
  mark_in: ['child', 'mark_in'],
  mark_out: ['child', 'mark_out'],
  tfc: ['child', 'tfc_padding', { '%mtu': 'mtu' }],
  replay_window: ['child', 'replay_window'],
  inactivity: ['child', 'inactivity'],
  compress: ['child', 'ipcomp'],
  sha256_96: ['child', 'sha256_96'],
  installpolicy: ['child', 'policies'],
  ah: ['child', 'ah_proposals'],
  aaa_identity: ['round', 'aaa_id'],
  hw_offload: ['child', 'hw_offload', YES_NO],
};

/** The same for the options of one side: what `left…` becomes, and what `right…` becomes. */
export const RENAMED_OF_SIDE: Readonly<
  Record<string, { readonly local?: Target; readonly remote?: Target }>
> = {
  ikeport: { local: ['connection', 'local_port'], remote: ['connection', 'remote_port'] },
  id: { local: ['round', 'id'], remote: ['round', 'id'] },
  cert: { local: ['round', 'certs'], remote: ['round', 'certs'] },
  sigkey: { local: ['round', 'pubkeys'], remote: ['round', 'pubkeys'] },
  rsasigkey: { local: ['round', 'pubkeys'], remote: ['round', 'pubkeys'] },
  sourceip: { local: ['connection', 'vips'], remote: ['connection', 'pools'] },
  sendcert: {
    local: ['connection', 'send_cert', { yes: 'always', always: 'always', no: 'never', never: 'never' }],
  },
  updown: { local: ['child', 'updown'] },
  hostaccess: { local: ['child', 'hostaccess'] },
  groups: { remote: ['round', 'groups'] },
  certpolicy: { remote: ['round', 'cert_policy'] },
};

interface Told {
  readonly kind: NoticeKind;
  readonly advice: string;
}

const OF_IKEV1: Told = { kind: 'harmless', advice: 'it belongs to IKEv1' };
const SECOND: Told = { kind: 'closed', advice: 'a second round of authentication is not built (RFC 4739)' };
const NO_EAP: Told = { kind: 'left-out', advice: 'there is no EAP and no XAuth' };

/** What has no counterpart; `closed` takes the connection with it. */
export const TOLD: Readonly<Record<string, Told>> = {
  reauth: {
    kind: 'differs',
    advice: 'IKE SAs are rekeyed and not authenticated anew; write reauth=no on the other side as well',
  },
  rekey: { kind: 'differs', advice: 'SAs are replaced before they end' },
  eap_identity: NO_EAP,
  xauth: OF_IKEV1,
  xauth_identity: NO_EAP,
  pfs: OF_IKEV1,
  pfsgroup: OF_IKEV1,
  auth: { kind: 'closed', advice: 'AH is not built' },
  eap: NO_EAP,
};

/** The same for the options of either side. */
export const TOLD_OF_SIDE: Readonly<Record<string, Told>> = {
  auth2: SECOND,
  id2: SECOND,
  cert2: SECOND,
  ca2: SECOND,
  groups2: SECOND,
  firewall: {
    kind: 'left-out',
    advice:
      'no rules are made in the firewall of the host; where its FORWARD policy is drop, let tunnel packets through: isthmus doctor says how',
  },
  dns: { kind: 'left-out', advice: 'no name servers are handed out (no configuration payloads)' },
  allowany: {
    kind: 'left-out',
    advice: 'a peer that may come from anywhere has remote_addrs %any (right=%any)',
  },
  nexthop: { kind: 'harmless', advice: 'the routes of the host say it' },
  subnetwithin: { kind: 'closed', advice: 'it belongs to IKEv1: name the networks with subnet' },
};

/** Of `config setup`. */
export const SETUP: Readonly<Record<string, Told>> = {
  charondebug: { kind: 'harmless', advice: 'gateway.log_level says what is logged' },
  cachecrls: { kind: 'harmless', advice: 'revocation lists are files, and none is fetched' },
  charonstart: { kind: 'harmless', advice: 'isthmus run starts the gateway' },
  plutostart: { kind: 'harmless', advice: 'isthmus run starts the gateway' },
  nat_traversal: { kind: 'harmless', advice: 'ESP travels in UDP always' },
};

/** Of `ca NAME`. */
export const AUTHORITY: Readonly<Record<string, Told>> = {
  crluri: { kind: 'left-out', advice: 'the list itself belongs into ipsec.d/crls: nothing is fetched' },
  crluri1: { kind: 'left-out', advice: 'the list itself belongs into ipsec.d/crls: nothing is fetched' },
  crluri2: { kind: 'left-out', advice: 'the list itself belongs into ipsec.d/crls: nothing is fetched' },
  ocspuri: { kind: 'left-out', advice: 'there is no OCSP' },
  ocspuri1: { kind: 'left-out', advice: 'there is no OCSP' },
  ocspuri2: { kind: 'left-out', advice: 'there is no OCSP' },
  certuribase: { kind: 'left-out', advice: 'there is no hash-and-URL' },
};
