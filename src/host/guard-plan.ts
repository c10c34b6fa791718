// The guard: the chains of nftables that repeat SPD-I (RFC 4301 §5.2) on the unprotected interfaces, in its order,
// for packets that arrive in clear. Computed and not yet done; one table for each gateway.
//
//   prerouting ─► own IKE and ESP, neighbour discovery, DHCP ─► pass
//              ─► by what the packet shows: whole, ports hidden, protocol hidden
//                   ─► each policy in order: BYPASS passes, PROTECT and DISCARD are counted and dropped
//                   ─► no policy: counted and dropped (RFC 4301 §4.4.1)
//
// It stands behind the host's own address translation, so that it sees the addresses that a policy names.
//
// Beside it, two chains keep the way of a BYPASS packet through the host straight: it passes the host's netfilter twice,
// into the TUN and out of the second one, and only the second time may connections be tracked and translated.

import { formatAddress, type Address, type AddressFamily } from '../base/address.ts';
import type { Policy } from '../spd/policy.ts';
import { matchesOf, needsMore, type Shown } from './guard-selectors.ts';

export interface GuardPlanInput {
  readonly tunName: string;
  /** The device that packets of BYPASS policies leave the TUN by. */
  readonly clearTunName: string;
  /** Firewall mark of the gateway's own datagrams; 0 = none. */
  readonly mark: number;
  /** undefined: `guard: none`; then own datagrams are marked and loops ended, and nothing else is done. */
  readonly interfaces: readonly string[] | undefined;
  readonly listen: readonly { readonly address: Address; readonly port: number }[];
  readonly policies: readonly Policy[];
}

export interface GuardPlan {
  readonly table: string;
  /** Commands for `nft -f`: they replace the table as a whole, in one transaction. */
  readonly ruleset: string;
}

const IKE_PORT = 500;
const NAT_TRAVERSAL_PORT = 4500;
/** After destination NAT (-100), before the host's own filters (0). */
const PRIORITY = -90;
/** After fragments are put together (-400), before connections are tracked (-200). */
const BEFORE_TRACKING = -300;
const LATER_IPV4_FRAGMENT = 'ip frag-off & 0x1fff != 0';
const LATER_IPV6_FRAGMENT = 'frag frag-off != 0';
const CHAINS: readonly Shown[] = ['whole', 'ports-hidden', 'protocol-hidden'];

/** ICMP, TCP, UDP, DCCP, ICMPv6, SCTP, Mobility Header and UDP-Lite show ports or types behind their number. */
const SHOWING_MORE = '{ 1, 6, 17, 33, 58, 132, 135, 136 }';
/** These comparisons hold for every packet that is long enough for its ports, or its type, to be read. */
const READABLE: readonly string[] = [
  'meta l4proto { 1, 58 } @th,0,16 & 0 == 0',
  'meta l4proto { 6, 17, 33, 132, 136 } @th,16,16 & 0 == 0',
  'mh type 0-255',
];

/** The table of the gateway that has this TUN. */
export function guardTable(tunName: string): string {
  return `inet isthmus_${tunName}`;
}

/**
 * The table that stands beside the gateway's while its policies change, and judges by those from before: what arrives
 * must please both.
 */
export function formerGuardTable(tunName: string): string {
  return `inet isthmus-former_${tunName}`;
}

export function planGuard(input: GuardPlanInput): GuardPlan {
  const table = guardTable(input.tunName);
  const blocks = [
    ...judgingBlocks(input),
    ...leavingChains(input, inOrder(input.policies)),
    chain('forwarded', [
      'type filter hook forward priority 0; policy accept;',
      // The worker gives such a packet the hop back that the kernel took; in a circle it would live for ever.
      `iifname "${input.clearTunName}" oifname "${input.tunName}" counter name "loop" drop`,
    ]),
    ...(input.mark === 0
      ? []
      : [
          chain('sent', [
            'type filter hook output priority 0; policy accept;',
            `oifname "${input.tunName}" meta mark ${hex(input.mark)} counter name "loop" drop`,
          ]),
        ]),
  ];
  return { table, ruleset: `${dropFormerGuard(input.tunName)}${replaceTable(table, blocks)}` };
}

