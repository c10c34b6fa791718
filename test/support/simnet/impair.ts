// Impairments as libreswan has them: one message is lost, repeated, late or changed, or one step of a worker fails. They stand
// between the gateways and the network, and between the gateways and their workers; the gateways know nothing of them.

import type { Command } from '../../../src/dataplane/commands.ts';
import { encodeEncrypted } from '../../../src/wire/ike/encrypted.ts';
import { ExchangeType } from '../../../src/wire/ike/iana.ts';
import { decodeIkeHeader } from '../../../src/wire/ike/ike-header.ts';
import { decodeMessage, decodePayloads, encodeMessage } from '../../../src/wire/ike/message.ts';
import type { Payload } from '../../../src/wire/ike/payload.ts';
import type { SiteName } from '../ike-network.ts';
import type { WireDatagram } from './sim-gateway.ts';
import type { Between, SimWorld } from './sim-world.ts';

const NON_ESP_MARKER_BYTES = 4;
const NAT_TRAVERSAL_PORT = 4500;

/** Which message of IKE is meant: the first of its kind. */
export interface MessageKind {
  readonly from: SiteName;
  readonly exchange: keyof typeof ExchangeType;
  readonly isResponse: boolean;
}

/** Gives what leaves in the place of a message. */
type Treatment = (world: SimWorld, from: SiteName, datagram: WireDatagram) => readonly WireDatagram[];

/** Something that happens once. */
export class Impairment implements Between {
  world: SimWorld | undefined;
  /** How often the message that is meant was sent, as it was before it was impaired. */
  readonly sent: Uint8Array[] = [];
  hasHappened = false;
  readonly #kind: MessageKind | undefined;
  readonly #treatment: Treatment | undefined;
  readonly #command: ((site: SiteName, command: Command) => boolean) | undefined;

  private constructor(
    kind: MessageKind | undefined,
    treatment: Treatment | undefined,
    command?: (site: SiteName, command: Command) => boolean,
  ) {
    this.#kind = kind;
    this.#treatment = treatment;
    this.#command = command;
  }

  static ofMessage(kind: MessageKind, treatment: Treatment): Impairment {
    return new Impairment(kind, treatment);
  }

  /** @param act on each single command of an SA, until it returns true or throws */
  static ofCommand(act: (site: SiteName, command: Command) => boolean): Impairment {
    return new Impairment(undefined, undefined, act);
  }

  datagram(from: SiteName, datagram: WireDatagram): readonly WireDatagram[] {
    const message = ikeMessageIn(datagram);
    if (message === undefined || this.#kind === undefined || !isOf(message, from, this.#kind))
      return [datagram];
    this.sent.push(Uint8Array.from(datagram.bytes));
    if (this.hasHappened || this.world === undefined || this.#treatment === undefined) return [datagram];
    this.hasHappened = true;
    return this.#treatment(this.world, from, datagram);
  }

  command(site: SiteName, command: Command): void {
    for (const one of command.type === 'together' ? command.commands : [command]) {
      if (this.hasHappened || this.#command === undefined) return;
      try {
        this.hasHappened = this.#command(site, one);
      } catch (error) {
        this.hasHappened = true;
        throw error;
      }
    }
  }
}

export const drop: Treatment = () => [];

export const duplicate: Treatment = (_world, _from, datagram) => [datagram, datagram];

export const delay =
  (ms: number): Treatment =>
  (world, _from, datagram) => {
    world.network.inject(datagram, ms);
    return [];
  };

/** One bit, in the middle. */
export const corrupt: Treatment = (_world, _from, datagram) => {
  const bytes = Uint8Array.from(datagram.bytes);
  bytes[bytes.length >>> 1]! ^= 0x10;
  return [{ ...datagram, bytes }];
};

/** Other payloads, under the sender's own keys where there are some: what a defective peer would send. */
const rewrite =
  (change: (payloads: readonly Payload[]) => readonly Payload[]): Treatment =>
  (world, from, datagram) => {
    const bytes = ikeMessageIn(datagram) ?? datagram.bytes;
    const marker = datagram.bytes.subarray(0, datagram.bytes.length - bytes.length);
    return [{ ...datagram, bytes: Buffer.concat([marker, rewritten(world, from, bytes, change)]) }];
  };

export const omit = (type: Payload['type']): Treatment =>
  rewrite((payloads) => payloads.filter((payload) => payload.type !== type));

export const repeat = (type: Payload['type']): Treatment =>
  rewrite((payloads) =>
    payloads.flatMap((payload) => (payload.type === type ? [payload, payload] : [payload])),
  );

export const changeNonce: Treatment = rewrite((payloads) =>
  payloads.map((payload) =>
    payload.type === 'NONCE' ? { ...payload, nonce: payload.nonce.map((byte) => byte ^ 0x55) } : payload,
  ),
);

export const zeroSpi: Treatment = rewrite((payloads) =>
  payloads.map((payload) =>
    payload.type === 'SA'
      ? {
          ...payload,
          proposals: payload.proposals.map((one) => ({ ...one, spi: new Uint8Array(one.spi.length) })),
        }
      : payload,
  ),
);

function rewritten(
  world: SimWorld,
  from: SiteName,
  bytes: Uint8Array,
  change: (payloads: readonly Payload[]) => readonly Payload[],
): Uint8Array {
  const { header, payloads } = decodeMessage(bytes);
  const sk = payloads.at(-1);
  if (sk?.type !== 'SK') return encodeMessage(header, change(payloads));
  const own = header.isFromInitiator ? header.initiatorSpi : header.responderSpi;
  const security = world.gateway(from).engine.states.find(({ localSpi }) => localSpi === own)?.security;
  if (security === undefined) throw new Error(`site ${from} has no keys for the IKE SA ${own}`);
  const { cipher, keys } = security;
  const secret = header.isFromInitiator
    ? { encryption: keys.skEi, integrity: keys.skAi }
    : { encryption: keys.skEr, integrity: keys.skAr };
  const inner = cipher.decrypt(secret, bytes.subarray(0, bytes.length - sk.body.length), sk.body);
  if (inner === undefined) throw new Error(`site ${from} has sent what it cannot read`);
  const [message] = encodeEncrypted(header, change(decodePayloads(sk.firstPayload, inner)), {
    overheadFor: (innerBytes) => cipher.bodyBytes(innerBytes),
    encrypt: (head, text) => cipher.encrypt(secret, sk.body.slice(0, cipher.ivBytes), head, text),
    decrypt: () => undefined,
  });
  if (message === undefined) throw new Error('nothing was encoded');
  return message;
}

/** Without non-ESP marker; undefined where it is ESP or a keepalive. */
function ikeMessageIn({ bytes, sourcePort }: WireDatagram): Uint8Array | undefined {
  if (sourcePort !== NAT_TRAVERSAL_PORT) return bytes;
  const isIke =
    bytes.length > NON_ESP_MARKER_BYTES &&
    bytes.subarray(0, NON_ESP_MARKER_BYTES).every((byte) => byte === 0);
  return isIke ? bytes.subarray(NON_ESP_MARKER_BYTES) : undefined;
}

function isOf(message: Uint8Array, from: SiteName, kind: MessageKind): boolean {
  const { exchangeType, isResponse } = decodeIkeHeader(message);
  return from === kind.from && exchangeType === ExchangeType[kind.exchange] && isResponse === kind.isResponse;
}
