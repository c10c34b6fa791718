// IKE SAs as they begin, on either side. RFC 7296 §1.2.

import { NO_IKE_SPI, type IkeSpi } from '../wire/ike/ike-spi.ts';
import type { Connection, Path } from './connection.ts';
import type { IkeSaState } from './ike-sa-state.ts';
import { freshWindow } from './message-window.ts';

/** Of neither side there is anything yet. */
const BLANK = {
  remoteIdentity: undefined,
  superseded: undefined,
  replacedBy: undefined,
  seenAs: undefined,
  exchange: undefined,
  tasks: [],
  children: [],
  waitingKeys: new Map<number, Uint8Array>(),
  lingering: [],
  isMobike: false,
  requestFragments: undefined,
  responseFragments: undefined,
  undecidedWith: undefined,
  rekeyAtMs: Infinity,
  expireAtMs: Infinity,
} as const;

/** An IKE SA that this side will begin. */
export function newInitiator(
  connection: Connection,
  path: Path,
  localSpi: IkeSpi,
  nowMs: number,
): IkeSaState {
  return {
    ...BLANK,
    role: 'initiator',
    phase: 'connecting',
    localSpi,
    remoteSpi: NO_IKE_SPI,
    connection,
    origin: { isOurs: true, initiatorSpi: localSpi, localSpi },
    path,
    provedPath: path,
    isBehindNat: false,
    security: undefined,
    initiation: undefined,
    window: freshWindow(0, 0),
    peerFragments: false,
    lastHeardMs: nowMs,
    giveUpAtMs: Infinity,
  };
}

type FromFirstMessage =
  | 'localSpi'
  | 'remoteSpi'
  | 'path'
  | 'isBehindNat'
  | 'security'
  | 'initiation'
  | 'peerFragments'
  | 'lastHeardMs'
  | 'giveUpAtMs';

/** An IKE SA that a first message has begun; the peer is not known before IKE_AUTH. */
export function newResponder(begun: Pick<IkeSaState, FromFirstMessage>): IkeSaState {
  const { localSpi, remoteSpi, path } = begun;
  return {
    ...BLANK,
    ...begun,
    role: 'responder',
    phase: 'half-open',
    connection: undefined,
    origin: { isOurs: false, initiatorSpi: remoteSpi, localSpi },
    // IKE_AUTH will prove that the answer arrived.
    provedPath: path,
    window: freshWindow(0, 1),
  };
}