/** For the time of a change: as strict as the guard of either. */
export function planGuardOfBoth(former: GuardPlanInput, next: GuardPlanInput): GuardPlan {
  const { table, ruleset } = planGuard(next);
  if (former.interfaces === undefined) return { table, ruleset };
  return { table, ruleset: ruleset + replaceTable(formerGuardTable(next.tunName), judgingBlocks(former)) };
}

/** A command for `nft -f`, whether the table is there or not. */
export function dropFormerGuard(tunName: string): string {
  return dropTable(formerGuardTable(tunName));
}

/** `add` before `delete`: deleting what is not there would fail. */
function dropTable(table: string): string {
  return `add table ${table}\ndelete table ${table}\n`;
}

function replaceTable(table: string, blocks: readonly string[]): string {
  return `${dropTable(table)}table ${table} {\n${blocks.join('\n')}\n}\n`;
}

function inOrder(policies: readonly Policy[]): readonly Policy[] {
  return policies.toSorted((a, b) => a.priority - b.priority);
}

/** Everything that decides about what arrives in clear. */
function judgingBlocks(input: GuardPlanInput): readonly string[] {
  const policies = input.interfaces === undefined ? [] : inOrder(input.policies);
  return [
    ...counters(policies),
    chain('passed', passedRules(input.mark)),
    ...(input.interfaces === undefined
      ? []
      : [
          ...CHAINS.map((shown) => chain(shown, policyRules(policies, shown))),
          chain('first', firstFragmentRules()),
        ]),
    chain('arriving', [
      `type filter hook prerouting priority ${String(PRIORITY)}; policy accept;`,
      ...arrivingRules(input),
    ]),
  ];
}

/** Named, so that they can be read; the comment of a policy's counter is its name. */
function counters(policies: readonly Policy[]): readonly string[] {
  return [
    ...['nothing', 'fragment', 'loop'].map((name) => `  counter ${name} { }`),
    ...policies.map((policy, index) => `  counter ${counterOf(policy, index)} { comment "${policy.name}"; }`),
  ];
}

/** SPD-O once more, for what is on its way into the TUN. An error here costs a translation, never a protection. */
function leavingChains(
  { tunName, clearTunName, interfaces = [], mark }: GuardPlanInput,
  ordered: readonly Policy[],
): readonly string[] {
  if (!ordered.some(({ action }) => action === 'BYPASS')) return [];
  const others = [tunName, clearTunName, ...interfaces].map((name) => `"${name}"`).join(', ');
  const unmarked = mark === 0 ? '' : `meta mark != ${hex(mark)} `;
  return [
    chain('leaving', [
      ...ordered.flatMap(({ action, selectors }) =>
        matchesOf(selectors, 'whole', 'leaving').map((match) =>
          `${match} ${action === 'BYPASS' ? 'notrack' : 'return'}`.trim(),
        ),
      ),
    ]),
    chain('untracked', [
      `type filter hook prerouting priority ${String(BEFORE_TRACKING)}; policy accept;`,
      `iifname != { ${others} } ${unmarked}fib daddr oifname "${tunName}" goto leaving`,
    ]),
    chain('untracked-own', [
      `type filter hook output priority ${String(BEFORE_TRACKING)}; policy accept;`,
      `oifname "${tunName}" goto leaving`,
    ]),
  ];
}

/** `protect-0`: action and place in the order. */
function counterOf(policy: Policy, index: number): string {
  return `${policy.action.toLowerCase()}-${String(index)}`;
}

function chain(name: string, rules: readonly string[]): string {
  return [`  chain ${name} {`, ...rules.map((rule) => `    ${rule}`), '  }'].join('\n');
}

/** A mark of somebody else stays. With ours, the way back to the sender is looked up as it will be used. */
function passedRules(mark: number): readonly string[] {
  return mark === 0 ? ['accept'] : [`meta mark 0 meta mark set ${hex(mark)}`, 'accept'];
}

function policyRules(policies: readonly Policy[], shown: Shown): readonly string[] {
  const rules = policies.flatMap((policy, index) => {
    const verdict = needsMore(policy.selectors, shown)
      ? // RFC 4301 §7.4: a later entry must not carry what this one might have refused.
        'counter name "fragment" drop'
      : `counter name "${counterOf(policy, index)}" ${policy.action === 'BYPASS' ? 'goto passed' : 'drop'}`;
    return matchesOf(policy.selectors, shown).map((match) => `${match} ${verdict}`.trim());
  });
  return [...rules, 'counter name "nothing" drop'];
}

