// Walks an imagined packet, and its answer, through the SPD and the SAD that are in force. The decisions are made by the
// code that makes them for packets (SpdOutbound, SpdInbound), on the tables that the workers have; here they are told.
// RFC 4301 §5.1, §5.2.

import { formatAddress } from '../../base/address.ts';
import { Drop, DROP_REASONS } from '../../dataplane/drop-reasons.ts';
import { ACCEPT_BYPASS, SpdInbound } from '../../dataplane/spd-inbound.ts';
import { ACQUIRE, BYPASS, SpdOutbound, type SelectingSa } from '../../dataplane/spd-outbound.ts';
import type { GatewayConfig, PolicyConfig } from '../../management/config/gateway-config.ts';
import type { Decision, Explanation, ImaginedPacket, Way } from '../../management/vici/extensions/explain.ts';
import type { Outcome } from '../../management/vici/extensions/outcome.ts';
import type { Sad } from '../../sad/sad.ts';
import type { SaRecord } from '../../sad/sa-record.ts';
import { formatSpi } from '../../sad/spi-allocation.ts';
import type { CompiledSpd } from '../../spd/compiled-spd.ts';
import { createFlow, readFlow, type Flow } from '../../spd/flow.ts';
import { entryOfPeer } from '../../spd/peer-name.ts';
import { SelectorMatcher } from '../../spd/selector-match.ts';
import { SpdSnapshot } from '../../spd/snapshot.ts';
import { describeNearest, sidesText } from './near-miss.ts';
import { answerTo, packetBytes, packetText } from './packet-bytes.ts';

export interface ExplainedGateway {
  readonly config: Pick<GatewayConfig, 'policies' | 'guardedInterfaces'>;
  /** What the workers have. */
  readonly spd: CompiledSpd;
  readonly sad: Pick<Sad, 'outbound' | 'inbound'>;
  /** Why the SAs of a policy are not there. */
  readonly whyDown: (policy: string) => string | undefined;
}

interface LiveSa extends SelectingSa {
  readonly record: SaRecord;
}

/** Nobody guesses the flows of one packet. */
const FLOW_SEED = 0;
const NO_TIME = new Float64Array(1);
/** Of what SAs are for; there may be thousands. */
const MOST_SHOWN = 3;

export function explainPacket(gateway: ExplainedGateway, packet: ImaginedPacket): Explanation {
  const walk = new Walk(gateway);
  const answer = answerTo(packet);
  const ways = walk.isFromOutside(packet)
    ? [walk.inbound(packet), walk.outbound(answer)]
    : [walk.outbound(packet), walk.inbound(answer)];
  return { outcome: worst(ways), ways };
}

class Walk {
  readonly #gateway: ExplainedGateway;
  readonly #snapshot: SpdSnapshot;
  readonly #policies: ReadonlyMap<string, PolicyConfig>;

  constructor(gateway: ExplainedGateway) {
    this.#gateway = gateway;
    this.#snapshot = new SpdSnapshot(gateway.spd);
    this.#policies = new Map(gateway.config.policies.map((policy) => [policy.name, policy]));
  }

  /** A policy takes it, but only as what arrives. */
  isFromOutside(packet: ImaginedPacket): boolean {
    return (
      this.#snapshot.lookup(flowOf(packet, true)) < 0 && this.#snapshot.lookup(flowOf(packet, false)) >= 0
    );
  }

