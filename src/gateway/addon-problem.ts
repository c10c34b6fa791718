// Whether the native addon is there, for those who only ask.

import { findAddon } from '../dataplane/native/load-addon.ts';

/** @returns why it cannot be loaded; undefined: it can */
export function addonProblem(): string | undefined {
  const found = findAddon();
  return 'missing' in found ? found.missing : undefined;
}
