// Puts a GuardPlan into the kernel, reads its counters, and takes it out again. Replacing is one transaction: there
// is no moment without a guard. Each may be repeated.

import { dropFormerGuard, formerGuardTable, guardTable, type GuardPlan } from './guard-plan.ts';
import { GUARD_REASONS, type GuardReasonKey } from './guard-reasons.ts';
import { changeWithNft, queryNft, type NftObject } from './nft-command.ts';

/** Packets dropped in the kernel: by reason, and by the policy that asked for it. */
export interface GuardCounts {
  readonly drops: Readonly<Record<string, number>>;
  readonly policies: Readonly<Record<string, number>>;
}

export const NO_GUARD_COUNTS: GuardCounts = { drops: {}, policies: {} };

/** @throws EnvironmentError where nftables is missing or refuses */
export async function applyGuard(plan: GuardPlan): Promise<void> {
  await changeWithNft(plan.ruleset);
}

async function isGuardPresent(tunName: string): Promise<boolean> {
  return (await queryNft(['counters', 'table', ...guardTable(tunName).split(' ')])) !== undefined;
}

/** @param tables as nftables lists them */
export function hasGuard(tables: readonly NftObject[], tunName: string): boolean {
  return tables.some(
    ({ table }) => `${String(table?.['family'])} ${String(table?.['name'])}` === guardTable(tunName),
  );
}

/** @returns true where there was a guard to remove */
export async function removeGuard(tunName: string): Promise<boolean> {
  if (!(await isGuardPresent(tunName))) return false;
  await changeWithNft(`delete table ${guardTable(tunName)}\n${dropFormerGuard(tunName)}`);
  return true;
}

/** After a change: the policies from before have no say any more. */
export async function removeFormerGuard(tunName: string): Promise<void> {
  await changeWithNft(dropFormerGuard(tunName));
}

/** What the guard dropped since it was put there; only what is not 0. */
export function readGuardCounts(tunName: string): Promise<GuardCounts> {
  return readCounts(guardTable(tunName));
}

/** The same of the guard that stands beside it during a change. */
export function readFormerGuardCounts(tunName: string): Promise<GuardCounts> {
  return readCounts(formerGuardTable(tunName));
}

async function readCounts(table: string): Promise<GuardCounts> {
  const objects = (await queryNft(['counters', 'table', ...table.split(' ')])) ?? [];
  const drops: Record<string, number> = {};
  const policies: Record<string, number> = {};
  for (const { counter } of objects) {
    const packets = Number(counter?.['packets'] ?? 0);
    const [kind = ''] = String(counter?.['name']).split('-');
    if (packets === 0 || !isReason(kind)) continue;
    const { name } = GUARD_REASONS[kind];
    drops[name] = (drops[name] ?? 0) + packets;
    const policy = counter?.['comment'];
    if (typeof policy === 'string') policies[policy] = (policies[policy] ?? 0) + packets;
  }
  return { drops, policies };
}

export function addGuardCounts(one: GuardCounts, other: GuardCounts): GuardCounts {
  return { drops: sum(one.drops, other.drops), policies: sum(one.policies, other.policies) };
}

function sum(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const total = { ...one };
  for (const [name, count] of Object.entries(other)) total[name] = (total[name] ?? 0) + count;
  return total;
}

function isReason(kind: string): kind is GuardReasonKey {
  return kind in GUARD_REASONS;
}
