// Answers under no protection to what no IKE SA is there for: rate limited, and never an answer to an answer.
// RFC 7296 §1.5, §2.5, §2.21.4.

import { NotifyType, ExchangeType } from '../wire/ike/iana.ts';
import type { IkeHeader } from '../wire/ike/ike-header.ts';
import { NO_IKE_SPI, type IkeSpi } from '../wire/ike/ike-spi.ts';
import { encodeMessage } from '../wire/ike/message.ts';
import { espSpiBytes } from './child-sa.ts';
import { notify } from './payloads.ts';

/** RFC 7296 §2.21.4. */
const COMPLAINTS_PER_SECOND = 10;

/** RFC 7296 §1.5: an INFORMATIONAL request outside of every IKE SA, which has no answer. */
const ONE_WAY = {
  responderSpi: NO_IKE_SPI,
  majorVersion: 2,
  minorVersion: 0,
  exchangeType: ExchangeType.INFORMATIONAL,
  isFromInitiator: true,
  hasHigherVersion: false,
  isResponse: false,
  messageId: 0,
} as const;

export class Complaints {
  #second = 0;
  #count = 0;

  /** Takes one of the places of this second. */
  mayComplain(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#count = 0;
    this.#second = second;
    this.#count++;
    return this.#count <= COMPLAINTS_PER_SECOND;
  }
}

export function complaintAbout(header: IkeHeader, notifyType: number): Uint8Array {
  const { initiatorSpi, responderSpi, exchangeType, messageId } = header;
  return encodeMessage(
    {
      initiatorSpi,
      responderSpi,
      exchangeType,
      messageId,
      majorVersion: 2,
      minorVersion: 0,
      isResponse: true,
      isFromInitiator: !header.isFromInitiator,
      hasHigherVersion: false,
    },
    [notify(notifyType)],
  );
}

export function complaintAboutSpi(spi: number, initiatorSpi: IkeSpi): Uint8Array {
  return encodeMessage({ ...ONE_WAY, initiatorSpi }, [notify(NotifyType.INVALID_SPI, espSpiBytes(spi))]);
}
