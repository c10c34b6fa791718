// `isthmus capture`: a pcapng file of the gateway's packets, as the gateway streams it, into a new file or to standard output.

import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { EnvironmentError } from '../../../base/errors.ts';
import { SIDES } from '../../capture/capture-request.ts';
import { CAPTURE_SUMMARY, type CaptureSummary } from '../../vici/extensions/capture.ts';
import { section, textOf, type ViciSection } from '../../vici/message.ts';
import type { Output } from '../output.ts';
import { RefusedError } from './control-errors.ts';
import type { ViciSession } from './vici-session.ts';
import { withSession, type ControlOptions } from './with-session.ts';

export interface CaptureOptions extends ControlOptions {
  readonly inner?: boolean;
  readonly outer?: boolean;
  readonly policy?: string;
  readonly peer?: string;
  readonly count?: number;
  readonly seconds?: number;
  /** Bytes. */
  readonly size?: number;
  /** Bytes. */
  readonly snaplen?: number;
}

const STANDARD_OUTPUT = '-';

/** Ends with a bound, a signal or the gateway. @throws RefusedError, NoGatewayError, EnvironmentError */
export async function capturePackets(path: string, options: CaptureOptions, output: Output): Promise<void> {
  const target = openTarget(path, output);
  try {
    const summary = await withSession(options, (session) => stream(session, target, options));
    tell(CAPTURE_SUMMARY.decode(summary, 'isthmus-capture'), path, options, output);
  } finally {
    target.close();
  }
}

/** @returns the answer at the end @throws what writing throws */
async function stream(session: ViciSession, target: Target, options: CaptureOptions): Promise<ViciSection> {
  const interrupt = new Interrupt(options);
  const failed: unknown[] = [];
  const take = (message: ViciSection): void => {
    interrupt.learnId(Number(textOf(message, 'id')));
    const bytes = message.get('pcapng');
    if (!(bytes instanceof Uint8Array) || failed.length > 0) return;
    try {
      target.write(bytes);
    } catch (error) {
      failed.push(error);
      // The gateway sees that nobody reads any more, and ends the capture.
      session.close();
    }
  };
  try {
    return await session.stream('isthmus-capture', 'isthmus-packets', toRequest(options), take);
  } catch (error) {
    throw failed[0] ?? error;
  } finally {
    interrupt.dispose();
  }
}

function toRequest(options: CaptureOptions): ViciSection {
  const { inner = false, outer = false, policy, peer, count, seconds, size, snaplen } = options;
  return section({
    ...(inner === outer ? {} : { side: inner ? 'inner' : 'outer' }),
    ...{ policy, peer, packets: count, seconds, 'snap-bytes': snaplen },
    kilobytes: size === undefined ? undefined : Math.ceil(size / 1000),
  });
}

interface Target {
  write(bytes: Uint8Array): void;
  close(): void;
}

/** @throws EnvironmentError */
function openTarget(path: string, output: Output): Target {
  if (path === STANDARD_OUTPUT) {
    if (output.bytes === undefined)
      throw new EnvironmentError(
        'standard output is a terminal, and a capture is no text: name a file, or pipe it into tshark -r -',
      );
    return { write: output.bytes, close: () => undefined };
  }
  let file: number;
  try {
    // For its owner alone: there is plaintext in it. Never over a file that is there, or through a link.
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    throw fileError(path, error);
  }
  let isEmpty = true;
  return {
    write(bytes) {
      isEmpty = false;
      try {
        for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      } catch (error) {
        throw fileError(path, error);
      }
    },
    close() {
      closeSync(file);
      // The gateway has refused.
      if (isEmpty) unlinkSync(path);
    },
  };
}

function fileError(path: string, error: unknown): EnvironmentError {
  const { code } = error as NodeJS.ErrnoException;
  const problem =
    code === 'EEXIST'
      ? 'exists already and is left as it is; name another file'
      : `cannot be written (${code ?? String(error)})`;
  return new EnvironmentError(`${path}: ${problem}`, { cause: error });
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The first signal ends the capture and not the process; the second one the process, as ever. */
class Interrupt {
  readonly #options: ControlOptions;
  #id: number | undefined;
  #isAsked = false;

  constructor(options: ControlOptions) {
    this.#options = options;
    for (const signal of SIGNALS) process.once(signal, this.#ask);
  }

  learnId(id: number): void {
    if (this.#id !== undefined) return;
    this.#id = id;
    if (this.#isAsked) this.#end(id);
  }

  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#ask);
  }

  readonly #ask = (): void => {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.dispose();
    if (this.#id !== undefined) this.#end(this.#id);
  };

  /** On a connection of its own: the other one is busy with the capture. */
  #end(id: number): void {
    withSession(this.#options, (session) => session.call('isthmus-end-capture', section({ id }))).catch(
      (error: unknown) => {
        // It has ended by itself meanwhile; else the process ends as the signal asked.
        if (!(error instanceof RefusedError)) process.exit(1);
      },
    );
  }
}

function tell(summary: CaptureSummary, path: string, options: CaptureOptions, output: Output): void {
  // Where the packets go to standard output, nothing else does.
  const out = path === STANDARD_OUTPUT ? output.err : output.out;
  if (options.json === true) {
    out(`${JSON.stringify(summary, undefined, 2)}\n`);
    return;
  }
  const packets = SIDES.map((side) => `${summary[side].packets} ${side}`).join(', ');
  const lost = summary.inner.lost + summary.outer.lost;
  out(
    `${packets}; ${lost === 0 ? 'none was lost' : `${lost} were lost: they came faster than they were taken`}\n`,
  );
}
