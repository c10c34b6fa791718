// `list-conns`: the peers of the configuration, those that were loaded included, with their policies.

import type { SaLifetime } from '../../../spd/sa-lifetime.ts';
import { proposalText } from '../algorithm-names.ts';
import type { Command } from '../command.ts';
import { EMPTY, named, section, textOf, type ViciSection } from '../message.ts';
import { selectorText } from '../../../wire/ike/selector-text.ts';
import type { AuthenticationView, ChildConfigView, ConnectionView } from '../vici-gateway.ts';

/** strongSwan's words for what begins, or begins again, an SA. */
const CLOSE_ACTIONS = { restart: 'start', trap: 'trap', close: 'none' } as const;
const DEAD_PEER_ACTIONS = { restart: 'restart', trap: 'trap', close: 'clear' } as const;

export const listConns: Command = async (gateway, request, asking) => {
  const name = textOf(request, 'ike');
  for (const connection of gateway.connections)
    if (name === undefined || name === connection.name)
      await asking.emit('list-conn', named(connection.name, connectionSection(connection)));
  return EMPTY;
};

function connectionSection({ ike, children, ...connection }: ConnectionView): ViciSection {
  return section({
    local_addrs: connection.localAddresses,
    remote_addrs: connection.remoteAddresses,
    remote_port: connection.remotePort,
    version: ike === undefined ? 'keyed by hand' : 'IKEv2',
    reauth_time: 0,
    rekey_time: ike?.rekeySeconds ?? 0,
    unique: ike?.unique,
    dpd_delay: ike === undefined || ike.livenessSeconds === 0 ? undefined : ike.livenessSeconds,
    proposals: ike?.proposals.map(proposalText),
    'local-1': ike && authenticationSection(ike.local),
    'remote-1': ike && authenticationSection(ike.remote),
    children: new Map(children.map((child) => [child.name, childSection(child)])),
  });
}

function authenticationSection({
  class: kind,
  identity,
  certificates,
  authorities,
}: AuthenticationView): ViciSection {
  return section({
    class: kind,
    id: identity,
    certs: certificates.length === 0 ? undefined : certificates,
    cacerts: authorities.length === 0 ? undefined : authorities,
  });
}

function childSection({ lifetime, proposals, start, onClose, ...child }: ChildConfigView): ViciSection {
  return section({
    mode: 'TUNNEL',
    rekey_time: seconds(lifetime),
    rekey_bytes: lifetime?.bytes?.soft ?? 0,
    rekey_packets: lifetime?.packets?.soft ?? 0,
    start_action: start === undefined ? undefined : START_ACTIONS[start],
    dpd_action: onClose && DEAD_PEER_ACTIONS[onClose],
    close_action: onClose && CLOSE_ACTIONS[onClose],
    esp_proposals: proposals?.map(proposalText),
    'local-ts': child.local.map(selectorText),
    'remote-ts': child.remote.map(selectorText),
  });
}

const START_ACTIONS = { 'on-traffic': 'trap', immediately: 'start', never: 'none' } as const;

function seconds(lifetime: SaLifetime | undefined): number {
  return Math.round((lifetime?.timeMs?.soft ?? 0) / 1000);
}
