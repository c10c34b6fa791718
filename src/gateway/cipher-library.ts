// Whose ciphers carry the packets: what the configuration asks for and what this machine has.

import { EnvironmentError } from '../base/errors.ts';
import type { NativeAddon } from '../dataplane/native/addon.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';

/**
 * @returns name and version, for the log
 * @throws EnvironmentError where the configuration names a library that cannot be used
 */
export function cipherLibraryInUse(
  addon: Pick<NativeAddon, 'ipsecMb' | 'opensslVersion'>,
  config: Pick<GatewayConfig, 'engine' | 'cipherLibrary'>,
): string {
  if (config.engine === 'portable') return '@noble/ciphers';
  if (config.cipherLibrary === 'openssl') return addon.opensslVersion();
  const { version, missing } = addon.ipsecMb();
  if (version !== '') return version;
  if (config.cipherLibrary === 'auto') return addon.opensslVersion();
  throw new EnvironmentError(
    `gateway.cipher_library is ipsec-mb, which cannot be used (${missing}): ` +
      'install it (apt-get install libipsec-mb-dev) and run `npm rebuild`, or write auto',
  );
}
