// Rows of the tables, from views of the SAs. What is not known is 0.

import { parseAddress } from '../../../base/address.ts';
import { findEspTransform } from '../../../crypto/esp-transform.ts';
import type { LarvalView, SaView } from '../../../sad/sa-view.ts';
import type { ConnectionView, IkeSaView } from '../vici-gateway.ts';
import type { IkeSaRow, SpiRow } from './tables.ts';

const NO_COOKIE = '0'.repeat(16);
const COOKIE_DIGITS = 16;
const SPI_DIGITS = 8;
/** RFC 7296 §3.8, RFC 7427 §3. */
const SHARED_KEY = 2;
const DIGITAL_SIGNATURE = 14;
const IKE_FLAGS = { initiator: 1, REKEYING: 2, REKEYED: 4, DELETING: 8, CONNECTING: 0x10 } as const;
const SPI_FLAGS = { esn: 1, expiring: 2, dying: 4, larval: 8 } as const;

export function ikeSaRow(ikeSa: IkeSaView): IkeSaRow {
  const { state, algorithms, establishedSeconds, lifeSeconds } = ikeSa;
  const flags =
    (ikeSa.isInitiator ? IKE_FLAGS.initiator : 0) |
    (state === 'ESTABLISHED' || state === 'MANUAL' ? 0 : IKE_FLAGS[state]);
  return {
    peer: addressHex(ikeSa.remote.host),
    initiatorCookie: ikeSa.initiatorSpi.padStart(COOKIE_DIGITS, '0'),
    responderCookie: ikeSa.responderSpi.padStart(COOKIE_DIGITS, '0'),
    sa: hex(ikeSa.uniqueId),
    flags: hex(flags),
    encryption: hex(algorithms?.encryption.id),
    keyBits: hex(algorithms?.encryption.keyBits),
    integrity: hex(algorithms?.integrityId),
    prf: hex(algorithms?.prfId),
    group: hex(algorithms?.group),
    renegotiationSeconds: ikeSa.rekeySeconds,
    secondsLeft: lifeSeconds,
    secondsInAll: lifeSeconds === undefined ? undefined : lifeSeconds + (establishedSeconds ?? 0),
    peerName: ikeSa.name,
  };
}

/**
 * @param connection of the peer; undefined where the configuration has it no more
 * @param ikeSa that the SA belongs to now: a rekey of it hands its Child SAs on
 */
export function spiRow(
  sa: SaView,
  connection: ConnectionView | undefined,
  ikeSa: IkeSaView | undefined,
): SpiRow {
  const { transform, hard, current, ikeSpis } = sa;
  const peerIdentity = ikeSa?.remote.identity ?? sa.peerIdentity;
  const numbers = findEspTransform(transform.name);
  const flags = (sa.esn ? SPI_FLAGS.esn : 0) | (sa.state === 'active' ? 0 : SPI_FLAGS[sa.state]);
  const { timeMs } = hard;
  return {
    spi: hex(sa.spi, SPI_DIGITS),
    peer: addressHex(sa.peerAddress),
    host: addressHex(sa.hostAddress),
    sa: hex(sa.id),
    mspi: hex(sa.mspi, SPI_DIGITS),
    initiatorCookie: ikeSa?.initiatorSpi ?? ikeSpis?.initiator ?? NO_COOKIE,
    responderCookie: ikeSa?.responderSpi ?? ikeSpis?.responder ?? NO_COOKIE,
    peerMethod: hex(sa.keying === 'manual' ? 0 : methodOf(connection)),
    peerId: peerIdentity === undefined ? '0' : Buffer.from(peerIdentity, 'utf8').toString('hex'),
    flags: hex(flags),
    encryption: hex(numbers?.encryptionId),
    keyBits: hex(transform.keyBits),
    integrity: hex(numbers?.integrityId),
    integrityKeyBits: hex(transform.integrityKeyBits),
    sequence: hex(sa.sequence),
    window: hex(sa.replayWindow?.packets),
    secondsLeft: timeMs === undefined ? undefined : Math.max(0, Math.round((timeMs - current.timeMs) / 1000)),
    secondsInAll: timeMs === undefined ? undefined : Math.round(timeMs / 1000),
    peerName: sa.peer,
    policy: sa.policy,
  };
}

/** RFC 2367 §2.3: an SPI that is reserved, and has no key. */
export function larvalRow({ spi, peer }: LarvalView, connection: ConnectionView | undefined): SpiRow {
  return {
    ...{ spi: hex(spi, SPI_DIGITS), mspi: hex(spi, SPI_DIGITS), flags: hex(SPI_FLAGS.larval), sa: '0' },
    ...{ peer: addressHex(connection?.remoteAddresses[0]), host: addressHex(undefined) },
    ...{ initiatorCookie: NO_COOKIE, responderCookie: NO_COOKIE, peerId: '0' },
    peerMethod: hex(methodOf(connection)),
    ...{ encryption: '0', keyBits: '0', integrity: '0', integrityKeyBits: '0', sequence: '0', window: '0' },
    ...{ secondsLeft: undefined, secondsInAll: undefined, peerName: peer, policy: undefined },
  };
}

function methodOf(connection: ConnectionView | undefined): number {
  if (connection?.ike === undefined) return 0;
  return connection.ike.remote.class === 'pre-shared key' ? SHARED_KEY : DIGITAL_SIGNATURE;
}

function hex(value: number | undefined, digits = 1): string {
  return (value ?? 0).toString(16).padStart(digits, '0');
}

function addressHex(text: string | undefined): string {
  const address = text === undefined ? undefined : parseAddress(text);
  return address === undefined ? '00000000' : Buffer.from(address.bytes).toString('hex');
}
