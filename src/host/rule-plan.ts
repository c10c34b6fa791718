// The policy rules of the host's routing: who is led to the protected table, and who is kept out of it.
//
//   213  the gateway's own, marked  ─► main table
//   214  left the TUN in clear      ─► main table only
//   216  just decrypted             ─► transit table, then the main table only
//   219  marked, on its way through ─► main table
//   220  everything else            ─► protected table
//
// 213 is what 219 says, once more and first, for what the host sends and for the way back to the sender of what it receives:
// both are looked up for every ESP packet. Of what was decrypted no mark decides.
// An `unreachable` ends each search that must not go on: a packet that was led back would run in a circle.

import type { AddressFamily } from '../base/address.ts';
import { PROTECTED_TABLE, TRANSIT_TABLE } from './route-plan.ts';

export interface HostRule {
  readonly family: AddressFamily;
  readonly priority: number;
  /** Device that the packet came in by; undefined: any. */
  readonly inputDevice: string | undefined;
  /** undefined: every packet. */
  readonly mark: number | undefined;
  /** True: packets without the mark. */
  readonly inverted: boolean;
  readonly table: 'main' | '220' | '221' | 'unreachable';
}

/** What is needed to find everything a gateway may have left: a plan has it, and so has the configuration. */
export interface HostFootprint {
  readonly tunName: string;
  /** The device that packets of BYPASS policies leave the TUN by. */
  readonly clearTunName: string;
  /** Firewall mark of the gateway's own datagrams; 0 = none. */
  readonly mark: number;
}

const PROTECTED = String(PROTECTED_TABLE) as '220';
const TRANSIT = String(TRANSIT_TABLE) as '221';

/** To `ip rule`, what the host sends itself came in here. */
const LOOPBACK = 'lo';

/** The rules of a gateway in one family; cleaning up needs only its footprint to find them. */
export function rulesOf(family: AddressFamily, footprint: HostFootprint): readonly HostRule[] {
  const { tunName, clearTunName, mark } = footprint;
  const any = { family, inputDevice: undefined, mark: undefined, inverted: false } as const;
  const from = (inputDevice: string, priority: number, table: HostRule['table']): HostRule => ({
    ...any,
    inputDevice,
    priority,
    table,
  });
  const marked = mark === 0 ? [] : [{ ...any, mark, table: 'main' } as const];
  return [
    ...marked.map((rule) => ({ ...rule, priority: 213, inputDevice: LOOPBACK })),
    from(clearTunName, 214, 'main'),
    from(clearTunName, 215, 'unreachable'),
    from(tunName, 216, TRANSIT),
    from(tunName, 217, 'main'),
    from(tunName, 218, 'unreachable'),
    ...marked.map((rule) => ({ ...rule, priority: 219 })),
    { ...any, priority: 220, mark: mark === 0 ? undefined : mark, inverted: mark !== 0, table: PROTECTED },
  ];
}

/** True for the rules that gateways of one mark share: they go with the last of them. */
export function isShared(rule: HostRule): boolean {
  return rule.inputDevice === undefined || rule.inputDevice === LOOPBACK;
}
