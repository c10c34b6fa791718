// UDP: what arrives under overload, and the highest rate that passes with almost no loss.

import { setTimeout as sleep } from 'node:timers/promises';
import { highestRate, type TrialOutcome } from '../bisection.ts';
import type { UdpGenerator } from '../generator/generator.ts';
import { readArrivals } from './arrivals.ts';
import type { Visit } from './visit.ts';

/** Sending before and after the counted time, so that what is counted is the middle. */
const MARGIN_MS = 400;
/** Trials of the bisection are short; there are about ten. */
const TRIAL_SECONDS = 1;
const SETTLED_MS = 100;
/** Whoever loses less than this was not overloaded, and a rate that is missed by less is kept. */
const NEARLY = 0.03;

const GENERATOR_LIMIT = 'what follows is the limit of the generator: it could offer no more';

/** @returns packets per second that arrive while as many as possible are sent */
export async function measureUdpOverload(visit: Visit, payloadBytes: number): Promise<number> {
  const generator = await visit.generator();
  const sending = generator.send(payloadBytes, undefined, visit.seconds + (2 * MARGIN_MS) / 1000);
  const counted = countMiddle(visit);
  const [figure, sent] = await Promise.all([counted, sending]);
  await settle(visit);
  if (figure > (1 - NEARLY) * (sent.packets / sent.seconds)) visit.say(GENERATOR_LIMIT);
  return figure;
}

async function countMiddle(visit: Visit): Promise<number> {
  await sleep(MARGIN_MS);
  const start = await readArrivals(visit.topology);
  await sleep(visit.seconds * 1000);
  const end = await readArrivals(visit.topology);
  return (end.packets - start.packets) / ((end.atMs - start.atMs) / 1000);
}

/** @returns the highest rate with at most 0.5 % loss, packets per second */
export async function measureUdpLoss(visit: Visit, payloadBytes: number): Promise<number> {
  const generator = await visit.generator();
  const { packets, seconds } = await generator.send(payloadBytes, undefined, TRIAL_SECONDS);
  await settle(visit);
  const ceiling = packets / seconds;
  const mostOffered = new Set<number>();
  const figure = await highestRate(async (rate) => {
    const outcome = await runTrial(visit, generator, payloadBytes, rate);
    const { offeredPerSecond } = outcome;
    if (rate === ceiling || offeredPerSecond < (1 - NEARLY) * rate) mostOffered.add(offeredPerSecond);
    return outcome;
  }, ceiling);
  if (mostOffered.has(figure)) visit.say(GENERATOR_LIMIT);
  return figure;
}

async function runTrial(
  visit: Visit,
  generator: UdpGenerator,
  payloadBytes: number,
  ratePerSecond: number,
): Promise<TrialOutcome> {
  const start = await readArrivals(visit.topology);
  const sent = await generator.send(payloadBytes, ratePerSecond, TRIAL_SECONDS);
  const arrived = (await settle(visit)) - start.packets;
  return { offeredPerSecond: sent.packets / sent.seconds, loss: Math.max(0, 1 - arrived / sent.packets) };
}

/** Waits until nothing arrives any more: what stands in queues belongs to this measurement. @returns the count */
async function settle(visit: Visit): Promise<number> {
  let last = (await readArrivals(visit.topology)).packets;
  for (;;) {
    await sleep(SETTLED_MS);
    const { packets } = await readArrivals(visit.topology);
    // ARP and the like trickle on.
    if (packets - last <= 2) return packets;
    last = packets;
  }
}
