// IKE SAs and Child SAs as the events of vici have them: `list-sa`, and those that tell what happens.

import { monotonicMs } from '../../base/clock.ts';
import type { SaView } from '../../sad/sa-view.ts';
import { encryptionName, groupName, integrityName, prfName } from './algorithm-names.ts';
import { EMPTY, named, section, type ViciElement, type ViciSection } from './message.ts';
import { selectorText } from '../../wire/ike/selector-text.ts';
import type { ChildSaView, IkeSaView, SaEvent } from './vici-gateway.ts';

/** A peer may have an identity as long as a message; what is shown of it. */
const MOST_TEXT = 1024;
/** What is shown of the selectors of one Child SA. */
const MOST_SELECTORS = 255;

/** `list-sa` of an IKE SA with some of its Child SAs. */
export function ikeSaMessage(ikeSa: IkeSaView, children: readonly ChildSaView[]): ViciSection {
  const childSections = new Map(children.map((child) => [childName(child), childSection(child)]));
  return named(ikeSa.name, ikeSection(ikeSa, childSections));
}

/** What is told of something that happened. */
export function eventSection(event: SaEvent): ViciSection {
  const { ikeSa } = event;
  switch (event.type) {
    case 'ike-updown':
      return updown(event.isUp, ikeSaMessage(ikeSa, []));
    case 'ike-update': {
      const { local, remote } = event;
      const ends = section({
        'local-host': local.host,
        'local-port': local.port ?? 0,
        'remote-host': remote.host,
        'remote-port': remote.port ?? 0,
      });
      return new Map([...ends, ...named(ikeSa.name, ikeSection(ikeSa))]);
    }
    case 'child-updown':
      return updown(event.isUp, ikeSaMessage(ikeSa, [event.child]));
    case 'ike-rekey':
      return named(ikeSa.name, section({ old: ikeSection(event.old), new: ikeSection(ikeSa) }));
    case 'child-rekey': {
      const both = section({ old: childSection(event.old), new: childSection(event.child) });
      return named(ikeSa.name, ikeSection(ikeSa, named(childName(event.child), both)));
    }
  }
}

/** vici says `up = yes`, or nothing. */
function updown(isUp: boolean, sa: ViciSection): ViciSection {
  return new Map<string, ViciElement>([...(isUp ? [['up', 'yes'] as const] : []), ...sa]);
}

function childName({ name, uniqueId }: ChildSaView): string {
  return `${name}-${uniqueId}`;
}

function ikeSection(ikeSa: IkeSaView, children: ViciSection = EMPTY): ViciSection {
  const { local, remote, algorithms } = ikeSa;
  return section({
    uniqueid: ikeSa.uniqueId,
    // An exporter may take it for a number.
    version: ikeSa.state === 'MANUAL' ? 0 : 2,
    state: ikeSa.state,
    'local-host': local.host,
    'local-port': local.port ?? 0,
    'local-id': local.identity.slice(0, MOST_TEXT),
    'remote-host': remote.host,
    'remote-port': remote.port ?? 0,
    'remote-id': remote.identity.slice(0, MOST_TEXT),
    initiator: ikeSa.isInitiator ? 'yes' : undefined,
    'initiator-spi': ikeSa.initiatorSpi,
    'responder-spi': ikeSa.responderSpi,
    'encr-alg': algorithms && encryptionName(algorithms.encryption.id),
    'encr-keysize': algorithms?.encryption.keyBits,
    'integ-alg': unlessZero(algorithms?.integrityId, integrityName),
    'prf-alg': algorithms && prfName(algorithms.prfId),
    'dh-group': algorithms && groupName(algorithms.group),
    established: ikeSa.establishedSeconds,
    'rekey-time': ikeSa.rekeySeconds,
    'life-time': ikeSa.lifeSeconds,
    'tasks-queued': ikeSa.queuedTasks.length === 0 ? undefined : ikeSa.queuedTasks,
    'tasks-active': ikeSa.activeTask === undefined ? undefined : [ikeSa.activeTask],
    'child-sas': children,
  });
}

function childSection(child: ChildSaView): ViciSection {
  const { transform, inbound, outbound } = child;
  const nowMs = monotonicMs();
  const either = outbound ?? inbound;
  return section({
    name: child.name,
    uniqueid: child.uniqueId,
    reqid: child.requestId,
    state: child.state,
    mode: 'TUNNEL',
    protocol: 'ESP',
    encap: 'yes',
    'spi-in': spiText(child.inboundSpi),
    'spi-out': spiText(child.outboundSpi),
    'encr-alg': encryptionName(transform.encryptionId),
    'encr-keysize': unlessZero(8 * transform.keyBytes, String),
    'integ-alg': unlessZero(transform.integrityId, integrityName),
    'dh-group': unlessZero(child.group, groupName),
    esn: child.esn ? 1 : undefined,
    'bytes-in': inbound?.bytes ?? 0,
    'packets-in': inbound?.packets ?? 0,
    'use-in': secondsSince(inbound, nowMs),
    'bytes-out': outbound?.bytes ?? 0,
    'packets-out': outbound?.packets ?? 0,
    'use-out': secondsSince(outbound, nowMs),
    'rekey-time': secondsLeft(either?.createdMs, either?.soft.timeMs, nowMs),
    'life-time': secondsLeft(either?.createdMs, either?.hard.timeMs, nowMs),
    'install-time': either === undefined ? 0 : Math.floor((nowMs - either.createdMs) / 1000),
    'local-ts': child.local.slice(0, MOST_SELECTORS).map(selectorText),
    'remote-ts': child.remote.slice(0, MOST_SELECTORS).map(selectorText),
  });
}

function spiText(spi: number): string {
  return spi.toString(16).padStart(8, '0');
}

function unlessZero(value: number | undefined, format: (value: number) => string): string | undefined {
  return value === undefined || value === 0 ? undefined : format(value);
}

function secondsSince(sa: SaView | undefined, nowMs: number): number | undefined {
  return sa?.lastUsedMs === undefined ? undefined : Math.max(0, Math.floor((nowMs - sa.lastUsedMs) / 1000));
}

function secondsLeft(createdMs = 0, limitMs: number | undefined, nowMs: number): number | undefined {
  return limitMs === undefined ? undefined : Math.max(0, Math.round((createdMs + limitMs - nowMs) / 1000));
}
