// The profile of a test as text: what a unit of traffic costs each gateway, part by part. Pure.

import { align } from '../table.ts';
import { PARTS, partOf, SAMPLE_NS, type Sample } from './samples.ts';

export interface Profile {
  readonly test: string;
  /** What a figure is for: `packet`, `64 KiB`. */
  readonly unit: string;
  /** How many units passed while samples were taken. */
  readonly units: number;
  readonly seconds: number;
  readonly cores: number;
  readonly samples: readonly Sample[];
  /** Processes of gateway A, of gateway B. */
  readonly gateways: readonly [number, number];
}

export function formatProfile(profile: Profile): string {
  const { test, unit, units, seconds, cores, samples, gateways } = profile;
  const allNs = seconds * cores * 1e9;
  const busyNs = new Map<string, number>();
  for (const sample of samples) {
    const part = partOf(sample);
    if (part === undefined) continue;
    const who = gateways.indexOf(sample.processId);
    const key = who < 0 ? 'others' : `${part} ${who}`;
    busyNs.set(key, (busyNs.get(key) ?? 0) + SAMPLE_NS);
  }
  const of = (key: string): number => busyNs.get(key) ?? 0;
  const perUnit = (ns: number): string => (ns / units).toFixed(0);
  const share = (ns: number): string => `${((100 * ns) / allNs).toFixed(1)} %`;
  const row = (name: string, a: number, b: number): readonly string[] => [
    name,
    perUnit(a),
    perUnit(b),
    share(a + b),
  ];
  const parts = PARTS.map((part) => row(part, of(`${part} 0`), of(`${part} 1`)));
  const sum = (who: number): number => PARTS.reduce((total, part) => total + of(`${part} ${who}`), 0);
  const others = of('others');
  const idleNs = Math.max(0, allNs - sum(0) - sum(1) - others);
  return [
    `${test}: ns per ${unit}, ${(units / seconds).toFixed(0)} a second, ${seconds} s on ${cores} cores`,
    ...align([
      ['', 'gateway A', 'gateway B', 'of all time'],
      ...parts,
      row('sum', sum(0), sum(1)),
      ['hosts, links and other processes', '', '', share(others)],
      ['nothing to do', '', '', share(idleNs)],
    ]),
  ].join('\n');
}
