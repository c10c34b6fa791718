// Which algorithms will do for an SA, as the administrator lists them and IKE offers them: RFC 7296 §3.3, RFC 4301
// §4.4.1.2. Types only.

/** One algorithm of a proposal. */
export interface Algorithm {
  readonly id: number;
  /** Undefined where the algorithm has one key length. */
  readonly keyBits?: number | undefined;
}

/** Of each transform type those that will do, best first. An empty list: the type is not part of the proposal. */
export interface AcceptedProposal {
  readonly encryption: readonly Algorithm[];
  readonly integrity: readonly Algorithm[];
  /** Of IKE SAs only. */
  readonly prf: readonly Algorithm[];
  readonly groups: readonly Algorithm[];
  /** Of Child SAs only. */
  readonly esn: readonly Algorithm[];
}
