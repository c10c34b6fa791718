// SAs as the gateway makes them: added to the SAD of the main thread, and through a port to the associations of the
// packet path, which so has copies of its own as a worker has.

import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { InvariantError } from '../../../src/base/errors.ts';
import { findEspTransform, keyMaterialBytes, type EspTransform } from '../../../src/crypto/esp-transform.ts';
import type { Associations } from '../../../src/dataplane/associations.ts';
import { Sad } from '../../../src/sad/sad.ts';
import type { NewInboundSa, NewOutboundSa } from '../../../src/sad/sa-record.ts';
import type { SaChange } from '../../../src/sad/security-association.ts';
import type { Selectors } from '../../../src/spd/policy.ts';
import { TRANSFORM } from './policies.ts';

const WINDOW_PACKETS = 64;
const ENDPOINT = { socket: 0, address: Uint8Array.of(198, 51, 100, 1), port: 4500 };
const BLOCK = { first: 1, end: 2 ** 32 };
const LAST_RESERVED_SPI = 255;

/** What the SAs of a pair are made of. */
export interface PairDescription {
  readonly policy: string;
  readonly peer: string;
  readonly selectors: Selectors;
  readonly spi: number;
}

export function benchTransform(): EspTransform {
  const transform = findEspTransform(TRANSFORM);
  if (transform === undefined) throw new InvariantError(`no transform ${TRANSFORM}`);
  return transform;
}

/** SPIs that are all different and in no order, as random ones are. */
export function spiOf(index: number): number {
  const spi = Math.imul(index + 1, 0x9e37_79b1) >>> 0;
  // None of the first million is so small.
  if (spi <= LAST_RESERVED_SPI) throw new InvariantError(`SPI ${spi} is reserved`);
  return spi;
}

export function outboundSa(pair: PairDescription, transform: EspTransform): NewOutboundSa {
  const keyMaterial = new Uint8Array(keyMaterialBytes(transform));
  const common = { ...pair, transform, esn: false, keyMaterial };
  return { ...common, direction: 'outbound', endpoint: ENDPOINT, block: BLOCK };
}

export function inboundSa(pair: PairDescription, transform: EspTransform): NewInboundSa {
  const keyMaterial = new Uint8Array(keyMaterialBytes(transform));
  const common = { ...pair, transform, esn: false, keyMaterial };
  return { ...common, direction: 'inbound', replayWindowPackets: WINDOW_PACKETS };
}

export class SaSupply {
  readonly sad: Sad;
  readonly #channel = new MessageChannel();

  constructor(associations: Associations) {
    const { port1, port2 } = this.#channel;
    this.sad = new Sad({
      now: () => 1,
      carrier: {
        apply: (changes) => {
          port1.postMessage(changes);
          const { message } = receiveMessageOnPort(port2) as { readonly message: readonly SaChange[] };
          for (const change of message) install(associations, change);
          return Promise.resolve();
        },
      },
    });
  }

  /** Adds SAs, which are there when it resolves. */
  async add(sas: readonly (NewInboundSa | NewOutboundSa)[]): Promise<void> {
    await this.sad.edit(sas.map((sa) => ({ type: 'add', sa })));
  }

  close(): void {
    this.#channel.port1.close();
  }
}

function install(associations: Associations, change: SaChange): void {
  if (change.type === 'install-outbound') associations.installOutbound(change.sa);
  else if (change.type === 'install-inbound') associations.installInbound(change.sa);
  else throw new InvariantError(`${change.type} of an SA that is only added`);
}
