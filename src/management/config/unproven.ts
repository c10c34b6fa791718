// A configuration file of which any part may be wrong: what the checks between values work on.

import type { Address, AddressRange } from '../../base/address.ts';
import type { Identity, IdentityPattern } from '../../pad/identity.ts';
import type { NumberRange } from '../../spd/policy.ts';
import type { LifetimeLimit } from '../../spd/sa-lifetime.ts';
import type { LoadedFile } from './credentials.ts';
import type { HttpPlace } from './http-place.ts';
import type { IkeLifetime } from './ike-values.ts';
import type { LoadedSecret } from './loaded-secret.ts';
import type { NegotiatedProposal } from './negotiated-proposal.ts';
import type { EspProposal } from './proposal.ts';
import type { IcmpMessage } from './selector-values.ts';

/** What is right as a whole or not there. */
type Leaf =
  | LifetimeLimit
  | Address
  | AddressRange
  | NumberRange
  | EspProposal
  | IcmpMessage
  | Identity
  | IdentityPattern
  | HttpPlace
  | IkeLifetime
  | LoadedFile
  | LoadedSecret
  | NegotiatedProposal;

/** A value of which any part may be missing or wrong; an empty part of the file is null. */
export type Unproven<T> =
  | (T extends Leaf
      ? T
      : T extends readonly (infer Item)[]
        ? readonly Unproven<Item>[] | null
        : T extends object
          ? { readonly [Key in keyof T]?: Unproven<T[Key]> } | null
          : T)
  | undefined;

export type Path = readonly PropertyKey[];

/** A part that should be a list but is not was reported by the shape. */
export function list<T>(value: readonly T[] | 'any' | null | undefined): readonly T[] {
  return typeof value === 'object' && Array.isArray(value) ? (value as readonly T[]) : [];
}
