// Answers under no protection to what no IKE SA is there for: rate limited, and never an answer to an answer.
// RFC 7296 §1.5, §2.5, §2.21.4.

import { NotifyType, ExchangeType } from '../wire/ike/iana.ts';
import type { IkeHeader } from '../wire/ike/ike-header.ts';
import { NO_IKE_SPI, type IkeSpi } from '../wire/ike/ike-spi.ts';
import { encodeMessage } from '../wire/ike/message.ts';
import { espSpiBytes } from './child-sa.ts';
import { describePath, type Path } from './connection.ts';
import type { IkeDrops, IkeEngineParts } from './ike-engine-parts.ts';
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
  readonly #parts: Pick<IkeEngineParts, 'now' | 'effects'>;
  readonly #drops: IkeDrops;
  #second = 0;
  #count = 0;

  constructor(parts: Pick<IkeEngineParts, 'now' | 'effects'>, drops: IkeDrops) {
    this.#parts = parts;
    this.#drops = drops;
  }

  /** RFC 7296 §2.5, §1.5. */
  aboutVersion(header: IkeHeader, path: Path): void {
    if (header.majorVersion < 2) {
      this.#drops.ikeV1++;
      if (this.#mayComplain())
        this.#parts.effects.tell('warn', 'IKEv1 is not supported (RFC 9395)', describePath(path));
      return;
    }
    if (!header.isResponse) this.#complain(header, path, NotifyType.INVALID_MAJOR_VERSION);
  }

  /** RFC 7296 §2.21.4. */
  aboutIkeSpi(header: IkeHeader, path: Path): void {
    this.#drops.unknownSpi++;
    if (!header.isResponse) this.#complain(header, path, NotifyType.INVALID_IKE_SPI);
  }

  /** @param newIkeSpi of a message that belongs to no IKE SA */
  aboutEspSpi(spi: number, path: Path, newIkeSpi: () => IkeSpi): void {
    if (!this.#mayComplain()) return;
    const payload = notify(NotifyType.INVALID_SPI, espSpiBytes(spi));
    this.#parts.effects.send(path, encodeMessage({ ...ONE_WAY, initiatorSpi: newIkeSpi() }, [payload]));
  }

  #complain(header: IkeHeader, path: Path, notifyType: number): void {
    if (this.#mayComplain()) this.#parts.effects.send(path, complaintAbout(header, notifyType));
  }

  /** Takes one of the places of this second. */
  #mayComplain(): boolean {
    const second = Math.floor(this.#parts.now() / 1000);
    if (second !== this.#second) this.#count = 0;
    this.#second = second;
    this.#count++;
    return this.#count <= COMPLAINTS_PER_SECOND;
  }
}

function complaintAbout(header: IkeHeader, notifyType: number): Uint8Array {
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
