// Which seeds are run, and what a failing one says: the one command that runs it again.

import { faultyRun, type RunResult } from './faulty-run.ts';
import { FaultFound, type Between } from './sim-world.ts';

const ONE_SEED = 'ISTHMUS_SEED';
const FLAW = 'ISTHMUS_FLAW';

/** What is wrong on purpose, to see that a run notices: between a gateway and its hosts, not in the gateway. */
const FLAWS: Readonly<Record<string, Between>> = {
  'packet-twice': { frame: (_, bytes) => [bytes, bytes] },
  'packet-changed': {
    frame: (_, bytes) => {
      const changed = Uint8Array.from(bytes);
      changed[changed.length - 1]! ^= 1;
      return [changed];
    },
  },
};

/** 1 to `count`, or the one that the environment names. */
export function seedsToRun(count: number): readonly number[] {
  const one = process.env[ONE_SEED];
  if (one === undefined) return Array.from({ length: count }, (_, at) => at + 1);
  const seed = Number(one);
  if (!Number.isSafeInteger(seed) || seed < 1) throw new RangeError(`${ONE_SEED} is a number from 1`);
  return [seed];
}

/** @throws an error whose message ends with how to repeat it @param flaw of {@link FLAWS}; by default what the environment says */
export async function runSeed(
  seed: number,
  flaw: string | undefined = process.env[FLAW],
): Promise<RunResult> {
  const between = flaw === undefined ? {} : FLAWS[flaw];
  if (between === undefined) throw new RangeError(`${FLAW} is one of ${Object.keys(FLAWS).join(', ')}`);
  try {
    return await faultyRun(seed, between);
  } catch (error) {
    if (!(error instanceof FaultFound)) throw error;
    const settings = `${ONE_SEED}=${seed} ${flaw === undefined ? '' : `${FLAW}=${flaw} `}`;
    const command = `${settings}npx vitest run --project memory test/simnet/faults.test.ts`;
    throw new Error(`seed ${seed} ${error.message}\nto repeat it: ${command}`, { cause: error });
  }
}
