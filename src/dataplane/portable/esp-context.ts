// What the portable engine keeps of an SA: its cipher, and for an outbound SA the sequence guard.

import type { SaKey } from '../engine.ts';
import { createEspCipher } from './create-esp-cipher.ts';
import type { EspCipher } from './esp-cipher.ts';
import { SequenceGuard } from './sequence-guard.ts';

export class EspContext {
  readonly spi: number;
  readonly cipher: EspCipher;

  constructor(key: SaKey, ivKey: Uint8Array = new Uint8Array(0)) {
    this.spi = key.spi;
    this.cipher = createEspCipher(key, ivKey);
  }

  zero(): void {
    this.cipher.zero();
  }
}

export class OutboundContext extends EspContext {
  readonly guard: SequenceGuard;

  constructor(key: SaKey, ivKey: Uint8Array) {
    super(key, ivKey);
    this.guard = new SequenceGuard(key.esn);
  }
}
