// What two gateways would read from their configurations: any number of peers with names, one secret and one tunnel
// each. RFC 4301 §4.4.3.

import { parseAddress, type Address } from '../../../src/base/address.ts';
import { InvariantError } from '../../../src/base/errors.ts';
import type { Connection } from '../../../src/ike/connection.ts';
import { parseIdentity, parseIdentityPattern } from '../../../src/pad/identity.ts';
import { EncryptionId, GroupId, PrfId } from '../../../src/wire/ike/iana.ts';
import type { LifetimeLimit } from '../../../src/spd/sa-lifetime.ts';
import type { TrafficSelector } from '../../../src/wire/ike/payload.ts';

export const SECRET = 'a secret of the benchmark';
export const HUB_IDENTITY = 'hub.load.example';
export const GROUPS: Readonly<Record<string, number>> = {
  ecp256: GroupId.ECP_256,
  x25519: GroupId.CURVE25519,
};
const DAY_MS = 86_400_000;

export interface Lifetimes {
  readonly ikeMs: number;
  readonly ikeJitterMs: number;
  readonly ikeExpireMs: number;
  readonly childMs: LifetimeLimit;
}

export interface ManyConnections {
  readonly side: 'hub' | 'peer';
  readonly count: number;
  /** A name of {@link GROUPS}. */
  readonly group: string;
  /** By index. */
  readonly remoteAddress: (index: number) => Address;
  readonly local: TrafficSelector;
  readonly remote: TrafficSelector;
  /** undefined: longer than anything that is measured. */
  readonly lifetimes?: Lifetimes | undefined;
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new InvariantError(`${text} is no address`);
  return parsed;
}

export function addresses(first: string, last: string): TrafficSelector {
  return { protocol: 0, startPort: 0, endPort: 65_535, first: address(first), last: address(last) };
}

function peerIdentity(index: number): string {
  return `c${index}.load.example`;
}

export function policyName(index: number): string {
  return `to-${index}`;
}

export function makeConnections(many: ManyConnections): readonly Connection[] {
  return Array.from({ length: many.count }, (_, index) => makeConnection(many, index));
}

function makeConnection(many: ManyConnections, index: number): Connection {
  const { side, group, remoteAddress, local, remote, lifetimes } = many;
  const [own, theirs] =
    side === 'peer' ? [peerIdentity(index), HUB_IDENTITY] : [HUB_IDENTITY, peerIdentity(index)];
  const identity = parseIdentity(own);
  const pattern = parseIdentityPattern(theirs);
  const groupId = GROUPS[group];
  if (identity === undefined || pattern === undefined || groupId === undefined)
    throw new InvariantError('not an identity, or no group');
  const authentication = { method: 'psk', secret: new TextEncoder().encode(SECRET) } as const;
  const encryption = [{ id: EncryptionId.ENCR_AES_GCM_16, keyBits: 256 }];
  const name = `connection-${index}`;
  return {
    name,
    pad: {
      peer: name,
      local: { identity, authentication },
      remote: { identity: pattern, exact: parseIdentity(theirs), authentication },
    },
    remoteAddress: remoteAddress(index),
    remotePort: 4500,
    proposals: [
      {
        encryption,
        integrity: [],
        prf: [{ id: PrfId.PRF_HMAC_SHA2_256 }],
        groups: [{ id: groupId }],
        esn: [],
      },
    ],
    children: [
      {
        policy: policyName(index),
        proposals: [{ encryption, integrity: [], prf: [], groups: [], esn: [{ id: 0 }] }],
        local: [local],
        remote: [remote],
        isAskedFor: side === 'peer',
        onClose: 'close',
      },
    ],
    rekeyMs: lifetimes?.ikeMs ?? DAY_MS,
    jitterMs: lifetimes?.ikeJitterMs ?? 0,
    expireMs: lifetimes?.ikeExpireMs ?? 2 * DAY_MS,
    livenessMs: 0,
    retransmission: { firstMs: 4000, factor: 1.8, tries: 5 },
    unique: 'replace',
    childless: false,
    mostChildSas: 16,
    mobike: false,
  };
}
