// RFC 7296 §2.5: payloads leave in the order of the figures in §1 and §2. Notifies are in few of these and may stand
// between.

import { expect, test } from 'vitest';
import type { Connection } from '../../src/ike/connection.ts';
import { parseCertificate } from '../../src/pki/certificate.ts';
import { NotifyType } from '../../src/wire/ike/iana.ts';
import type { Payload } from '../../src/wire/ike/payload.ts';
import { IkeNetwork, type SiteName } from '../support/ike-network.ts';
import { Authority, newKeys } from '../support/lab-authority.ts';
import { payloadsOf } from '../support/opened-message.ts';

const ROOT = new Authority('C=DE, O=Lab, CN=Root');

function certified(connection: Connection, site: SiteName): Connection {
  const { pad } = connection;
  const keys = newKeys('ed25519');
  const chain = [ROOT.issue(`gw-${site}.example.org`, keys.publicKey)];
  const own = { method: 'signature', ...keys, chain, rsaPadding: 'pss' } as const;
  const trust = {
    method: 'certificate',
    anchors: [parseCertificate(ROOT.der)],
    revocationLists: [],
  } as const;
  return {
    ...connection,
    pad: {
      ...pad,
      local: { ...pad.local, authentication: own },
      remote: { ...pad.remote, authentication: trust },
    },
  };
}

function isInFigures(payload: Payload): boolean {
  return payload.type !== 'N' || payload.notifyType === NotifyType.REKEY_SA;
}

/** Delivers everything. @returns what each message held */
async function observe(net: IkeNetwork): Promise<readonly string[]> {
  const seen: string[] = [];
  await net.settled();
  while (net.flying.length > 0) {
    const flying = net.take();
    const types = payloadsOf(net, flying)
      .filter(isInFigures)
      .map(({ type }) => type);
    seen.push(`${flying.name}: ${types.join(' ')}`);
    await net.deliver(flying);
  }
  return seen;
}

test('RFC 7296 §2.5: the order of the figures of §1.2, with certificates', async () => {
  const net = new IkeNetwork(certified);
  net.a.engine.acquire('to-b', undefined);
  expect(await observe(net)).toEqual([
    'IKE_SA_INIT request 0: SA KE NONCE',
    'IKE_SA_INIT response 0: SA KE NONCE CERTREQ',
    'IKE_AUTH request 1: IDi CERT CERTREQ IDr AUTH SA TSi TSr',
    'IKE_AUTH response 1: IDr CERT AUTH SA TSi TSr',
  ]);
});

test('RFC 7296 §2.5: the order of the figures of §1.3.3 and §1.4.1, with a key exchange', async () => {
  const net = new IkeNetwork();
  await net.connect();
  net.a.engine.rekeyChild(net.childOf('a').inboundSpi);
  expect(await observe(net)).toEqual([
    'CREATE_CHILD_SA request 2: N SA NONCE KE TSi TSr',
    'CREATE_CHILD_SA response 2: SA NONCE KE TSi TSr',
    'INFORMATIONAL request 3: D',
    'INFORMATIONAL response 3: D',
  ]);
});

test('RFC 7296 §2.5: the order of the figure of §1.3.2', async () => {
  const net = new IkeNetwork();
  await net.connect();
  const [state] = net.states('a');
  if (state !== undefined) net.a.engine.rekeyIke(state.localSpi);
  expect(await observe(net)).toEqual([
    'CREATE_CHILD_SA request 2: SA NONCE KE',
    'CREATE_CHILD_SA response 2: SA NONCE KE',
    'INFORMATIONAL request 3: D',
    'INFORMATIONAL response 3: ',
  ]);
});
