// `isthmus up`, `down` and `rekey`: what is asked for, told line by line as the gateway logs it, and how it is then.

import { printable } from '../../../base/printable.ts';
import { ConfigError } from '../../../base/errors.ts';
import { section, textOf, type ViciSection } from '../../vici/message.ts';
import type { Output } from '../output.ts';
import { RefusedError } from './control-errors.ts';
import { findTarget, type Target } from './name-target.ts';
import { paintFor } from './paint.ts';
import { renderTunnels } from './render-status.ts';
import { untilRekeyed } from './rekeyed.ts';
import { readStatus } from './status.ts';
import type { ViciSession } from './vici-session.ts';
import { withSession, type ControlOptions } from './with-session.ts';

export interface DriveOptions extends ControlOptions {
  readonly policy?: boolean;
  readonly peer?: boolean;
  /** Seconds. */
  readonly timeout: number;
}

export interface DownOptions extends DriveOptions {
  readonly force?: boolean;
}

type Tell = (line: ViciSection) => void;

/** Makes the SAs that are not there. @throws RefusedError with the reason */
export async function bringUp(name: string, options: DriveOptions, output: Output): Promise<void> {
  await drive(name, options, output, async (session, target, tell) => {
    const missing = target.tunnels.filter(({ state }) => state !== 'up');
    if (missing.length === 0) {
      // A peer may have no policy; the gateway says so.
      if (target.tunnels.length > 0) return `'${name}' is up already`;
    }
    // All of a peer at once, where none is up: those that this side cannot make are passed over.
    const isWhole = target.kind === 'peer' && missing.length === target.tunnels.length;
    const wanted = isWhole ? [{ ike: name }] : missing.map((tunnel) => ({ child: tunnel.name }));
    const timeout = Math.round(options.timeout * 1000);
    for (const one of wanted)
      await session.stream('initiate', 'control-log', section({ ...one, timeout, loglevel: 1 }), tell);
    return `'${name}' is up`;
  });
}

/** @throws RefusedError */
export async function takeDown(name: string, options: DownOptions, output: Output): Promise<void> {
  await drive(name, options, output, async (session, target, tell) => {
    const { force = false } = options;
    if (force && target.kind === 'policy')
      throw new ConfigError(
        `isthmus: --force takes away all SAs with a peer: isthmus down ${target.peer.name} --force`,
      );
    const request = section({
      ...(target.kind === 'policy' ? { child: name } : { ike: name }),
      ...(force ? { force: 'yes' } : { timeout: Math.round(options.timeout * 1000) }),
      loglevel: 1,
    });
    try {
      await session.stream('terminate', 'control-log', request, tell);
    } catch (error) {
      if (error instanceof RefusedError && error.message.startsWith('no matching SAs'))
        return `'${name}' is down already`;
      throw error;
    }
    return `'${name}' is down`;
  });
}

/** New keys: of the Child SAs of a policy, or of the IKE SAs with a peer. @throws RefusedError */
export async function rekey(name: string, options: DriveOptions, output: Output): Promise<void> {
  await drive(name, options, output, async (session, target, tell) => {
    await session.listen('log', (line) => {
      if (isAbout(line, target)) tell(line);
    });
    await untilRekeyed(session, target.kind, name, options.timeout);
    return `'${name}' has new keys`;
  });
}

/** Lines about a Child SA name its policy, others the peer. */
function isAbout(line: ViciSection, { peer, tunnels }: Target): boolean {
  const words = (textOf(line, 'msg') ?? '').split(' ');
  return (
    textOf(line, 'ikesa-name') === peer.name || tunnels.some(({ name }) => words.includes(`policy=${name}`))
  );
}

async function drive(
  name: string,
  options: DriveOptions,
  output: Output,
  act: (session: ViciSession, target: Target, tell: Tell) => Promise<string>,
): Promise<void> {
  await withSession(options, async (session) => {
    const kind = options.policy === true ? 'policy' : options.peer === true ? 'peer' : undefined;
    const target = findTarget((await readStatus(session)).peers, name, kind);
    const lookAgain = async (): Promise<Target> =>
      findTarget((await readStatus(session)).peers, name, target.kind);
    const log: string[] = [];
    const tell = (line: ViciSection): void => {
      const told = `[${textOf(line, 'group') ?? ''}] ${printable(textOf(line, 'msg') ?? '')}`;
      log.push(told);
      if (options.json !== true) output.out(`${told}\n`);
    };
    let result: string;
    try {
      result = await act(session, target, tell);
    } catch (error) {
      throw error instanceof RefusedError ? withReason(error, await lookAgain()) : error;
    }
    const { tunnels } = await lookAgain();
    output.out(
      options.json === true
        ? `${JSON.stringify({ name, result, log, tunnels }, undefined, 2)}\n`
        : `${result}\n${renderTunnels(tunnels, paintFor(output))}`,
    );
  });
}

function withReason(error: RefusedError, { tunnels }: Target): RefusedError {
  const why = new Set(tunnels.flatMap((tunnel) => (tunnel.why === undefined ? [] : [tunnel.why])));
  const reason = why.size === 0 ? '' : `: ${printable([...why].join(', '))}`;
  return new RefusedError(`${error.message}${reason}`, { cause: error });
}
