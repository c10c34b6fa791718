// One edit of the SAD, as whoever wants it says it.

import type { Selectors } from '../spd/policy.ts';
import type { SaLifetime } from '../spd/sa-lifetime.ts';
import type { TunnelOptions } from '../spd/tunnel-options.ts';
import { limitsOf } from './sa-limits.ts';
import type { NewInboundSa, NewOutboundSa, SaIdentifier, SaRecord } from './sa-record.ts';
import { SaField } from './sa-state.ts';
import type { Endpoint, SaChange } from './security-association.ts';

/** What may be changed of an SA that is in use (RFC 2367 §3.1.2); keys may not. */
export interface SaAmendment {
  readonly lifetime?: SaLifetime;
  /** Where the peer is. */
  readonly endpoint?: Endpoint;
  readonly selectors?: Selectors;
  /** How its packets are dressed. */
  readonly tunnel?: TunnelOptions;
}

export type SadEdit =
  | { readonly type: 'add'; readonly sa: NewInboundSa | NewOutboundSa }
  | { readonly type: 'amend'; readonly sa: SaIdentifier; readonly amendment: SaAmendment }
  | { readonly type: 'delete'; readonly sa: SaIdentifier };

/** An edit on its way: `commit` when it is in force, `undo` where it was refused. */
export interface Step {
  readonly change: SaChange;
  readonly commit: () => void;
  readonly undo: () => void;
}

const nothing = (): void => undefined;

export function amendmentStep(record: SaRecord, amendment: SaAmendment): Step {
  const { lifetime, endpoint, selectors, tunnel } = amendment;
  const { slot, id, direction } = record;
  const limits = lifetime && limitsOf(lifetime, record.state[SaField.createdMs]!);
  return {
    change: {
      type: `update-${direction}`,
      sa: { slot, id },
      update: { limits, endpoint, selectors, tunnel },
    },
    commit: () => {
      record.lifetime = lifetime ?? record.lifetime;
      record.endpoint = endpoint ?? record.endpoint;
      record.selectors = selectors ?? record.selectors;
      if (tunnel !== undefined) record.description = { ...record.description, tunnel };
    },
    undo: nothing,
  };
}

/** @param release gives back what the record holds */
export function addStep(record: SaRecord, change: SaChange, release: () => void): Step {
  const commit = (): void => {
    record.isInstalled = true;
  };
  return { change, commit, undo: release };
}
