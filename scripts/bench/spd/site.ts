// A packet path of a given size with the parts that packets meet, each to be asked alone: the decisions, and the whole
// ways out and in.

import { Associations } from '../../../src/dataplane/associations.ts';
import { Audit } from '../../../src/dataplane/audit.ts';
import type { BatchMemory } from '../../../src/dataplane/batch-memory.ts';
import { allocateCounters, type Counters } from '../../../src/dataplane/counters.ts';
import { Inbound } from '../../../src/dataplane/inbound.ts';
import { IkeDatagrams } from '../../../src/dataplane/ike-datagrams.ts';
import { Lifetimes } from '../../../src/dataplane/lifetimes.ts';
import { Outbound } from '../../../src/dataplane/outbound.ts';
import { Peers } from '../../../src/dataplane/peers.ts';
import { SpdInbound } from '../../../src/dataplane/spd-inbound.ts';
import { SpdOutbound } from '../../../src/dataplane/spd-outbound.ts';
import { compileSpd } from '../../../src/spd/compiled-spd.ts';
import { SpdSnapshot } from '../../../src/spd/snapshot.ts';
import { NullDevices, NullEngine } from './null-devices.ts';
import { makePolicies } from './policies.ts';
import type { SpdSize } from './results.ts';
import { benchTransform, inboundSa, outboundSa, SaSupply, spiOf } from './sa-supply.ts';

const INNER_MTU = 1438;
const GENERATION = 1;

export interface SpdSite {
  readonly size: SpdSize;
  readonly memory: BatchMemory;
  readonly associations: Associations;
  readonly counters: Counters;
  readonly spdOutbound: SpdOutbound;
  readonly spdInbound: SpdInbound;
  readonly outbound: Outbound;
  readonly inbound: Inbound;
}

/** @param memory may be that of other sites, one at a time @param packets that its devices bring at once */
export async function buildSite(size: SpdSize, memory: BatchMemory, packets: number): Promise<SpdSite> {
  const policies = makePolicies(size.policies);
  const snapshot = new SpdSnapshot(compileSpd(GENERATION, policies));
  const ignore = (): void => undefined;
  const devices = new NullDevices(packets);
  const engine = new NullEngine();
  const counters = allocateCounters();
  const peers = new Peers({ memory, devices, onEvent: ignore });
  const associations = new Associations(engine, devices, peers);
  associations.usePolicies(snapshot.policies);
  const flowSeed = 1;
  const captures = { tap: undefined };
  const parts = {
    ...{ memory, devices, engine, counters, captures, peers, associations, flowSeed },
    innerMtu: INNER_MTU,
    raisesHopLimit: false,
    onSequenceLow: ignore,
    onEvent: ignore,
    ike: new IkeDatagrams({ memory, devices, counters, captures, onEvent: ignore }),
    lifetimes: new Lifetimes(associations, ignore),
    audit: new Audit(memory, ignore),
  };
  await installSas(associations, policies, size.sas);
  return {
    ...{ size, memory, associations, counters },
    spdOutbound: new SpdOutbound(snapshot, associations, flowSeed, memory.clock),
    spdInbound: new SpdInbound(snapshot, flowSeed, memory.clock),
    outbound: new Outbound(parts, snapshot),
    inbound: new Inbound(parts, snapshot),
  };
}

/** SA i of each direction belongs to policy i modulo their number. */
async function installSas(
  associations: Associations,
  policies: ReturnType<typeof makePolicies>,
  sas: number,
): Promise<void> {
  const transform = benchTransform();
  const supply = new SaSupply(associations);
  const pairs = Array.from({ length: sas }, (_, index) => {
    const { name, selectors, sa } = policies[index % policies.length]!;
    return { policy: name, peer: sa?.peer ?? name, selectors, spi: spiOf(index) };
  });
  await supply.add(pairs.flatMap((pair) => [outboundSa(pair, transform), inboundSa(pair, transform)]));
  supply.close();
}
