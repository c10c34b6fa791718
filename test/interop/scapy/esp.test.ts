// ESP against scapy, an independent implementation: what a gateway sends scapy opens, and what scapy sends a gateway
// takes. Every transform that it knows, both engines, both inner families, 32-bit and extended sequence numbers.

import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ESP_TRANSFORMS } from '../../../src/crypto/esp-transform.ts';
import { SaField } from '../../../src/sad/sa-state.ts';
import {
  createSite,
  installPair,
  receive,
  testKey,
  transformNamed,
  usePolicies,
  type TestSite,
} from '../../support/packet-path-link.ts';
import { echoRequest, tcpPacket, udpPacket } from '../../support/packets.ts';
import { policy, SA_SPECIFICATION } from '../../support/policies.ts';
import { cutSuperPacket } from '../../support/super-packets.ts';
import { hex, ScapyPeer, type ScapyAnswer, type ScapyRequest } from './scapy-peer.ts';

const IPV4 = { source: '10.0.1.5', destination: '10.0.2.7' };
const IPV6 = { source: 'fd00:1::5', destination: 'fd00:2::7' };
const OUTBOUND = { spi: 0x1001, seed: 1 };
const INBOUND = { spi: 0x2002, seed: 2 };

/** Every padding length, both families, and a packet of full size. */
const INNER: readonly Uint8Array[] = [IPV4, IPV6].flatMap((ip) => [
  echoRequest(ip),
  ...[0, 1, 2, 3].map((size) => udpPacket(ip, { data: new Uint8Array(size).fill(7) })),
  tcpPacket(ip, { data: Uint8Array.from({ length: 1360 }, (_, i) => i) }),
]);

const scapy = new ScapyPeer();
afterAll(() => scapy.close());

const outcome = ({ packet, error }: ScapyAnswer): string | undefined => error ?? packet;

/** scapy knows no GMAC and no shortened ICV of GCM. With an HMAC it knows no extended sequence numbers. */
const isKnown = (name: string, esn: boolean): boolean =>
  !/gmac|gcm8|gcm12/.test(name) && !(esn && /-sha/.test(name));

const CASES = (['native', 'portable'] as const).flatMap((engine) =>
  ESP_TRANSFORMS.flatMap(({ name: transform }) =>
    [false, true]
      .filter((esn) => isKnown(transform, esn))
      .map((esn) => ({ engine, transform, esn, first: esn ? 5 * 2 ** 32 + 7 : 7 })),
  ),
);

describe.each(CASES)('$engine engine, $transform, ESN $esn', ({ engine, transform, esn, first }) => {
  let site: TestSite;

  beforeEach(() => {
    site = createSite(engine);
    const { inbound } = installPair(site, {
      transform,
      esn,
      outboundSpi: OUTBOUND.spi,
      outboundSeed: OUTBOUND.seed,
      inboundSpi: INBOUND.spi,
      inboundSeed: INBOUND.seed,
      block: { first, end: first + 1000 },
    });
    inbound.state[SaField.sequence] = first - 1;
    usePolicies(site, [policy('tunnel', { sa: { ...SA_SPECIFICATION, transform, esn } })]);
  });

  const request = (
    operation: ScapyRequest['operation'],
    { spi, seed }: { readonly spi: number; readonly seed: number },
    sequence: number,
    packet: Uint8Array,
  ): ScapyRequest => {
    const known = transformNamed(transform);
    const all = testKey(known, seed);
    const keyMaterial = all.subarray(0, known.keyBytes + known.saltBytes);
    const integrityKey = all.subarray(keyMaterial.length);
    return { operation, transform, keyMaterial, integrityKey, spi, esn, sequence, packet };
  };

  test('scapy opens what the gateway sends', async () => {
    for (const bytes of INNER) site.devices.pushFrame({ bytes });
    site.path.turn();
    const requests = site.datagrams.map(({ bytes }, i) => request('decapsulate', OUTBOUND, first + i, bytes));
    // Two that must be refused, so that an accepted one says something: another high half, and a changed byte.
    const [packet = new Uint8Array()] = site.datagrams.map(({ bytes }) => bytes);
    const changed = Uint8Array.from(packet, (byte, i) => (i === 20 ? byte ^ 1 : byte));
    const refused = [
      request('decapsulate', OUTBOUND, first, changed),
      ...(esn ? [request('decapsulate', OUTBOUND, first + 2 ** 32, packet)] : []),
    ];
    const answers = await scapy.ask([...requests, ...refused]);
    expect(answers.slice(0, requests.length).map(outcome)).toEqual(INNER.map(hex));
    for (const answer of answers.slice(requests.length)) expect(answer.error).toMatch(/IPSecIntegrityError/);
  });

  test.each([IPV4, IPV6])('scapy opens every segment of a super-packet', async (ip) => {
    const whole = tcpPacket(ip, { data: Uint8Array.from({ length: 3000 }, (_, i) => i * 13), flags: 0x18 });
    const gsoType = ip === IPV4 ? 1 : 4;
    site.devices.pushFrame({ bytes: whole, gsoType, segmentSize: 1000, flags: 1 });
    site.path.turn();
    const requests = site.datagrams.map(({ bytes }, i) => request('decapsulate', OUTBOUND, first + i, bytes));
    expect((await scapy.ask(requests)).map(outcome)).toEqual(cutSuperPacket(whole, 1000).map(hex));
  });

  test('the gateway takes what scapy sends', async () => {
    const answers = await scapy.ask(
      INNER.map((packet, i) => request('encapsulate', INBOUND, first + i, packet)),
    );
    for (const { packet, error } of answers) {
      expect(error).toBeUndefined();
      receive(site, Buffer.from(packet ?? '', 'hex'));
      // One by one, so that nothing is joined.
      site.path.turn();
    }
    expect(site.frames.map(({ bytes }) => hex(bytes))).toEqual(INNER.map(hex));
    expect(site.drops()).toEqual({});
  });
});
