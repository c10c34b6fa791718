// `local_ts` and `remote_ts` of a child as the selectors of a policy: `10.1.0.0/24`, `10.1.0.0/24[tcp/443]`,
// `10.1.0.1-10.1.0.9[/1024-65535]`, `dynamic[tcp/443]`. A policy has one protocol, and for each side one choice of ports.

import { compareAddresses, prefixRange, type AddressRange } from '../../base/address.ts';
import { readAddressRange, readProtocol } from '../config/selector-values.ts';
import type { PolicyAction } from '../../spd/policy.ts';
import type { Options } from './options.ts';
import type { TunnelEnds } from './tunnel-ends.ts';

export interface ChildSelectors {
  readonly local_address: readonly string[];
  readonly remote_address: readonly string[];
  readonly protocol: string | number;
  readonly local_port: string;
  readonly remote_port: string;
}

const SHAPE =
  'networks (10.1.0.0/24), with protocol and port where wanted (10.1.0.0/24[tcp/443]), in numbers';

const DYNAMIC = /^%?dynamic(?=\[|$)/;

interface Side {
  readonly addresses: readonly string[];
  /** 0: any. */
  readonly protocol: number;
  /** Empty: any. */
  readonly port: string;
}

/** @param ends what `dynamic` stands for; undefined: the child has no tunnel */
export function readChildSelectors(options: Options, ends: TunnelEnds | undefined): ChildSelectors {
  const local = readSide(options, 'local_ts', ends);
  const remote = readSide(options, 'remote_ts', ends);
  const known = [local.protocol, remote.protocol].filter((protocol) => protocol !== 0);
  if (new Set(known).size > 1) options.refuse('remote_ts', 'the protocol of local_ts');
  const [protocol = 'any'] = known;
  return {
    local_address: local.addresses,
    remote_address: remote.addresses,
    protocol,
    local_port: local.port || 'any',
    remote_port: remote.port || 'any',
  };
}

function readSide(options: Options, key: 'local_ts' | 'remote_ts', ends: TunnelEnds | undefined): Side {
  const written = options.list(key);
  const refuse = (expected: string): never => options.refuse(key, expected);
  const side = key === 'local_ts' ? 'local' : 'remote';
  // strongSwan's default, too.
  const texts = (written.length === 0 ? ['dynamic'] : written).map((text) => {
    if (!DYNAMIC.test(text)) return text;
    if (ends === undefined)
      return refuse(
        'the networks on this side (10.1.0.0/24): dynamic is the end of a tunnel, and here is none',
      );
    return text.replace(
      DYNAMIC,
      ends[side] ??
        refuse(
          `the networks on this side (10.1.0.0/24), or one address in ${side}_addrs: dynamic stands for it`,
        ),
    );
  });
  const parts = texts.map((text) => {
    const [, address = '', protocol = '', port = ''] =
      /^([^[\]]+)(?:\[([a-z0-9-]*)(?:\/([0-9-]*))?\])?$/.exec(text) ?? refuse(SHAPE);
    if (readAddressRange(address) === undefined) refuse(SHAPE);
    const number = /^\d*$/.test(protocol) ? Number(protocol) : readProtocol(protocol);
    return { address, protocol: typeof number === 'number' ? number : refuse(SHAPE), port };
  });
  const [first = { protocol: 0, port: '' }] = parts;
  if (parts.some(({ protocol, port }) => protocol !== first.protocol || port !== first.port))
    refuse('one protocol and port for all of them, or a child of its own for each');
  return {
    addresses: parts.map(({ address }) => address),
    protocol: first.protocol,
    port: first.port,
  };
}

/** Behind what an administrator writes by hand. strongSwan meets what passes before tunnels, and what it drops after them. */
const FIRST_PRIORITY = { BYPASS: 1_000_000, PROTECT: 1_500_000, DISCARD: 2_000_000 } as const;
const WIDEST = 1000;
/** Both families on one scale. */
const IPV6_BITS = 128;

/** What is narrower is met first of those that do the same, as strongSwan has it, whatever was loaded first. */
export function priorityOf(selectors: ChildSelectors, action: PolicyAction): number {
  const bits = fixedBits(selectors.local_address) + fixedBits(selectors.remote_address);
  const more = [selectors.protocol, selectors.local_port, selectors.remote_port].filter(
    (value) => value !== 'any',
  ).length;
  return FIRST_PRIORITY[action] + WIDEST - 3 * bits - more;
}

/** Of the widest range: how many bits at the beginning all of its addresses have in common. */
function fixedBits(addresses: readonly string[]): number {
  return Math.min(
    ...addresses.map((text) => {
      const range = readAddressRange(text);
      return range === undefined ? 0 : sharedBits(range) * (range.first.family === 4 ? 4 : 1);
    }),
    IPV6_BITS,
  );
}

function sharedBits({ first, last }: AddressRange): number {
  const most = first.bytes.length * 8;
  for (let bits = most; bits > 0; bits--)
    if (compareAddresses(prefixRange(first, bits).last, last) >= 0) return bits;
  return 0;
}
