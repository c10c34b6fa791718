// A child of a connection as a policy: PROTECT, or by its mode BYPASS or DISCARD. What strongSwan can do for a child and Isthmus cannot is refused by name.

import { policySchema } from '../config/config-schema.ts';
import type { PolicyAction } from '../../spd/policy.ts';
import type { PolicyEntry } from '../config/config-file.ts';
import type { ViciSection } from '../vici/message.ts';
import { priorityOf, readChildSelectors } from './child-selectors.ts';
import { bytesOf, proposalsOf, timeOf } from './option-values.ts';
import { NEVER, NO, Options, YES, type Fixed } from './options.ts';
import type { TunnelEnds } from './tunnel-ends.ts';
import type { PlainEntry } from './loaded-connection.ts';
import type { IssueReader } from './schema-issues.ts';

const NO_MARKS = 'it left out: tunnels are chosen by selectors alone, without marks and XFRM interfaces';
const NO_MARK = /^0(x0+)?(\/.*)?$/i;

export const CHILD_FIXED: Fixed = {
  ah_proposals: [NEVER, 'esp_proposals in its place: there is no AH'],
  sha256_96: [NO, 'no: an ICV of 96 bits is not built'],
  updown: [NEVER, 'it left out: no scripts are run; routes and the guard follow from the policies'],
  hostaccess: [/^(yes|no|1|0|true|false)$/, 'yes or no'],
  policies: [YES, 'yes: the policies are what leads packets'],
  policies_fwd_out: [NO, 'no: there are no forward policies'],
  ipcomp: [NO, 'no: there is no IPComp'],
  inactivity: [/^0[smhd]?$/, '0: an SA is not closed because nothing is sent'],
  reqid: [/^0$/, 'it left out: the gateway numbers its policies'],
  interface: [NEVER, 'it left out: policies are for all interfaces'],
  mark_in: [NO_MARK, NO_MARKS],
  mark_in_sa: [NO, NO_MARKS],
  mark_out: [NO_MARK, NO_MARKS],
  set_mark_in: [NO_MARK, NO_MARKS],
  set_mark_out: [NO_MARK, NO_MARKS],
  if_id_in: [/^0$/, NO_MARKS],
  if_id_out: [/^0$/, NO_MARKS],
  label: [NEVER, 'it left out: there are no security labels'],
  label_mode: [/^system$/, 'system: there are no security labels'],
  hw_offload: [/^(no|auto)$/, 'no or auto: ESP is done by this process'],
  copy_ecn: [YES, 'yes: ECN is copied always (RFC 6040)'],
  rand_time: [/^\d+[smhd]?$/, 'a time; how much earlier an SA is replaced is drawn by the gateway'],
  rand_bytes: [/^\d+[kmg]?$/i, 'a number of bytes'],
  rand_packets: [/^\d+$/, 'a number of packets'],
};

const STARTS = {
  none: 'never',
  trap: 'on-traffic',
  start: 'immediately',
  'trap|start': 'immediately',
  'start|trap': 'immediately',
} as const;
const CLOSES = {
  none: 'close',
  clear: 'close',
  trap: 'trap',
  hold: 'trap',
  start: 'restart',
  restart: 'restart',
} as const;

const ACTIONS: Readonly<Record<string, PolicyAction>> = {
  tunnel: 'PROTECT',
  pass: 'BYPASS',
  drop: 'DISCARD',
};

const DEFAULT_REKEY_SECONDS = 3600;

/** As strongSwan has it: what is replaced at a limit ends a tenth later. */
function later(limit: number): number {
  return limit + Math.ceil(limit / 10);
}

/** What is of the connection around a child. */
export interface ChildContext {
  readonly peer: string;
  readonly isOpen: boolean;
  readonly ends: TunnelEnds;
  readonly read: IssueReader;
}

export interface ReadChild {
  readonly policy: PolicyEntry;
  readonly entry: PlainEntry;
}

