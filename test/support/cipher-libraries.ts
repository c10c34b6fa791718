// The cipher libraries that the native engine can use here: the same tests run with each.

import type { CipherLibrary } from '../../src/dataplane/engine.ts';
import { loadAddon } from '../../src/dataplane/native/load-addon.ts';

/** OpenSSL is always there, ipsec-mb only where it is installed. */
export const CIPHER_LIBRARIES: readonly CipherLibrary[] =
  loadAddon().ipsecMb().version === '' ? ['openssl'] : ['openssl', 'ipsec-mb'];
