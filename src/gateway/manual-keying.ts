// Manually keyed SAs (RFC 4301 §4.5.1): reads the keys that the configuration names, reserves sequence numbers,
// and puts a pair of SAs for each PROTECT policy into the SAD.

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

/** Reserves the next block of sequence numbers for the outbound SA of a policy. */
export type ReserveBlock = (policy: string) => Promise<SequenceBlock>;

interface KeyedPolicy {
  readonly policy: PolicyConfig;
  readonly specification: SaSpecification;
  readonly transform: EspTransform;
  readonly outboundKey: Uint8Array;
  readonly inboundKey: Uint8Array;
  readonly outbound: ManualSa;
  readonly inbound: ManualSa;
}

/**
 * Fills the SAD from the configuration. The keys are zeroed here once the SAD has them.
 * @returns how to reserve further blocks of numbers
 * @throws ConfigError where a key is missing or wrong, EnvironmentError where numbers cannot be reserved
 */
export async function installManualSas(config: GatewayConfig, sad: Sad, log: Logger): Promise<ReserveBlock> {
  const keyed = config.policies.flatMap((policy) => readKeys(config, policy, log));
  checkDistinctKeys(
    keyed.flatMap(({ policy, outbound, inbound, outboundKey, inboundKey }) => [
      { name: `${policy.name} outbound`, line: outbound.line, key: outboundKey },
      { name: `${policy.name} inbound`, line: inbound.line, key: inboundKey },
    ]),
    config.file,
  );
  const store = await SequenceBlockStore.open(config.stateDirectory);
  const reservations = new Map<string, () => Promise<SequenceBlock>>();
  for (const entry of keyed) {
    const { policy, specification, transform, outboundKey } = entry;
    const keyId = sequenceKeyId(transform.name, outboundKey);
    const limit = specification.esn ? SEQUENCE_LIMIT_ESN : SEQUENCE_LIMIT;
    const reserve = (): Promise<SequenceBlock> => store.reserve(keyId, limit, policy.name);
    reservations.set(policy.name, reserve);
    addPair(sad, config, entry, await reserve());
    entry.outboundKey.fill(0);
    entry.inboundKey.fill(0);
  }
  return async (policy) => {
    const reserve = reservations.get(policy);
    if (reserve === undefined) throw new InvariantError(`policy ${policy} has no manual SA`);
    return reserve();
  };
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
