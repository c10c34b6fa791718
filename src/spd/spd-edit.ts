// Edits of the SPD-S (RFC 4301 §4.4.1): each takes a list of entries and gives a new one; the old one stays as it is.
// What follows for SAs and packets is decided where the new list is put in force.

import type { Policy } from './policy.ts';

/** Entries in any order: packets meet them by priority, and equal priorities by their place here. */
export type SpdS<Entry extends Policy> = readonly Entry[];

/** Why an edit is none. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

/** @throws PolicyError where there is an entry of that name */
export function addPolicy<Entry extends Policy>(spd: SpdS<Entry>, entry: Entry): SpdS<Entry> {
  if (spd.some(({ name }) => name === entry.name))
    throw new PolicyError(`there is a policy ${entry.name} already`);
  return [...spd, entry];
}

/** @throws PolicyError where there is none of that name */
export function deletePolicy<Entry extends Policy>(spd: SpdS<Entry>, name: string): SpdS<Entry> {
  const at = indexOf(spd, name);
  return spd.toSpliced(at, 1);
}

/** Puts an entry in the place of the one with its name. @throws PolicyError where there is none */
export function changePolicy<Entry extends Policy>(spd: SpdS<Entry>, entry: Entry): SpdS<Entry> {
  return spd.with(indexOf(spd, entry.name), entry);
}

/**
 * Lets packets meet the entries in the order of `names`: the priorities that are there are dealt out anew.
 * @throws PolicyError where `names` are not the names of all entries, each once
 */
export function reorderPolicies<Entry extends Policy>(
  spd: SpdS<Entry>,
  names: readonly string[],
): SpdS<Entry> {
  if (names.length !== spd.length || new Set(names).size !== spd.length)
    throw new PolicyError(`an order of ${spd.length} policies names each of them once`);
  const priorities = spd.map(({ priority }) => priority).toSorted((a, b) => a - b);
  return names.map((name, place) => {
    const entry = spd[indexOf(spd, name)]!;
    return { ...entry, priority: priorities[place] ?? entry.priority };
  });
}

function indexOf(spd: SpdS<Policy>, name: string): number {
  const index = spd.findIndex((entry) => entry.name === name);
  if (index < 0) throw new PolicyError(`there is no policy ${name}`);
  return index;
}
