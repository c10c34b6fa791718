// Every family of metrics: name, type, help, and where its samples come from. docs/metrics.md lists them, and a test
// compares the two. Labels of tunnels are names of the configuration: a peer cannot add a series.

import { boundText, Exposition, labelsText, type Form } from './exposition.ts';
import type {
  DropTotal,
  HistogramFigures,
  MetricsSource,
  PolicyFigures,
  TunnelFigures,
} from './metrics-source.ts';

type Work = Generator<void, void>;

/** @param drops of `source` @returns the text in pieces; yields between two samples of what may be many */
export function* writeMetrics(
  source: MetricsSource,
  drops: Iterable<DropTotal>,
  form: Form,
): Generator<void, readonly Buffer[]> {
  const out = new Exposition(form);
  const { name, version, engine } = source;
  out.family('isthmus_build', 'info', 'Version of the gateway, who seals its packets, and its name.');
  out.sample('isthmus_build_info', labelsText({ version, engine, node: process.version, name }), 1);
  yield* writeTunnels(out, source.tunnels);
  yield* writePolicies(out, source.policies);
  yield* writeIkeSas(out, source);
  writeIkeMessages(out, source);
  writeIkeEvents(out, source);
  writeHandshakes(out, source.handshakes);
  writePackets(out, source);
  writeDrops(out, drops);
  writeProcess(out, source);
  return out.end();
}

interface WrittenTunnel {
  readonly labels: string;
  readonly figures: TunnelFigures;
}

function* writeTunnels(out: Exposition, tunnels: Iterable<TunnelFigures>): Work {
  const written: WrittenTunnel[] = [];
  for (const figures of tunnels) {
    const { connection, child } = figures;
    written.push({ labels: labelsText({ connection, child }), figures });
    yield;
  }
  out.family('isthmus_tunnel_up', 'gauge', '1 where packets of a PROTECT policy can go both ways.');
  for (const { labels, figures } of written) {
    const { inbound, outbound } = figures.sas;
    out.sample('isthmus_tunnel_up', labels, inbound > 0 && outbound > 0 ? 1 : 0);
    yield;
  }
  out.family('isthmus_child_sas', 'gauge', 'Pairs of SAs of a PROTECT policy; during a rekey there are two.');
  for (const { labels, figures } of written) {
    out.sample('isthmus_child_sas', labels, Math.max(figures.sas.inbound, figures.sas.outbound));
    yield;
  }
  out.family(
    'isthmus_child_sa_bytes',
    'counter',
    'Bytes of inner packets that SAs of a policy carried, those that were replaced included.',
    'bytes',
  );
  for (const { labels, figures } of written) {
    const { bytesIn, bytesOut } = figures.traffic;
    out.sample('isthmus_child_sa_bytes_total', `${labels},direction="in"`, bytesIn);
    out.sample('isthmus_child_sa_bytes_total', `${labels},direction="out"`, bytesOut);
    yield;
  }
  out.family(
    'isthmus_child_sa_packets',
    'counter',
    'Inner packets that SAs of a policy carried, those that were replaced included.',
  );
  for (const { labels, figures } of written) {
    const { packetsIn, packetsOut } = figures.traffic;
    out.sample('isthmus_child_sa_packets_total', `${labels},direction="in"`, packetsIn);
    out.sample('isthmus_child_sa_packets_total', `${labels},direction="out"`, packetsOut);
    yield;
  }
}

function* writePolicies(out: Exposition, policies: Iterable<PolicyFigures>): Work {
  const written: { readonly labels: string; readonly hits: PolicyFigures['hits'] }[] = [];
  for (const { policy, action, hits } of policies) {
    written.push({ labels: labelsText({ policy, action }), hits });
    yield;
  }
  out.family('isthmus_policy_packets', 'counter', 'Packets that met a policy with BYPASS or DISCARD.');
  for (const { labels, hits } of written) {
    out.sample('isthmus_policy_packets_total', `${labels},direction="in"`, hits.packetsIn);
    out.sample('isthmus_policy_packets_total', `${labels},direction="out"`, hits.packetsOut);
    yield;
  }
  out.family('isthmus_policy_bytes', 'counter', 'Their bytes.', 'bytes');
  for (const { labels, hits } of written) {
    out.sample('isthmus_policy_bytes_total', `${labels},direction="in"`, hits.bytesIn);
    out.sample('isthmus_policy_bytes_total', `${labels},direction="out"`, hits.bytesOut);
    yield;
  }
}

function* writeIkeSas(out: Exposition, { ikeSas, halfOpenIkeSas, cookiesAsked }: MetricsSource): Work {
  out.family('isthmus_ike_sas', 'gauge', 'IKE SAs with a peer that are established.');
  for (const [connection, count] of ikeSas) {
    out.sample('isthmus_ike_sas', labelsText({ connection }), count);
    yield;
  }
  out.family('isthmus_ike_half_open_sas', 'gauge', 'IKE SAs that strangers have begun and not proved yet.');
  out.sample('isthmus_ike_half_open_sas', '', halfOpenIkeSas);
  out.family('isthmus_ike_cookies', 'counter', 'First messages that were answered with a cookie.');
  out.sample('isthmus_ike_cookies_total', '', cookiesAsked);
}

