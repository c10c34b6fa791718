// A SAD whose data plane acknowledges when the test says so, and keeps what it was told.

import { Sad, type SaExpire } from '../../src/sad/sad.ts';
import type { NewInboundSa, NewOutboundSa } from '../../src/sad/sa-record.ts';
import type { SaChange } from '../../src/sad/security-association.ts';
import type { RandomInteger } from '../../src/sad/spi-allocation.ts';
import { testKey, transformNamed } from './packet-path-link.ts';
import { ANY } from './policies.ts';

const TRANSFORM = transformNamed('aes256gcm16');

export class SadBench {
  readonly sad: Sad;
  readonly changes: SaChange[] = [];
  readonly expired: SaExpire[] = [];
  nowMs = 1000;
  /** False: {@link acknowledge} must be called. */
  isPrompt = true;
  readonly #waiting: (() => void)[] = [];

  constructor(options: { readonly random?: RandomInteger; readonly larvalTimeoutMs?: number } = {}) {
    this.sad = new Sad({
      ...options,
      now: () => this.nowMs,
      carrier: {
        apply: (changes) => {
          this.changes.push(...changes);
          if (this.isPrompt) return Promise.resolve();
          return new Promise((resolve) => this.#waiting.push(resolve));
        },
      },
    });
    this.sad.onExpire((expire) => this.expired.push(expire));
  }

  acknowledge(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  get types(): readonly string[] {
    return this.changes.map(({ type }) => type);
  }
}

export function inboundSa(fields: Partial<NewInboundSa> = {}): NewInboundSa {
  return { ...common(), direction: 'inbound', spi: 0x2002, replayWindowPackets: 64, ...fields };
}

export function outboundSa(fields: Partial<NewOutboundSa> = {}): NewOutboundSa {
  const endpoint = { socket: 0, address: Uint8Array.of(198, 51, 100, 1), port: 4500 };
  const block = { first: 1, end: 2 ** 18 };
  return { ...common(), direction: 'outbound', spi: 0x1001, endpoint, block, ...fields };
}

function common() {
  const keyMaterial = testKey(TRANSFORM, 1);
  return { policy: 'tunnel', peer: 'far', transform: TRANSFORM, esn: false, selectors: ANY, keyMaterial };
}
