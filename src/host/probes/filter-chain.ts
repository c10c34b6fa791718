// A chain of a packet filter, whichever program has made it.

export interface FilterChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Present where the kernel asks the chain itself. */
  readonly type?: string | undefined;
  readonly hook?: string | undefined;
  readonly policy?: string | undefined;
  /** Each a list of statements as `nft -j` writes them. */
  readonly rules: readonly (readonly FilterStatement[])[];
  /** The command that changes it. */
  readonly tool: 'nft' | 'iptables' | 'ip6tables' | 'iptables-legacy' | 'ip6tables-legacy';
}

/** One statement by its name. */
export type FilterStatement = Readonly<Record<string, unknown>>;