/** As strongSwan names them: `ike-init-in-req`. */
const MESSAGE_NAME = /^(ike-init|ike-auth|create-child|info)-(in|out)-(req|resp)$/;
const EXCHANGES: Readonly<Record<string, string>> = {
  'ike-init': 'IKE_SA_INIT',
  'ike-auth': 'IKE_AUTH',
  'create-child': 'CREATE_CHILD_SA',
  info: 'INFORMATIONAL',
};

function writeIkeMessages(out: Exposition, { ikeMessages }: MetricsSource): void {
  out.family('isthmus_ike_messages', 'counter', 'Messages of IKE, whoever they are from; repeated ones too.');
  for (const [name, count] of ikeMessages) {
    const [, exchange = '', direction = '', kind] = MESSAGE_NAME.exec(name) ?? [];
    if (kind === undefined) continue;
    const labels = labelsText({
      exchange: EXCHANGES[exchange] ?? '',
      direction,
      type: kind === 'req' ? 'request' : 'response',
    });
    out.sample('isthmus_ike_messages_total', labels, count);
  }
  const rekeys = (name: string): number => ikeMessages.get(name) ?? 0;
  out.family('isthmus_ike_sa_rekeys', 'counter', 'IKE SAs that were replaced, by the role in that exchange.');
  out.sample('isthmus_ike_sa_rekeys_total', 'role="initiator"', rekeys('ike-rekey-init'));
  out.sample('isthmus_ike_sa_rekeys_total', 'role="responder"', rekeys('ike-rekey-resp'));
  out.family('isthmus_child_sa_rekeys', 'counter', 'Child SAs that were replaced.');
  out.sample('isthmus_child_sa_rekeys_total', '', rekeys('child-rekey'));
}

function writeIkeEvents(out: Exposition, { ikeEvents }: MetricsSource): void {
  const events = [...ikeEvents];
  const isFailure = (level: string): boolean => level === 'warn' || level === 'error';
  out.family(
    'isthmus_ike_failures',
    'counter',
    'What went wrong with IKE, by kind; untold repetitions count.',
  );
  for (const { event, level, count } of events)
    if (isFailure(level)) out.sample('isthmus_ike_failures_total', labelsText({ reason: event }), count);
  out.family('isthmus_ike_events', 'counter', 'What happened to IKE SAs and is no failure, by kind.');
  for (const { event, level, count } of events)
    if (!isFailure(level)) out.sample('isthmus_ike_events_total', labelsText({ event }), count);
}

function writeHandshakes(out: Exposition, handshakes: MetricsSource['handshakes']): void {
  const name = 'isthmus_ike_handshake_duration_seconds';
  out.family(
    name,
    'histogram',
    'From the first message until the IKE SA is established; rekeys are none.',
    'seconds',
  );
  for (const [role, figures] of Object.entries(handshakes)) writeHistogram(out, name, { role }, figures);
}

function writeHistogram(
  out: Exposition,
  name: string,
  labels: Readonly<Record<string, string>>,
  { buckets, sum, count }: HistogramFigures,
): void {
  for (const { bound, count: cumulative } of buckets)
    out.sample(`${name}_bucket`, labelsText({ ...labels, le: boundText(bound) }), cumulative);
  out.sample(`${name}_sum`, labelsText(labels), sum);
  out.sample(`${name}_count`, labelsText(labels), count);
}

function writePackets(out: Exposition, { packets, otherPackets }: MetricsSource): void {
  out.family('isthmus_packets', 'counter', 'Inner packets of all tunnels.');
  out.sample('isthmus_packets_total', 'direction="in"', packets.in);
  out.sample('isthmus_packets_total', 'direction="out"', packets.out);
  out.family('isthmus_other_packets', 'counter', 'What else goes in and out, by kind.');
  for (const [kind, count] of otherPackets)
    out.sample('isthmus_other_packets_total', labelsText({ kind }), count);
}

function writeDrops(out: Exposition, drops: Iterable<DropTotal>): void {
  out.family('isthmus_drops', 'counter', 'Packets, and messages of IKE, that were dropped, by reason.');
  for (const { reason, direction, packets } of drops) {
    const side = direction === 'inbound' ? 'in' : 'out';
    out.sample('isthmus_drops_total', labelsText({ reason, direction: side }), packets);
  }
}

/** The first three are called as those of every other process. */
function writeProcess(out: Exposition, { process: figures, busyPollSeconds }: MetricsSource): void {
  out.family('process_resident_memory_bytes', 'gauge', 'Memory of all threads.', 'bytes');
  out.sample('process_resident_memory_bytes', '', figures.residentBytes);
  out.family('process_cpu_seconds', 'counter', 'Processor time of all threads.', 'seconds');
  out.sample('process_cpu_seconds_total', '', figures.cpuSeconds);
  out.family(
    'isthmus_busy_poll_seconds',
    'counter',
    'Time in which workers looked for packets in place of sleeping; others could run in it.',
    'seconds',
  );
  out.sample('isthmus_busy_poll_seconds_total', '', busyPollSeconds);
  out.family('process_start_time_seconds', 'gauge', 'When the gateway was started, since 1970.', 'seconds');
  out.sample('process_start_time_seconds', '', figures.startSeconds);
  const name = 'isthmus_event_loop_delay_seconds';
  out.family(
    name,
    'gauge',
    'How late the main thread was since the last scrape; packets do not wait for it.',
  );
  for (const [point, seconds] of Object.entries(figures.eventLoopDelaySeconds))
    out.sample(name, labelsText({ point }), seconds);
}
