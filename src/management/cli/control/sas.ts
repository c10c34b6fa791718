// `isthmus sa`: IKE SAs with their Child SAs, by vici's own `list-sas`.

import { printable } from '../../../base/printable.ts';
import { LISTED_IKE_SA, type ListedChildSa, type ListedIkeSa } from '../../vici/extensions/listed-sa.ts';
import { EMPTY } from '../../vici/message.ts';
import type { Output } from '../output.ts';
import { RefusedError } from './control-errors.ts';
import { paintFor, type Paint } from './paint.ts';
import { countText, durationText, sizeText } from './quantities.ts';
import { withSession, type ControlOptions } from './with-session.ts';

export interface NamedIkeSa extends ListedIkeSa {
  /** Of the peer. */
  readonly name: string;
}

/** @param name of a peer or policy; undefined: all @throws RefusedError where there is no SA of that name */
export async function showSas(
  name: string | undefined,
  options: ControlOptions,
  output: Output,
): Promise<void> {
  const ikeSas: NamedIkeSa[] = [];
  await withSession(options, (session) =>
    session.stream('list-sas', 'list-sa', EMPTY, (message) => {
      for (const [peer, element] of message) {
        const one = { name: peer, ...LISTED_IKE_SA.decode(element, `list-sa.${peer}`) };
        if (name === undefined || name === peer) ikeSas.push(one);
        else {
          const childSas = one.childSas.filter((child) => child.name === name);
          if (childSas.length > 0) ikeSas.push({ ...one, childSas });
        }
      }
    }),
  );
  if (name !== undefined && ikeSas.length === 0)
    throw new RefusedError(`there are no SAs of a peer or policy '${name}'`);
  output.out(
    options.json === true ? `${JSON.stringify(ikeSas, undefined, 2)}\n` : renderSas(ikeSas, paintFor(output)),
  );
}

/** @returns lines, line breaks included */
export function renderSas(ikeSas: readonly NamedIkeSa[], paint: Paint): string {
  if (ikeSas.length === 0) return 'no SAs\n';
  return ikeSas.map((ikeSa) => `${ikeSaLines(ikeSa, paint).join('\n')}\n`).join('\n');
}

function ikeSaLines(ikeSa: NamedIkeSa, paint: Paint): readonly string[] {
  const { name, uniqueid, state, childSas } = ikeSa;
  const tasks = [...ikeSa.tasksActive, ...ikeSa.tasksQueued];
  const head = `${paint('bold', name)} #${uniqueid}: ${paintState(state, paint)}`;
  const ends = [
    endText('local', ikeSa.localHost, ikeSa.localPort, ikeSa.localId),
    endText('remote', ikeSa.remoteHost, ikeSa.remotePort, ikeSa.remoteId),
  ];
  const children = childSas.flatMap((child) => childLines(child, paint));
  if (state === 'MANUAL') return [head, ends[1] ?? '', ...children];
  return [
    head,
    ...ends,
    `  ${ikeSa.initiatorSpi}_i${ikeSa.initiator ? '*' : ''} ${ikeSa.responderSpi}_r${ikeSa.initiator ? '' : '*'}`,
    ...(ikeSa.encrAlg === undefined ? [] : [`  ${algorithmText(ikeSa, ikeSa.encrAlg)}`]),
    ...timeLine(ikeSa.established, ikeSa.rekeyTime, ikeSa.lifeTime).map((text) => `  ${text}`),
    ...(tasks.length === 0 ? [] : [`  busy with ${tasks.join(', ')}`]),
    ...children,
  ];
}

function endText(side: string, host: string, port: number, identity: string): string {
  const place = port === 0 ? host : host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return `  ${side.padEnd(6)} ${place} '${printable(identity)}'`;
}

function childLines(child: ListedChildSa, paint: Paint): readonly string[] {
  const esn = child.esn === 1 ? ', extended sequence numbers' : '';
  return [
    `  ${paint('bold', child.name)} #${child.uniqueid}: ${paintState(child.state, paint)}, ESP ${algorithmText(child, child.encrAlg)}${esn}`,
    `    ${child.localTs.join(' ')} === ${child.remoteTs.join(' ')}`,
    `    in  ${child.spiIn}  ${usedText(child.bytesIn, child.packetsIn, child.useIn)}`,
    `    out ${child.spiOut}  ${usedText(child.bytesOut, child.packetsOut, child.useOut)}`,
    ...timeLine(child.installTime, child.rekeyTime, child.lifeTime).map((text) => `    ${text}`),
  ];
}

function usedText(bytes: number, packets: number, secondsAgo: number | undefined): string {
  const when = secondsAgo === undefined ? '' : `, ${durationText(secondsAgo)} ago`;
  return `${sizeText(bytes)} in ${countText(packets, 'packet')}${when}`;
}

interface Algorithms {
  readonly encrKeysize: number | undefined;
  readonly integAlg: string | undefined;
  readonly prfAlg?: string | undefined;
  readonly dhGroup: string | undefined;
}

function algorithmText({ encrKeysize, integAlg, prfAlg, dhGroup }: Algorithms, encrAlg: string): string {
  const cipher = encrKeysize === undefined ? encrAlg : `${encrAlg}-${encrKeysize}`;
  return [cipher, integAlg, prfAlg, dhGroup].filter((one) => one !== undefined).join('/');
}

function timeLine(
  since: number | undefined,
  rekey: number | undefined,
  life: number | undefined,
): readonly string[] {
  const parts = [
    ...(since === undefined ? [] : [`made ${durationText(since)} ago`]),
    ...(rekey === undefined ? [] : [`new keys in ${durationText(rekey)}`]),
    ...(life === undefined ? [] : [`ends in ${durationText(life)}`]),
  ];
  return parts.length === 0 ? [] : [parts.join(', ')];
}

const IN_USE = ['ESTABLISHED', 'INSTALLED', 'MANUAL'];

function paintState(state: string, paint: Paint): string {
  return paint(IN_USE.includes(state) ? 'green' : 'yellow', state);
}
