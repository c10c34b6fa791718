// Handshakes over UDP between two namespaces: the same initiator against each responder, in turns. The responder's
// processor time for one handshake is what a busy machine disturbs least.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { planTopology, siteAddresses } from '../../topology/plan.ts';
import { Topology } from '../../topology/topology.ts';
import { median } from '../statistics.ts';
import { addSources, runLoad, type Load } from './load.ts';
import { measurement, type Measurement } from './measurement.ts';
import { cpuSecondsOf, isInstalled, RESPONDERS, startResponder, type ResponderName } from './responders.ts';

const CONCURRENT = 8;
const WARM_UP_SECONDS = 4;

interface Figures {
  readonly perSecond: number[];
  readonly cpuMs: number[];
}

export interface NetworkParts {
  readonly groups: readonly string[];
  readonly runs: number;
  readonly seconds: number;
  /** For files; not there yet. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

export async function measureOverNetwork(parts: NetworkParts): Promise<Measurement[]> {
  const results: Measurement[] = [];
  for (const group of parts.groups) {
    const figures = new Map<ResponderName, Figures>();
    for (let run = 1; run <= parts.runs; run++)
      for (const name of RESPONDERS.filter(isInstalled)) {
        const so = figures.get(name) ?? { perSecond: [], cpuMs: [] };
        figures.set(name, so);
        await measureOnce(parts, name, group, run, so);
      }
    results.push(...report(group, figures, parts));
  }
  return results;
}

async function measureOnce(
  { seconds, directory, say }: NetworkParts,
  name: ResponderName,
  group: string,
  run: number,
  { perSecond, cpuMs }: Figures,
): Promise<void> {
  const topology = new Topology({ plan: planTopology('router'), prefix: '' });
  await topology.build();
  try {
    const own = join(directory, `${name}-${group}-${run}`);
    await mkdir(own, { recursive: true });
    const sources = await addSources(topology, 'wan', 'toA');
    const responder = await startResponder(name, topology, own, group);
    try {
      const load: Load = {
        remote: siteAddresses.gwB.outside.ipv4,
        group,
        seconds,
        concurrent: CONCURRENT,
      };
      await runLoad(topology, 'wan', sources, { ...load, seconds: WARM_UP_SECONDS });
      const before = cpuSecondsOf(responder);
      const handshakes = await runLoad(topology, 'wan', sources, load);
      const spentMs = 1000 * (cpuSecondsOf(responder) - before);
      perSecond.push(handshakes / seconds);
      cpuMs.push(spentMs / handshakes);
      say(
        `${name}, ${group}, run ${run}: ${handshakes / seconds}/s, ${(spentMs / handshakes).toFixed(2)} ms each`,
      );
    } finally {
      await responder.stop();
    }
  } finally {
    await topology.remove();
  }
}

function report(
  group: string,
  figures: ReadonlyMap<ResponderName, Figures>,
  parts: NetworkParts,
): Measurement[] {
  const { runs, seconds } = parts;
  const how = `${CONCURRENT} at once from one program, each with its deletion, ${runs} runs of ${seconds} s in turns`;
  const results = [...figures].flatMap(([name, { perSecond, cpuMs }]) => [
    measurement(`handshakes over UDP, ${group}, ${name} answers`, 'a second', perSecond, how),
    measurement(
      `processor time of a handshake over UDP, ${group}, ${name} answers`,
      'ms',
      cpuMs,
      'all threads of the answering process',
    ),
  ]);
  const [ours, theirs] = [figures.get('isthmus'), figures.get('strongswan')];
  if (ours === undefined || theirs === undefined) return results;
  return [
    ...results,
    measurement(
      `handshakes over UDP, ${group}, Isthmus to strongSwan`,
      'times as many',
      [median(ours.perSecond) / median(theirs.perSecond)],
      'medians of this run; one initiator serves both, which may be what bounds them',
    ),
    measurement(
      `handshakes for the same processor time, ${group}, Isthmus to strongSwan`,
      'times as many',
      [median(theirs.cpuMs) / median(ours.cpuMs)],
      'medians of this run',
    ),
  ];
}
