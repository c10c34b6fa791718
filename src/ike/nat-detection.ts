// NAT detection, RFC 7296 §2.23. The data plane is UDP only, so this side always says that it is behind a NAT: then
// the peer, too, puts ESP into UDP.

import { sha1 } from '@noble/hashes/legacy.js';
import { NotifyType } from '../wire/ike/iana.ts';
import { ikeSpiBytes, type IkeSpi } from '../wire/ike/ike-spi.ts';
import type { NotifyPayload, Payload } from '../wire/ike/payload.ts';
import type { Path } from './connection.ts';
import type { IkeSaState } from './ike-sa-state.ts';
import { findNotify, notify, notifiesOf } from './payloads.ts';

const HASH_BYTES = 20;

interface Spis {
  readonly initiator: IkeSpi;
  readonly responder: IkeSpi;
}

export function spisOf({
  role,
  localSpi,
  remoteSpi,
}: Pick<IkeSaState, 'role' | 'localSpi' | 'remoteSpi'>): Spis {
  return role === 'initiator'
    ? { initiator: localSpi, responder: remoteSpi }
    : { initiator: remoteSpi, responder: localSpi };
}

/** What NAT_DETECTION_DESTINATION_IP of the peer says where no NAT translates this side's address. */
export function ownEndpointHash(spis: Spis, { localAddress, localPort }: Path): Uint8Array {
  return endpointHash(spis, localAddress.bytes, localPort);
}

/** @param noise in the place of the source's hash: no address and port have it */
export function natDetection(
  spis: Spis,
  path: Path,
  random: (bytes: number) => Uint8Array,
): readonly NotifyPayload[] {
  return [
    notify(NotifyType.NAT_DETECTION_SOURCE_IP, random(HASH_BYTES)),
    notify(
      NotifyType.NAT_DETECTION_DESTINATION_IP,
      endpointHash(spis, path.remoteAddress.bytes, path.remotePort),
    ),
  ];
}

export interface NatFindings {
  /** The peer knows NAT traversal. */
  readonly isSupported: boolean;
  /** The peer's address is translated, or the peer wants UDP as this side does. */
  readonly there: boolean;
  /** This side's address is translated. */
  readonly here: boolean;
}

export function findNats(spis: Spis, path: Path, payloads: readonly Payload[]): NatFindings {
  const sources = notifiesOf(payloads).filter(
    ({ notifyType }) => notifyType === NotifyType.NAT_DETECTION_SOURCE_IP,
  );
  const destination = findNotify(payloads, NotifyType.NAT_DETECTION_DESTINATION_IP);
  const source = endpointHash(spis, path.remoteAddress.bytes, path.remotePort);
  const own = ownEndpointHash(spis, path);
  // Where the devices are not told by which address a datagram came.
  const isOwnKnown = path.localAddress.bytes.some((byte) => byte !== 0);
  return {
    isSupported: sources.length > 0 && destination !== undefined,
    // A peer with several addresses sends a hash of each.
    there: !sources.some(({ data }) => Buffer.compare(data, source) === 0),
    here: isOwnKnown && destination !== undefined && Buffer.compare(destination.data, own) !== 0,
  };
}

/** SHA-1 of SPIs, address and port: public values, nothing rests on the hash being strong. */
function endpointHash({ initiator, responder }: Spis, address: Uint8Array, port: number): Uint8Array {
  return sha1(
    Uint8Array.from([
      ...ikeSpiBytes(initiator),
      ...ikeSpiBytes(responder),
      ...address,
      port >> 8,
      port & 0xff,
    ]),
  );
}
