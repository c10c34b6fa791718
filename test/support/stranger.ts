// Somebody who sends a site first messages of IKE and has no IKE SA, from any address.

import { randomBytes } from 'node:crypto';
import { parseAddress, type Address } from '../../src/base/address.ts';
import { InvariantError } from '../../src/base/errors.ts';
import type { Path } from '../../src/ike/connection.ts';
import { findNotify } from '../../src/ike/payloads.ts';
import { ExchangeType, NotifyType } from '../../src/wire/ike/iana.ts';
import { NO_IKE_SPI, toIkeSpi } from '../../src/wire/ike/ike-spi.ts';
import { decodeMessage, encodeMessage } from '../../src/wire/ike/message.ts';
import type { Payload, Proposal } from '../../src/wire/ike/payload.ts';
import { IkeNetwork } from './ike-network.ts';

export class Stranger {
  /** Site b takes a peer from anywhere. */
  readonly net: IkeNetwork = new IkeNetwork((connection, site) =>
    site === 'b' ? { ...connection, remoteAddress: undefined } : connection,
  );
  /** Of a first message that site b answers. */
  #payloads: readonly Payload[] = [];

  static async build(): Promise<Stranger> {
    const stranger = new Stranger();
    const { net } = stranger;
    net.a.engine.acquire('to-b', undefined);
    await net.settled();
    stranger.#payloads = decodeMessage(net.take().bytes).payloads;
    return stranger;
  }

  /** A first message that nobody has sent yet. */
  message(change: { readonly proposals?: readonly Proposal[] } = {}): Uint8Array {
    const { proposals } = change;
    const payloads = this.#payloads.map((payload) =>
      payload.type === 'SA' && proposals !== undefined ? { ...payload, proposals } : payload,
    );
    return encodeMessage(
      {
        initiatorSpi: toIkeSpi(randomBytes(8)),
        responderSpi: NO_IKE_SPI,
        majorVersion: 2,
        minorVersion: 0,
        exchangeType: ExchangeType.IKE_SA_INIT,
        isFromInitiator: true,
        hasHigherVersion: false,
        isResponse: false,
        messageId: 0,
      },
      payloads,
    );
  }

  /** @returns how many datagrams site b sends back */
  send(bytes: Uint8Array, from: string): number {
    const { flying, b } = this.net;
    b.engine.receive(bytes, pathFrom(from));
    return flying.splice(0).length;
  }

  /** Begins an IKE SA, with a cookie where one is asked for. @returns whether it was answered */
  begin(from: string): boolean {
    const { flying, b } = this.net;
    const bytes = this.message();
    b.engine.receive(bytes, pathFrom(from));
    const [answer] = flying.splice(0);
    if (answer === undefined) return false;
    const { payloads } = decodeMessage(answer.bytes);
    const cookie = findNotify(payloads, NotifyType.COOKIE);
    if (cookie === undefined) return payloads.some(({ type }) => type === 'KE');
    // The cookie is for the SPI of the message.
    const { header, payloads: own } = decodeMessage(bytes);
    return this.send(encodeMessage(header, [cookie, ...own]), from) === 1;
  }
}

export function pathFrom(remote: string, port = 500): Path {
  return {
    localAddress: address('198.51.100.1'),
    localPort: port,
    remoteAddress: address(remote),
    remotePort: port,
  };
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new InvariantError(`${text} is no address`);
  return parsed;
}
