// The SPI of an IKE SA, RFC 7296 §2.6 and §3.1: eight octets. They are kept as text, because they are map keys and
// stand in log lines.

import { InvariantError } from '../../base/errors.ts';

/** 16 hexadecimal digits in lower case. */
export type IkeSpi = string & { readonly brand: 'IkeSpi' };

export const IKE_SPI_BYTES = 8;

/** RFC 7296 §2.6: the responder's SPI while it has chosen none. */
export const NO_IKE_SPI: IkeSpi = toIkeSpi(new Uint8Array(IKE_SPI_BYTES));

/** @param bytes eight octets; the SPI field of a proposal for an IKE SA has them too */
export function toIkeSpi(bytes: Uint8Array): IkeSpi {
  if (bytes.length !== IKE_SPI_BYTES) {
    throw new InvariantError(`an IKE SPI has ${IKE_SPI_BYTES} bytes, not ${bytes.length}`);
  }
  return Buffer.from(bytes).toString('hex') as IkeSpi;
}

export function ikeSpiBytes(spi: IkeSpi): Uint8Array {
  return new Uint8Array(Buffer.from(spi, 'hex'));
}
