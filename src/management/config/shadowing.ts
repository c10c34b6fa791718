// Policies that no packet can meet, because one policy before them takes all of their traffic. A warning
// only; policies that several earlier ones cover between them are not found.

import type { Address, AddressRange } from '../../base/address.ts';
import { coveredRanges } from '../../spd/multicast.ts';
import { isOpaque, type NumberRange, type Selectors } from '../../spd/policy.ts';
import type { PolicyConfig } from './gateway-config.ts';

export interface ShadowedPolicy {
  /** In the order of the configuration. */
  readonly index: number;
  readonly policy: PolicyConfig;
  /** What is met before it. */
  readonly wider: PolicyConfig;
}

/** @returns `LINE: policies[INDEX]: …` for each policy that never matches, in the order of the file */
export function describeShadowedPolicies(policies: readonly PolicyConfig[]): readonly string[] {
  return findShadowedPolicies(policies).map(
    ({ index, policy, wider }) =>
      `${String(policy.line)}: policies[${String(index)}]: "${policy.name}" never matches: ` +
      `"${wider.name}" on line ${String(wider.line)} is met before it and takes all of its traffic`,
  );
}

/** @param isAsked of which policies it is to be found out: it takes time with their number and that of all */
export function findShadowedPolicies(
  policies: readonly PolicyConfig[],
  isAsked: (policy: PolicyConfig) => boolean = () => true,
): readonly ShadowedPolicy[] {
  // RFC 4301 §4.4.1: the SPD is ordered; the sort is stable, so equal priorities keep the order of the file.
  const ordered = policies.toSorted((a, b) => a.priority - b.priority);
  const selectorsOf = new Map(ordered.map((policy) => [policy, normalize(policy.selectors)]));
  return policies.flatMap((policy, index) => {
    if (!isAsked(policy)) return [];
    const own = selectorsOf.get(policy);
    const before = ordered.slice(0, ordered.indexOf(policy));
    const wider = before.find(
      (earlier) =>
        own !== undefined &&
        // RFC 4301 §4.4.1.1: of policies with names each is for its own peers.
        !(isNamed(earlier) && isNamed(policy)) &&
        covers(selectorsOf.get(earlier), own),
    );
    return wider === undefined ? [] : [{ index, policy, wider }];
  });
}

function isNamed({ sa }: PolicyConfig): boolean {
  return sa?.isNamed === true;
}

interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/** Each field as sorted intervals that do not touch; undefined is any. */
interface NormalSelectors {
  readonly localAddress: readonly Interval[];
  readonly remoteAddress: readonly Interval[];
  readonly protocol: number | undefined;
  readonly localPort: readonly Interval[] | undefined;
  readonly remotePort: readonly Interval[] | undefined;
  readonly icmp: readonly Interval[] | undefined;
}

function normalize(selectors: Selectors): NormalSelectors {
  return {
    localAddress: addressIntervals(selectors.localAddress),
    remoteAddress: addressIntervals(selectors.remoteAddress),
    protocol: selectors.protocol,
    localPort: numberIntervals(selectors.localPort),
    remotePort: numberIntervals(selectors.remotePort),
    icmp: numberIntervals(selectors.icmp),
  };
}

function covers(wide: NormalSelectors | undefined, narrow: NormalSelectors): boolean {
  return (
    wide !== undefined &&
    (wide.protocol === undefined || wide.protocol === narrow.protocol) &&
    contains(wide.localAddress, narrow.localAddress) &&
    contains(wide.remoteAddress, narrow.remoteAddress) &&
    contains(wide.localPort, narrow.localPort) &&
    contains(wide.remotePort, narrow.remotePort) &&
    contains(wide.icmp, narrow.icmp)
  );
}

/** Any port is wider than all ports: a later fragment has none (RFC 4301 §4.4.1.1, OPAQUE). */
function contains(wide: readonly Interval[] | undefined, narrow: readonly Interval[] | undefined): boolean {
  if (wide === undefined) return true;
  if (narrow === undefined) return false;
  return narrow.every(({ first, last }) =>
    wide.some((interval) => interval.first <= first && last <= interval.last),
  );
}

// IPv6 addresses are counted from here, so that the two families never meet in one interval.
const IPV6_START = 1n << 128n;

/** A wide range does not cover multicast, so a policy for a group behind it can be met. */
function addressIntervals(ranges: readonly AddressRange[] | undefined): readonly Interval[] {
  return merge(
    coveredRanges(ranges).map(({ first, last }) => ({ first: ordinal(first), last: ordinal(last) })),
  );
}

function ordinal(address: Address): bigint {
  const start = address.family === 4 ? 0n : IPV6_START;
  return start + BigInt(`0x${Buffer.from(address.bytes).toString('hex')}`);
}

/** Behind every number, and not next to the last: OPAQUE is met by nothing that a range of numbers takes. */
const NOT_SHOWN: Interval = { first: 0x1_0001n, last: 0x1_0001n };

function numberIntervals(ranges: readonly NumberRange[] | undefined): readonly Interval[] | undefined {
  return (
    ranges &&
    merge(
      ranges.map((range) =>
        isOpaque(range) ? NOT_SHOWN : { first: BigInt(range.first), last: BigInt(range.last) },
      ),
    )
  );
}

function merge(intervals: readonly Interval[]): readonly Interval[] {
  const merged: Interval[] = [];
  for (const interval of intervals.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const previous = merged.at(-1);
    if (previous === undefined || interval.first > previous.last + 1n) merged.push(interval);
    else if (interval.last > previous.last)
      merged[merged.length - 1] = { first: previous.first, last: interval.last };
  }
  return merged;
}
