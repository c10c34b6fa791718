// The hint of where much comes from: now and then, and only of what was authentic and new.

import { expect, test } from 'vitest';
import { encapsulate, type EspFields, type EspKey } from '../../support/esp-peer.ts';
import { echoRequest } from '../../support/packets.ts';
import {
  createSite,
  installPair,
  receive,
  testKey,
  transformNamed,
  usePolicies,
  type TestSite,
} from '../../support/packet-path-link.ts';
import { ANY, policy, prefix } from '../../support/policies.ts';

const KEY = { keyMaterial: testKey(transformNamed('aes256gcm16'), 2), spi: 0x2002 };
const WRONG_KEY = { ...KEY, keyMaterial: testKey(transformNamed('aes256gcm16'), 99) };
const ENOUGH = 1000;

function start(): { readonly site: TestSite; readonly hints: number[] } {
  const site = createSite('native');
  installPair(site, { selectors: { ...ANY, remoteAddress: [prefix('10.0.2.0/24')] } });
  usePolicies(site, [policy('tunnel')]);
  const hints: number[] = [];
  Object.assign(site.devices, { expectMoreFrom: (datagram: number) => hints.push(datagram) });
  return { site, hints };
}

function arrive(site: TestSite, fields: Partial<EspFields>, key: EspKey = KEY): void {
  const inner = echoRequest({ source: '10.0.2.7', destination: '10.0.1.5' });
  receive(site, encapsulate(key, { sequence: 1, inner, ...fields }));
}

test('forged, replayed and refused packets are no hint', () => {
  const { site, hints } = start();
  arrive(site, { sequence: 5 });
  site.path.turn();
  const foreign = echoRequest({ source: '10.9.9.9', destination: '10.0.1.5' });
  for (let sequence = 6; sequence < ENOUGH; sequence++) {
    arrive(site, { sequence }, WRONG_KEY);
    arrive(site, { sequence: 5 });
    arrive(site, { sequence, inner: foreign });
    site.path.turn();
  }
  expect(site.frames).toHaveLength(1);
  expect(hints).toEqual([]);
});

test('it is seldom, and names the datagram that the last accepted packet came in', () => {
  const { site, hints } = start();
  for (let sequence = 1; sequence <= ENOUGH; sequence++) {
    arrive(site, { sequence }, WRONG_KEY);
    arrive(site, { sequence });
    arrive(site, { sequence: ENOUGH + sequence }, WRONG_KEY);
    site.path.turn();
  }
  expect(site.frames).toHaveLength(ENOUGH);
  expect(new Set(hints)).toEqual(new Set([1]));
  expect(hints.length).toBeGreaterThan(2);
  expect(hints.length).toBeLessThan(ENOUGH / 50);
});