  outbound(packet: ImaginedPacket): Way {
    const judged = this.#judgeOutbound(packet);
    const { verdict, sa, policy } = judged;
    if (verdict === BYPASS)
      return this.#way('outbound', packet, [
        this.#decision('SPD-O', 'passes', 'BYPASS: it leaves in clear', policy),
      ]);
    if (verdict !== ACQUIRE && (policy?.action !== 'PROTECT' || verdict === -Drop.outboundFragmentPorts))
      return this.#way('outbound', packet, [
        this.#decision(
          'SPD-O',
          'dropped',
          sentenceOf(verdict),
          policy,
          policy === undefined
            ? this.#policyFor(flowOf(packet, true))
            : `narrow or remove ${policy.name}, or write a policy before it`,
        ),
      ]);
    const peer = policy?.sa?.peer ?? '';
    const spd = this.#decision('SPD-O', 'passes', `PROTECT with ${peer}`, policy);
    return this.#way('outbound', packet, [spd, this.#chosenSa(verdict, sa?.record, policy)]);
  }

  inbound(packet: ImaginedPacket): Way {
    // What goes the other way says by which SA this one comes.
    const { verdict, sa, policy } = this.#judgeOutbound(answerTo(packet));
    const inClear = this.#inClear(packet);
    const carrying = sa === undefined ? undefined : this.#inboundOf(sa.record);
    if (carrying === undefined) {
      // Without a tunnel there is only one way to arrive.
      if (policy?.action !== 'PROTECT') return this.#way('inbound', packet, [inClear]);
      const mend = this.#whyDown(policy.name);
      const outcome = verdict === ACQUIRE && !this.#isNarrow(policy) ? 'waits' : 'dropped';
      const none = this.#decision('SAD', outcome, 'no inbound SA that it could come by', policy, mend);
      return this.#way('inbound', packet, [none, asAside(inClear)]);
    }
    const by = this.#decision('SAD', 'passes', `by the SA ${saText(carrying)}`, undefined);
    return this.#way('inbound', packet, [by, this.#judgeInbound(packet, carrying), asAside(inClear)]);
  }

  #judgeOutbound(packet: ImaginedPacket): {
    readonly verdict: number;
    readonly sa: LiveSa | undefined;
    readonly policy: PolicyConfig | undefined;
  } {
    const { sad } = this.#gateway;
    const { policies } = this.#snapshot;
    const spd = new SpdOutbound<LiveSa>(
      this.#snapshot,
      {
        outboundOf: (index) => liveSasOf(sad.outbound, policies[index]?.name),
        epochOf: () => 0,
        outboundBySlot: () => undefined,
      },
      FLOW_SEED,
      NO_TIME,
    );
    const bytes = packetBytes(packet);
    const verdict = spd.judge(bytes, 0, bytes.length);
    return { verdict, sa: verdict >= 0 ? spd.sa : undefined, policy: this.#policyOf(spd.policy?.name) };
  }

  #chosenSa(verdict: number, sa: SaRecord | undefined, policy: PolicyConfig | undefined): Decision {
    const name = policy?.name ?? '';
    if (sa === undefined) {
      const made = this.#sasOf(name);
      const isNarrow =
        verdict === -Drop.outboundOutsideSelectors || (verdict === ACQUIRE && this.#isNarrow(policy));
      const outcome = verdict === ACQUIRE && !isNarrow ? 'waits' : 'dropped';
      const verdictText =
        verdict === ACQUIRE ? 'no SA takes it: IKE is asked for one, and it waits' : sentenceOf(verdict);
      const narrow = isNarrow ? narrowText(made.map(({ selectors }) => sidesText(selectors))) : undefined;
      return this.#decision('SAD', outcome, verdictText, undefined, narrow ?? this.#whyDown(name));
    }
    if (sa.endpoint === undefined)
      return this.#decision(
        'SAD',
        'dropped',
        `by the SA ${saText(sa)}, but nobody knows where the peer is`,
        undefined,
        `write the address of ${entryOfPeer(sa.description.peer)}, or wait for its first packet`,
      );
    return this.#decision('SAD', 'passes', `by the SA ${saText(sa)}`, undefined);
  }

  #judgeInbound(packet: ImaginedPacket, sa: SaRecord): Decision {
    const { description } = sa;
    const spd = new SpdInbound(this.#snapshot, FLOW_SEED, NO_TIME);
    const bytes = packetBytes(packet);
    const carrying = {
      ...{ slot: sa.slot, flowId: 1, selectors: new SelectorMatcher(sa.selectors) },
      ...{ policy: description.policy, transform: description.transform, esn: description.esn },
      peer: { entry: entryOfPeer(description.peer) },
    };
    const verdict = spd.judge(carrying, bytes, 0, bytes.length);
    const policy = this.#policyOf(spd.policy?.name);
    if (verdict >= 0) {
      const text = verdict === ACCEPT_BYPASS ? 'accepted; it might come in clear as well' : 'accepted';
      return this.#decision('SPD-I', 'passes', text, policy);
    }
    const mend =
      verdict === -Drop.inboundOutsideSelectors
        ? `the SA is for ${sidesText(sa.selectors)}`
        : policy === undefined
          ? this.#policyFor(flowOf(packet, false))
          : `${policy.name} stands before ${description.policy}: narrow or remove it`;
    return this.#decision('SPD-I', 'dropped', sentenceOf(verdict), policy, mend);
  }

  /** RFC 4301 §5.2: only BYPASS lets in what arrives in clear. The guard repeats the SPD in order. */
  #inClear(packet: ImaginedPacket): Decision {
    const index = this.#snapshot.lookup(flowOf(packet, false));
    const policy = this.#policyOf(this.#snapshot.policies[index]?.name);
    if (this.#gateway.config.guardedInterfaces === undefined)
      return this.#decision('guard', 'passes', 'in clear: there is no guard, the host decides', policy);
    if (policy?.action === 'BYPASS') return this.#decision('guard', 'passes', 'in clear: let in', policy);
    const verdict = `in clear: dropped, ${policy === undefined ? 'no policy takes it' : `its policy says ${policy.action}`}`;
    return this.#decision(
      'guard',
      'dropped',
      verdict,
      policy,
      `a BYPASS policy${policy === undefined ? '' : ` before ${policy.name}`} would let it in`,
    );
  }

  #inboundOf(outbound: SaRecord): SaRecord | undefined {
    const ofPolicy = this.#gateway.sad.inbound.filter(
      ({ description }) => description.policy === outbound.description.policy,
    );
    return ofPolicy.find(({ spi }) => spi === outbound.inboundSpi) ?? ofPolicy.at(-1);
  }

  /** It has SAs, and they should be for all its packets: the peer has agreed to less. */
  #isNarrow(policy: PolicyConfig | undefined): boolean {
    const isForEachFlow = (policy?.sa?.populateFromPacket ?? []).length > 0;
    return !isForEachFlow && this.#sasOf(policy?.name ?? '').length > 0;
  }

  #sasOf(policy: string): readonly SaRecord[] {
    return this.#gateway.sad.outbound.filter(({ description }) => description.policy === policy);
  }

  #policyFor(flow: Flow): string {
    const nearest = describeNearest(this.#inOrder(), flow);
    return nearest === undefined ? 'write a policy for it' : `write a policy for it; ${nearest}`;
  }

  #inOrder(): readonly PolicyConfig[] {
    return this.#snapshot.policies.flatMap(({ name }) => this.#policyOf(name) ?? []);
  }

  #whyDown(policy: string): string {
    return this.#gateway.whyDown(policy) ?? `isthmus up ${policy}`;
  }

  #policyOf(name: string | undefined): PolicyConfig | undefined {
    return name === undefined ? undefined : this.#policies.get(name);
  }

  #way(direction: Way['direction'], packet: ImaginedPacket, decisions: readonly Decision[]): Way {
    const isAside = ({ database }: Decision): boolean => database === 'guard' && decisions.length > 1;
    const outcome = worst(decisions.filter((decision) => !isAside(decision)));
    return { direction, packet: packetText(packet), outcome, decisions };
  }

  #decision(
    database: Decision['database'],
    outcome: Outcome,
    verdict: string,
    policy: PolicyConfig | undefined,
    mend?: string,
  ): Decision {
    return { database, outcome, verdict, policy: policy?.name, line: policy?.line, mend };
  }
}

