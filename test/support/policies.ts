// Short forms of policies for tests.

import { parseAddress, prefixRange, type AddressRange } from '../../src/base/address.ts';
import type { Policy, SaSpecification, Selectors } from '../../src/spd/policy.ts';

/** `10.0.0.0/8` as a range. */
export function prefix(text: string): AddressRange {
  const [address = '', bits] = text.split('/');
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new Error(`not a prefix: ${text}`);
  return prefixRange(parsed, bits === undefined ? 8 * parsed.bytes.length : Number(bits));
}

export const ANY: Selectors = {
  localAddress: undefined,
  remoteAddress: undefined,
  protocol: undefined,
  localPort: undefined,
  remotePort: undefined,
  icmp: undefined,
};

export const SA_SPECIFICATION: SaSpecification = {
  peer: 'far',
  mode: 'tunnel',
  transform: 'aes256gcm16',
  esn: false,
  replayWindowPackets: 64,
};

export function policy(
  name: string,
  fields: Partial<Policy> & { readonly selectors?: Selectors } = {},
): Policy {
  const action = fields.action ?? 'PROTECT';
  return {
    name,
    priority: fields.priority ?? 100,
    selectors: fields.selectors ?? ANY,
    action,
    sa: action === 'PROTECT' ? (fields.sa ?? SA_SPECIFICATION) : undefined,
  };
}
