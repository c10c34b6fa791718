// IKE_SA_INIT as it is sent, in clear: RFC 7296 §1.2.

import { ExchangeType } from '../../wire/ike/iana.ts';
import type { IkeSpi } from '../../wire/ike/ike-spi.ts';
import { encodeMessage } from '../../wire/ike/message.ts';
import type { Payload } from '../../wire/ike/payload.ts';

export function encodeInit(
  initiatorSpi: IkeSpi,
  responderSpi: IkeSpi,
  isResponse: boolean,
  payloads: readonly Payload[],
): Uint8Array {
  return encodeMessage(
    {
      initiatorSpi,
      responderSpi,
      majorVersion: 2,
      minorVersion: 0,
      exchangeType: ExchangeType.IKE_SA_INIT,
      isFromInitiator: !isResponse,
      hasHigherVersion: false,
      isResponse,
      messageId: 0,
    },
    payloads,
  );
}