function worst(parts: readonly { readonly outcome: Outcome }[]): Outcome {
  const has = (wanted: Outcome): boolean => parts.some(({ outcome }) => outcome === wanted);
  return has('dropped') ? 'dropped' : has('waits') ? 'waits' : 'passes';
}

/** Beside the way through the tunnel, which is what counts, nothing has to change. */
function asAside(decision: Decision): Decision {
  return { ...decision, mend: undefined };
}

/** Of one policy, the newest last: there may be tens of thousands of others. */
function liveSasOf(records: readonly SaRecord[], policy: string | undefined): readonly LiveSa[] {
  return records
    .filter(({ description }) => description.policy === policy)
    .map((record) => ({
      slot: record.slot,
      flowId: record.id,
      selectors: new SelectorMatcher(record.selectors),
      record,
    }));
}

function flowOf(packet: ImaginedPacket, outbound: boolean): Flow {
  const flow = createFlow();
  const bytes = packetBytes(packet);
  readFlow(flow, bytes, 0, bytes.length, outbound);
  return flow;
}

function saText({ spi, endpoint, description, direction }: SaRecord): string {
  const { transform, peer } = description;
  const where =
    endpoint === undefined
      ? ''
      : ` at ${formatAddress({ family: endpoint.address.length === 4 ? 4 : 6, bytes: endpoint.address })} port ${endpoint.port}`;
  const way = direction === 'outbound' ? 'to' : 'from';
  return `${formatSpi(spi)} ${way} ${peer}${where}, ${transform.name}`;
}

function sentenceOf(verdict: number): string {
  return DROP_REASONS[-verdict]?.sentence ?? 'It is dropped.';
}

/** The peer has narrowed them (RFC 7296 §2.9), or the packets that they were made for were others. */
function narrowText(sides: readonly string[]): string {
  const [...different] = new Set(sides);
  const shown = different.slice(0, MOST_SHOWN).join('; ');
  const rest = different.length > MOST_SHOWN ? ` and ${different.length - MOST_SHOWN} more` : '';
  return `its SAs are for ${shown}${rest}: compare local_address and remote_address with what the peer has`;
}
