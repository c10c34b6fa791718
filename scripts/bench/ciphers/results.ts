// What `npm run bench -- ciphers` hands over.

import type { Host } from '../machine.ts';
import type { Summary } from '../statistics.ts';

/** Inner packets of these lengths: an acknowledgement of TCP, and a packet that fills the path. */
export const INNER_BYTES = [64, 1438] as const;
export const STEPS = ['seal', 'open'] as const;
export type Step = (typeof STEPS)[number];

export interface CipherResult extends Summary {
  readonly transform: string;
  /** Name of the portable engine's, or name and version of the native engine's. */
  readonly library: string;
  readonly innerBytes: number;
  readonly step: Step;
  readonly unit: 'ns/packet';
}

export interface CipherReport {
  readonly machine: Host;
  readonly results: readonly CipherResult[];
}
