// What an import starts from, whichever of the two formats it was written in: connections in the words of swanctl.conf, and
// the credentials beside them.

import type { ImportedCredentials } from './imported-credentials.ts';
import type { WrittenSection } from './written-section.ts';

export interface ImportedSource {
  /** By name. Values say themselves what they are called in their file where that is not swanctl.conf. */
  readonly connections: ReadonlyMap<string, WrittenSection>;
  readonly credentials: ImportedCredentials;
  /** Where files stand that options name, by the option. */
  readonly folders: Readonly<Record<'certs' | 'cacerts' | 'pubkeys', string>>;
}
