// Whole handshakes between two engines in memory, before the gateway is ready: what the configuration proposes works on
// this host, and the first packet does not wait for code that was never run. RFC 7296 §1.2. No message leaves the process.

import { randomBytes } from 'node:crypto';
import { formatAddress, wholeFamily, type Address } from '../base/address.ts';
import { monotonicMs, wallClockMs } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { CryptoProvider } from '../crypto/ike-crypto.ts';
import type { ChildPolicy, Connection, Path } from '../ike/connection.ts';
import { IkeEngine } from '../ike/ike-engine.ts';
import type { AcceptedProposal } from '../ike/proposals.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import type { Identity, IdentityPattern } from '../pad/identity.ts';
import { IdType } from '../wire/ike/iana.ts';

/** The first ones compile what the later ones run. */
const HANDSHAKES = 4;
const SECRET_BYTES = 32;
const IKE_PORT = 500;
const NAT_TRAVERSAL_PORT = 4500;
/** RFC 5737: of no host. */
const INITIATOR = address(1);
const RESPONDER = address(2);
const POLICY = 'self-test';

/** With what the first peer and the first policy propose; says so where that does not work. */
export async function testIke(
  { peers, policies }: Pick<GatewayConfig, 'peers' | 'policies'>,
  crypto: CryptoProvider,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  const ike = peers.find((peer) => peer.ike !== undefined)?.ike?.proposals;
  const child = policies.find((policy) => policy.ike !== undefined)?.ike?.proposals;
  if (ike === undefined || child === undefined) return;
  if (!(await testHandshakes({ ike, child }, crypto)))
    log.warn({}, 'the handshake that tests the proposals of IKE in memory has failed');
}

export interface SelfTestProposals {
  readonly ike: readonly AcceptedProposal[];
  readonly child: readonly AcceptedProposal[];
}

/** @returns whether each handshake made a Child SA */
export async function testHandshakes(proposals: SelfTestProposals, crypto: CryptoProvider): Promise<boolean> {
  let made = 0;
  for (let run = 0; run < HANDSHAKES; run++) if (await makesChildSa(proposals, crypto)) made++;
  return made === HANDSHAKES;
}

async function makesChildSa(proposals: SelfTestProposals, crypto: CryptoProvider): Promise<boolean> {
  const secret = new Uint8Array(randomBytes(SECRET_BYTES));
  const initiator = newEngine(crypto, INITIATOR, RESPONDER, (bytes, path) => {
    responder.receive(bytes, path);
  });
  const responder = newEngine(crypto, RESPONDER, INITIATOR, (bytes, path) => {
    initiator.receive(bytes, path);
  });
  const settled = async (): Promise<void> => {
    // Each of the four messages is one more round.
    for (let message = 0; message < 4; message++) {
      await initiator.settled();
      await responder.settled();
    }
  };
  initiator.useConnections([connectionOf(proposals, secret, INITIATOR, RESPONDER)]);
  responder.useConnections([connectionOf(proposals, secret, RESPONDER, INITIATOR)]);
  initiator.acquire(POLICY, undefined);
  await settled();
  const isMade = [initiator, responder].every(({ states: [ikeSa] }) => ikeSa?.children.length === 1);
  // Both zero the keys.
  initiator.deleteIke(POLICY);
  await settled();
  secret.fill(0);
  return isMade;
}

function newEngine(
  crypto: CryptoProvider,
  local: Address,
  remote: Address,
  deliver: (bytes: Uint8Array, path: Path) => void,
): IkeEngine {
  let nextSpi = 0x100;
  return new IkeEngine({
    now: monotonicMs,
    wallClock: wallClockMs,
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    crypto,
    effects: {
      send: ({ localPort, remotePort }, bytes) => {
        deliver(bytes, {
          localAddress: remote,
          localPort: remotePort,
          remoteAddress: local,
          remotePort: localPort,
        });
      },
      getSpi: () => nextSpi++,
      releaseSpi: () => undefined,
      install: ({ keyMaterial }) => {
        keyMaterial.fill(0);
        return Promise.resolve();
      },
      remove: () => Promise.resolve(),
      move: () => Promise.resolve(),
      childDone: () => undefined,
      pathTo: () =>
        Promise.resolve({
          localAddress: local,
          localPort: IKE_PORT,
          remoteAddress: remote,
          remotePort: IKE_PORT,
        }),
      floatedPort: () => NAT_TRAVERSAL_PORT,
      lastTrafficMs: () => 0,
      wakeAt: () => undefined,
      tell: () => undefined,
    },
  });
}

function connectionOf(
  { ike, child }: SelfTestProposals,
  secret: Uint8Array,
  local: Address,
  remote: Address,
): Connection {
  const authentication = { method: 'psk', secret } as const;
  const all = { protocol: 0, startPort: 0, endPort: 65_535, ...wholeFamily(4) };
  const policy: ChildPolicy = {
    policy: POLICY,
    proposals: child,
    local: [all],
    remote: [all],
    isAskedFor: true,
    onClose: 'close',
  };
  return {
    name: POLICY,
    pad: {
      peer: POLICY,
      local: { identity: identityOf(local), authentication },
      remote: { identity: patternOf(remote), exact: identityOf(remote), authentication },
    },
    remoteAddress: remote,
    remotePort: NAT_TRAVERSAL_PORT,
    proposals: ike,
    children: [policy],
    rekeyMs: Infinity,
    jitterMs: 0,
    expireMs: Infinity,
    livenessMs: 0,
    retransmission: { firstMs: 1000, factor: 2, tries: 1 },
    unique: 'replace',
    childless: false,
    mostChildSas: 1,
    mobike: false,
  };
}

function address(last: number): Address {
  return { family: 4, bytes: Uint8Array.of(192, 0, 2, last) };
}

function identityOf({ bytes }: Address): Identity {
  return { idType: IdType.ID_IPV4_ADDR, data: bytes };
}

function patternOf(one: Address): IdentityPattern {
  return { idType: IdType.ID_IPV4_ADDR, text: formatAddress(one) };
}
