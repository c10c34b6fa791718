// A policy that an import has made, and where it comes from.

import type { PlainEntry } from '../loading/loaded-connection.ts';
import type { WrittenAt } from './written-section.ts';

export interface ImportedPolicy {
  readonly entry: PlainEntry;
  readonly at: WrittenAt;
  /** Why it is not the one that was written. */
  readonly remark?: string;
}
