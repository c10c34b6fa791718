// What becomes of an imagined packet, in a word and in sentences.

/** `waits`: for SAs that IKE is asked for. */
export type Outcome = 'passes' | 'waits' | 'dropped';

/** Of one direction. */
export const OUTCOME_OF_WAY: Readonly<Record<Outcome, string>> = {
  passes: 'it passes',
  waits: 'it waits until IKE has made SAs for it',
  dropped: 'it is dropped',
};

/** Of a packet and its answer. */
export const OUTCOME_OF_BOTH: Readonly<Record<Outcome, string>> = {
  passes: 'Both ways are open.',
  waits: 'Both ways are open as soon as IKE has made SAs for them.',
  dropped: 'The two cannot speak with each other like that.',
};
