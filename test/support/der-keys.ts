// Key pairs of node:crypto in the encodings that signatures take.

import type { KeyPairKeyObjectResult } from 'node:crypto';

export interface DerKeys {
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** PKCS#8. */
  readonly privateKey: Uint8Array;
}

export function derKeys({ publicKey, privateKey }: KeyPairKeyObjectResult): DerKeys {
  return {
    publicKey: publicKey.export({ format: 'der', type: 'spki' }),
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
  };
}