function arrivingRules({ interfaces, listen, tunName, clearTunName }: GuardPlanInput): readonly string[] {
  const own = listen.flatMap(({ address, port }) => ownRules(address, port));
  // Every ESP packet passes here, and a comparison costs less than a lookup in a set.
  if (interfaces === undefined)
    return [...[tunName, clearTunName].map((name) => `iifname "${name}" accept`), ...own];
  return [
    `iifname != ${oneOf(interfaces.map((name) => `"${name}"`))} accept`,
    ...own,
    // RFC 4861 §7.1: what has hop limit 255 comes from the link; without it the link itself is dead.
    'icmpv6 type { 133, 134, 135, 136 } ip6 hoplimit 255 accept',
    'udp sport 67 udp dport 68 accept',
    'ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept',
    ...fragmentRules(),
    // Deviation: RFC 4301 §4.4.1.1: nftables skips AH in IPv6; where it stands first, only addresses decide.
    'ip6 nexthdr 51 goto protocol-hidden',
    `meta l4proto != ${SHOWING_MORE} goto whole`,
    ...READABLE.map((readable) => `${readable} goto whole`),
    'meta l4proto 0-255 goto ports-hidden',
    'goto protocol-hidden',
  ];
}

/** RFC 4301 §7. What hides ports or flags, or could be written over them, no sender makes (RFC 1858, RFC 3128). */
function fragmentRules(): readonly string[] {
  const drop = 'counter name "fragment" drop';
  return [
    `ip frag-off & 0x1fff == 1 meta l4proto 6 ${drop}`,
    `frag frag-off 1 meta l4proto 6 ${drop}`,
    `${LATER_IPV4_FRAGMENT} goto ports-hidden`,
    // An IPv6 later fragment may begin with an extension header; then there is no protocol to compare.
    `${LATER_IPV6_FRAGMENT} meta l4proto 0-255 goto ports-hidden`,
    `${LATER_IPV6_FRAGMENT} goto protocol-hidden`,
    'ip frag-off & 0x3fff == 0x2000 goto first',
    'frag more-fragments 1 goto first',
  ];
}

function firstFragmentRules(): readonly string[] {
  return [
    // Sixteen bytes of TCP hold the flags.
    'meta l4proto 6 @th,120,8 & 0 == 0 goto whole',
    'meta l4proto 6 counter name "fragment" drop',
    `meta l4proto != ${SHOWING_MORE} goto whole`,
    ...READABLE.map((readable) => `${readable} goto whole`),
    'counter name "fragment" drop',
  ];
}

/** IKE and ESP in UDP to the gateway, and the ICMP errors that tell of its own datagrams (RFC 4301 §8.2). */
function ownRules(address: Address, port: number): readonly string[] {
  const ports = [...new Set([port, NAT_TRAVERSAL_PORT, IKE_PORT])].map(String);
  const text = formatAddress(address);
  const ip = address.family === 4 ? 'ip' : 'ip6';
  const isAny = address.bytes.every((byte) => byte === 0);
  const here = isAny
    ? `meta nfproto ipv${String(address.family)} fib daddr type local`
    : `${ip} daddr ${text}`;
  const later = address.family === 4 ? LATER_IPV4_FRAGMENT : LATER_IPV6_FRAGMENT;
  return [
    ...ports.map((one) => `udp dport ${one} ${here} goto passed`),
    // Without its first fragment, which only these ports get past the guard, a later one is worth nothing.
    `${here} meta l4proto 17 ${later} goto passed`,
    `${here} ${icmpError(address.family, oneOf(ports), isAny ? undefined : address)} goto passed`,
  ];
}

/** Looks into the packet that the error carries, behind 8 bytes of ICMP: its protocol, source and source port. */
function icmpError(family: AddressFamily, ports: string, source: Address | undefined): string {
  const bytes = source === undefined ? '' : Buffer.from(source.bytes).toString('hex');
  if (family === 4) {
    const from = bytes === '' ? '' : ` @th,160,32 0x${bytes}`;
    return `icmp type { 3, 11, 12 } @th,64,8 0x45 @th,136,8 17${from} @th,224,16 ${ports}`;
  }
  const from = bytes === '' ? '' : ` @th,128,128 0x${bytes}`;
  return `icmpv6 type { 1, 2, 3, 4 } @th,112,8 17${from} @th,384,16 ${ports}`;
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : `{ ${values.join(', ')} }`;
}

function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}
