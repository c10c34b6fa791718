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
import type { NewInboundSa, NewOutboundSa, SaDescription } from '../sad/sa-record.ts';
import type { Endpoint, NextBlock, SequenceBlock } from '../sad/security-association.ts';
import type { SaSpecification } from '../spd/policy.ts';
import { SEQUENCE_LIMIT, SEQUENCE_LIMIT_ESN, SequenceBlockStore } from '../state/sequence-blocks.ts';
import { sequenceKeyId } from '../state/sequence-key-id.ts';

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
 * Reads every key that the configuration names; the caller zeroes them with {@link zeroKeys}.
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
 * Makes a pair of new SAs of each keyed policy, with a first block of sequence numbers each.
 * @throws EnvironmentError where numbers cannot be reserved
 */
export async function manualSas(
  config: GatewayConfig,
  keyed: readonly KeyedPolicy[],
): Promise<readonly (NewInboundSa | NewOutboundSa)[]> {
  const store = await SequenceBlockStore.open(config.stateDirectory);
  const sas: (NewInboundSa | NewOutboundSa)[] = [];
  for (const entry of keyed) {
    const { policy, specification, transform, outboundKey } = entry;
    const keyId = sequenceKeyId(transform.name, outboundKey);
    const limit = specification.esn ? SEQUENCE_LIMIT_ESN : SEQUENCE_LIMIT;
    const nextBlock = (): Promise<SequenceBlock> => store.reserve(keyId, limit, policy.name);
    sas.push(...makePair(config, entry, await nextBlock(), nextBlock));
  }
  return sas;
}

export function zeroKeys(keyed: readonly KeyedPolicy[]): void {
  for (const { outboundKey, inboundKey } of keyed) {
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

function makePair(
  config: GatewayConfig,
  entry: KeyedPolicy,
  block: SequenceBlock,
  nextBlock: NextBlock,
): [NewOutboundSa, NewInboundSa] {
  const { policy, specification, transform } = entry;
  const endpoint = endpointOf(config, specification.peer);
  const local = endpoint && config.udp.listen[endpoint.socket]?.address.bytes;
  const description: SaDescription = {
    policy: policy.name,
    peer: specification.peer,
    transform,
    esn: specification.esn,
    // A manual SA carries whatever its policy does.
    selectors: policy.selectors,
    lifetime: specification.lifetime,
    tunnel: specification.tunnel,
    outerAddresses: local && { local, remote: endpoint.address },
    origin: { keying: 'manual' },
  };
  return [
    {
      ...description,
      direction: 'outbound',
      spi: entry.outbound.spi,
      keyMaterial: entry.outboundKey,
      endpoint,
      block,
      nextBlock,
      inboundSpi: entry.inbound.spi,
    },
    {
      ...description,
      direction: 'inbound',
      spi: entry.inbound.spi,
      keyMaterial: entry.inboundKey,
      replayWindowPackets: specification.replayWindowPackets,
    },
  ];
}

/** @returns undefined where the peer is found by its packets */
export function endpointOf(config: GatewayConfig, peerName: string): Endpoint | undefined {
  const peer: PeerConfig | undefined = config.peers.find(({ name }) => name === peerName);
  if (peer === undefined)
    throw new InvariantError(`there is no peer ${peerName}; the configuration was not checked`);
  const { address, port } = peer;
  if (address === undefined || port === undefined) return undefined;
  const socket = config.udp.listen.findIndex((listen) => listen.address.family === address.family);
  if (socket < 0)
    throw new InvariantError(`peer ${peerName} has no socket; the configuration was not checked`);
  return { socket, address: address.bytes, port };
}
