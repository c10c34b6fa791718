// Manually keyed SAs (RFC 4301 §4.5.1): reads the keys that the configuration names, reserves sequence numbers,
// and puts a pair of SAs for each PROTECT policy into the SAD.
//
// Deviation: RFC 4106 §2 forbids counter modes with static keys because a restart would repeat IVs. Here none
// repeats: every number is reserved on disk before it is used (state/sequence-blocks.ts).
// Deviation: RFC 4303 §3.4.3 advises against anti-replay for manual SAs because a sender's counter starts again;
// here it does not. The receiver's window does start empty.

import { ConfigError, InvariantError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { findEspTransform, type EspTransform } from '../crypto/esp-transform.ts';
import type {
  GatewayConfig,
  ManualSa,
  PeerConfig,
  PolicyConfig,
} from '../management/config/gateway-config.ts';
import { checkDistinctKeys, readSecret } from '../management/config/secret.ts';
import type { Sad, SaDescription } from '../sad/sad.ts';
import type { Endpoint, SequenceBlock } from '../sad/security-association.ts';
import type { SaSpecification } from '../spd/policy.ts';
import { SEQUENCE_LIMIT, SEQUENCE_LIMIT_ESN, SequenceBlockStore } from '../state/sequence-blocks.ts';
import { sequenceKeyId } from '../state/sequence-key-id.ts';
import type { SequenceSupply } from './sequence-supply.ts';

export interface KeyedPolicy {
  readonly policy: PolicyConfig;
  readonly specification: SaSpecification;
  readonly transform: EspTransform;
  readonly outboundKey: Uint8Array;
  readonly inboundKey: Uint8Array;
  readonly outbound: ManualSa;
  readonly inbound: ManualSa;
}

/**
 * Reads every key that the configuration names; the caller hands them to {@link fillSad}, which zeroes them.
 * @throws ConfigError where a key is missing or wrong, or two SAs have the same
 */
export function readManualKeys(config: GatewayConfig, log: Logger): readonly KeyedPolicy[] {
  const keyed = config.policies.flatMap((policy) => readKeys(config, policy, log));
  checkDistinctKeys(
    keyed.flatMap(({ policy, outbound, inbound, outboundKey, inboundKey }) => [
      { name: `${policy.name} outbound`, line: outbound.line, key: outboundKey },
      { name: `${policy.name} inbound`, line: inbound.line, key: inboundKey },
    ]),
    config.file,
  );
  return keyed;
}

/**
 * Puts a pair of SAs for each keyed policy into the SAD, with a first block of sequence numbers each.
 * @throws EnvironmentError where numbers cannot be reserved
 */
export async function fillSad(
  sad: Sad,
  config: GatewayConfig,
  keyed: readonly KeyedPolicy[],
  supply: SequenceSupply,
): Promise<void> {
  const store = await SequenceBlockStore.open(config.stateDirectory);
  for (const entry of keyed) {
    const { policy, specification, transform, outboundKey, inboundKey } = entry;
    const keyId = sequenceKeyId(transform.name, outboundKey);
    const limit = specification.esn ? SEQUENCE_LIMIT_ESN : SEQUENCE_LIMIT;
    const reserve = (): Promise<SequenceBlock> => store.reserve(keyId, limit, policy.name);
    supply.add(policy.name, reserve);
    addPair(sad, config, entry, await reserve());
    outboundKey.fill(0);
    inboundKey.fill(0);
  }
}

function readKeys(config: GatewayConfig, policy: PolicyConfig, log: Logger): KeyedPolicy[] {
  const { sa: specification, manual } = policy;
  if (specification === undefined || manual === undefined) return [];
  const transform = findEspTransform(specification.transform);
  if (transform === undefined)
    throw new ConfigError(`${policy.name}: unknown transform ${specification.transform}`);
  const read = (sa: ManualSa): Uint8Array =>
    readSecret(sa.key, { file: config.file, line: sa.line, transform, log });
  return [
    {
      policy,
      specification,
      transform,
      outbound: manual.outbound,
      inbound: manual.inbound,
      outboundKey: read(manual.outbound),
      inboundKey: read(manual.inbound),
    },
  ];
}

function addPair(sad: Sad, config: GatewayConfig, entry: KeyedPolicy, block: SequenceBlock): void {
  const { policy, specification, transform } = entry;
  const description: SaDescription = {
    policy: policy.name,
    peer: specification.peer,
    transform,
    esn: specification.esn,
    // A manual SA carries whatever its policy does.
    selectors: policy.selectors,
  };
  const endpoint = endpointOf(config, specification.peer);
  sad.addOutbound(description, entry.outbound.spi, entry.outboundKey, endpoint, block);
  sad.addInbound(description, entry.inbound.spi, entry.inboundKey, specification.replayWindowPackets);
}

function endpointOf(config: GatewayConfig, peerName: string): Endpoint {
  const peer: PeerConfig | undefined = config.peers.find(({ name }) => name === peerName);
  const socket = config.udp.listen.findIndex(({ address }) => address.family === peer?.address.family);
  if (peer === undefined || socket < 0)
    throw new InvariantError(
      `peer ${peerName} has no address or no socket; the configuration was not checked`,
    );
  return { socket, address: peer.address.bytes, port: peer.port };
}
