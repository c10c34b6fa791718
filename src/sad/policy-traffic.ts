// What each policy's SAs have carried, those that are gone included: a rekey, or an end, takes nothing away. The row of an
// SA is added in the moment in which its memory is given up, when no worker writes it any more.

import type { SaRecord } from './sa-record.ts';
import { SaField } from './sa-state.ts';

/** Inner packets, as the SAs count them. */
export interface PolicyTraffic {
  readonly packetsIn: number;
  readonly bytesIn: number;
  readonly packetsOut: number;
  readonly bytesOut: number;
}

/** SAs that are there now. */
export interface PolicySas {
  readonly inbound: number;
  readonly outbound: number;
}

/** So long what was read of the live SAs is told again: whoever asks for ten thousand policies has them read once. */
const FRESH_MS = 50;

interface Account {
  readonly traffic: { -readonly [Field in keyof PolicyTraffic]: number };
  readonly sas: { inbound: number; outbound: number };
}

export class PolicyTraffics {
  readonly #records: () => Iterable<SaRecord>;
  readonly #now: () => number;
  /** Of SAs that are gone. */
  readonly #former = new Map<string, PolicyTraffic>();
  /** All of one moment, so that a total never gets less from one look to the next. An SA itself has no room for more. */
  #look: { readonly atMs: number; readonly accounts: ReadonlyMap<string, Account> } | undefined;

  /** @param records every SA whose memory is in use @param now monotonic milliseconds */
  constructor(records: () => Iterable<SaRecord>, now: () => number) {
    this.#records = records;
    this.#now = now;
  }

  /** An SA is gone, and its row has not been given to another yet. */
  noteGone(record: SaRecord): void {
    const { policy } = record.description;
    const account = newAccount(this.#former.get(policy));
    count(account.traffic, record);
    this.#former.set(policy, account.traffic);
  }

  of(policy: string): PolicyTraffic {
    return this.#accounts.get(policy)?.traffic ?? this.#former.get(policy) ?? newAccount(undefined).traffic;
  }

  sasOf(policy: string): PolicySas {
    return this.#accounts.get(policy)?.sas ?? { inbound: 0, outbound: 0 };
  }

  /** Forgets policies that are gone for good. What SAs of them carry that are still there is told on. */
  keepOnly(policies: ReadonlySet<string>): void {
    const live = new Set([...this.#records()].map(({ description }) => description.policy));
    for (const policy of this.#former.keys())
      if (!live.has(policy) && !policies.has(policy)) this.#former.delete(policy);
    this.#look = undefined;
  }

  get #accounts(): ReadonlyMap<string, Account> {
    const nowMs = this.#now();
    if (this.#look === undefined || nowMs - this.#look.atMs >= FRESH_MS)
      this.#look = { atMs: nowMs, accounts: this.#read() };
    return this.#look.accounts;
  }

  #read(): ReadonlyMap<string, Account> {
    const accounts = new Map<string, Account>();
    for (const record of this.#records()) {
      const { policy } = record.description;
      let account = accounts.get(policy);
      if (account === undefined) {
        account = newAccount(this.#former.get(policy));
        accounts.set(policy, account);
      }
      count(account.traffic, record);
      account.sas[record.direction]++;
    }
    return accounts;
  }
}

function newAccount(former: PolicyTraffic | undefined): Account {
  const none = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0 };
  return { traffic: { ...(former ?? none) }, sas: { inbound: 0, outbound: 0 } };
}

function count(traffic: Account['traffic'], { direction, state }: SaRecord): void {
  const packets = state[SaField.packets]!;
  const bytes = state[SaField.bytes]!;
  if (direction === 'inbound') {
    traffic.packetsIn += packets;
    traffic.bytesIn += bytes;
  } else {
    traffic.packetsOut += packets;
    traffic.bytesOut += bytes;
  }
}