/** @param context whose peer it is and where; its address is any where `isOpen` */
export function readChild(
  name: string,
  section: ViciSection,
  written: Map<string, string>,
  context: ChildContext,
): ReadChild {
  const options = new Options(section, `children.${name}.`, written);
  options.fixed(CHILD_FIXED);
  const action = readMode(options);
  const isTunnel = action === 'PROTECT';
  const selectors = readChildSelectors(options, isTunnel ? context.ends : undefined);
  const priority = options.count('priority');
  const sa = {
    peer: context.peer,
    proposals: proposalsOf(options, 'esp_proposals', 'ESP'),
    ...readActions(options, isTunnel && context.isOpen),
    lifetime: readLifetime(options),
    replay_window: options.count('replay_window'),
    tfc_padding: readPadding(options),
    df: options.yes('copy_df', true) ? 'copy' : 'clear',
    dscp: options.word('copy_dscp', { out: 'copy', no: 0 }, 'copy'),
  };
  options.end();
  const entry = {
    name,
    priority: priority === undefined || priority === 0 ? priorityOf(selectors, action) : priority,
    selectors,
    action,
    ...(isTunnel && {
      sa: Object.fromEntries(Object.entries(sa).filter(([, value]) => value !== undefined)),
    }),
  };
  // It would wait for somebody to install it, and here it is in force as soon as it is there.
  if (!isTunnel && sa.start === 'never')
    options.refuse('start_action', 'trap: a policy of mode pass or drop is in force when it is loaded');
  return { policy: context.read(policySchema, entry, ['policies', 0], name), entry };
}

/** @param mode undefined: strongSwan's default @returns undefined for one that is not built */
export function actionOf(mode: string | undefined): PolicyAction | undefined {
  return ACTIONS[mode ?? 'tunnel'];
}

function readMode(options: Options): PolicyAction {
  return (
    actionOf(options.text('mode')) ??
    options.refuse('mode', 'tunnel, pass or drop: transport mode is not built')
  );
}

/** One setting here for both, the end that the peer makes and its silence: the one that does more counts. */
function readActions(
  options: Options,
  isOpen: boolean,
): { readonly start: string; readonly on_close: string } {
  const start = options.word<string>('start_action', STARTS, 'never');
  const closes = (['dpd_action', 'close_action'] as const).map((key) => {
    const found = options.word<string>(key, CLOSES, 'close');
    if (isOpen && found === 'restart') options.refuse(key, 'trap or none, because the peer begins');
    return found;
  });
  if (isOpen && start === 'immediately')
    options.refuse('start_action', 'trap or none, because the peer begins: remote_addrs is %any');
  if (start !== 'never') closes.push('trap');
  const strongest = ['restart', 'trap'].find((action) => closes.includes(action));
  return { start, on_close: strongest ?? 'close' };
}

function readLifetime(options: Options): object {
  const rekey = timeOf(options, 'rekey_time') ?? DEFAULT_REKEY_SECONDS;
  const life = timeOf(options, 'life_time') ?? later(rekey);
  if (life === 0) options.refuse('rekey_time', 'a time: SAs that IKE makes do not live for ever');
  const limits = (
    rekeyAt: number,
    lifeAt: number | undefined,
  ): { soft?: number; hard: number } | undefined => {
    if (rekeyAt > 0) return { soft: rekeyAt, hard: lifeAt ?? later(rekeyAt) };
    return lifeAt === undefined || lifeAt === 0 ? undefined : { hard: lifeAt };
  };
  const time = limits(rekey, life);
  const bytes = limits(bytesOf(options, 'rekey_bytes') ?? 0, bytesOf(options, 'life_bytes'));
  const packets = limits(options.count('rekey_packets') ?? 0, options.count('life_packets'));
  return {
    time: time && Object.fromEntries(Object.entries(time).map(([end, at]) => [end, `${String(at)}s`])),
    ...(bytes && { bytes }),
    ...(packets && { packets }),
  };
}

function readPadding(options: Options): string | number | undefined {
  const text = options.text('tfc_padding');
  if (text === undefined || text === '0') return undefined;
  return /^\d+$/.test(text) ? Number(text) : text;
}
