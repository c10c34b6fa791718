// IKE SAs and their Child SAs as management shows them. It knows when each was established, because an IKE SA itself does
// not.

import { formatAddress } from '../base/address.ts';
import type { ChildSa } from '../ike/child-sa.ts';
import type { IkeSaState, OwnExchange, Task } from '../ike/ike-sa-state.ts';
import type { ChildSaView, EndView, IkeSaView } from '../management/vici/vici-gateway.ts';
import { formatIdentity, type Identity } from '../pad/identity.ts';
import type { Sad } from '../sad/sad.ts';
import type { SaView } from '../sad/sa-view.ts';
import type { IkeSpi } from '../wire/ike/ike-spi.ts';
import { SaNumbers } from './sa-numbers.ts';

/** Of SAs that are gone, until it is told of. */
const MOST_LAST_VIEWS = 1024;

/** strongSwan's words. */
const TASKS: Readonly<Record<Task['kind'], string>> = {
  'create-child': 'CHILD_CREATE',
  'rekey-ike': 'IKE_REKEY',
  'delete-child': 'CHILD_DELETE',
  'disown-child': 'CHILD_DELETE',
  'delete-ike': 'IKE_DELETE',
  liveness: 'IKE_DPD',
  'update-addresses': 'IKE_MOBIKE',
  'check-address': 'IKE_MOBIKE',
};

export class IkeSaViews {
  readonly ikeNumbers: SaNumbers<IkeSpi> = new SaNumbers();
  readonly childNumbers: SaNumbers<number> = new SaNumbers();
  readonly #requestNumbers = new SaNumbers<string>();
  readonly #sad: Pick<Sad, 'has' | 'get'>;
  readonly #now: () => number;
  readonly #establishedMs = new Map<IkeSpi, number>();
  readonly #last = new Map<string, SaView>();
  /** Of policies. */
  readonly #madeMs = new Map<string, number>();

  constructor(sad: Pick<Sad, 'has' | 'get'>, now: () => number) {
    this.#sad = sad;
    this.#now = now;
  }

  get nowMs(): number {
    return this.#now();
  }

  noteEstablished({ localSpi }: IkeSaState): void {
    this.#establishedMs.set(localSpi, this.#now());
  }

  forgetIkeSa({ localSpi }: IkeSaState): void {
    this.#establishedMs.delete(localSpi);
    this.ikeNumbers.forget(localSpi);
  }

  /** An SA that replaces none. */
  noteMade({ policy }: ChildSa): void {
    this.#madeMs.set(policy, this.#now());
  }

  forgetChildSa({ inboundSpi, outboundSpi }: ChildSa, peer: string): void {
    this.childNumbers.forget(inboundSpi);
    this.#last.delete(keyOf('inbound', '', inboundSpi));
    this.#last.delete(keyOf('outbound', peer, outboundSpi));
  }

  /** An SA as it was when it went out of the SAD. */
  noteRemoved(sa: SaView): void {
    this.#last.set(keyOf(sa.direction, sa.peer, sa.spi), sa);
    const [oldest] = this.#last.keys();
    if (this.#last.size > MOST_LAST_VIEWS && oldest !== undefined) this.#last.delete(oldest);
  }

  /** @param peer see `peerOf` */
  viewIkeSa(state: IkeSaState, peer: string): IkeSaView {
    const { connection, path, security, localSpi, remoteSpi, role } = state;
    const [initiatorSpi, responderSpi] = role === 'initiator' ? [localSpi, remoteSpi] : [remoteSpi, localSpi];
    const end = (side: 'local' | 'remote', identity: Identity | undefined): EndView => ({
      host: formatAddress(side === 'local' ? path.localAddress : path.remoteAddress),
      port: side === 'local' ? path.localPort : path.remotePort,
      identity: identity === undefined ? '%any' : formatIdentity(identity),
    });
    return {
      uniqueId: this.ikeNumbers.of(localSpi),
      name: connection?.name ?? '(unnamed)',
      state: ikeStateName(state),
      local: end('local', connection?.pad.local.identity),
      remote: end('remote', state.remoteIdentity ?? connection?.pad.remote.exact),
      isInitiator: role === 'initiator',
      initiatorSpi,
      responderSpi,
      algorithms: security?.chosen,
      establishedSeconds: this.#secondsSince(this.#establishedMs.get(localSpi)),
      rekeySeconds: this.#secondsUntil(state.rekeyAtMs),
      lifeSeconds: this.#secondsUntil(state.expireAtMs),
      queuedTasks: state.tasks.map(taskName),
      activeTask: state.exchange && exchangeName(state.exchange),
      children: state.children.map((child) => this.viewChildSa(child, state, peer)),
    };
  }

  viewChildSa(child: ChildSa, { exchange }: Pick<IkeSaState, 'exchange'>, peer: string): ChildSaView {
    const { inboundSpi, outboundSpi } = child;
    return {
      ...child,
      uniqueId: this.childNumbers.of(inboundSpi),
      requestId: this.requestNumber(child.policy),
      name: child.policy,
      state: childStateName(child, exchange),
      inbound: this.#look('inbound', '', inboundSpi),
      outbound: this.#look('outbound', peer, outboundSpi),
    };
  }

  /** See StatusSource. */
  secondsSinceMade(policy: string): number | undefined {
    const madeMs = this.#madeMs.get(policy);
    return madeMs === undefined ? undefined : (this.#now() - madeMs) / 1000;
  }

  requestNumber(policy: string): number {
    return this.#requestNumbers.of(policy);
  }

  #look(direction: 'inbound' | 'outbound', peer: string, spi: number): SaView | undefined {
    const sa = direction === 'inbound' ? { direction, spi } : { direction, spi, peer };
    return this.#sad.has(sa) ? this.#sad.get(sa) : this.#last.get(keyOf(direction, peer, spi));
  }

  #secondsSince(ms: number | undefined): number | undefined {
    return ms === undefined ? undefined : Math.floor((this.#now() - ms) / 1000);
  }

  #secondsUntil(ms: number): number | undefined {
    return ms === Infinity ? undefined : Math.max(0, Math.round((ms - this.#now()) / 1000));
  }
}

/** RFC 4301 §4.1: an inbound SPI is one of a kind; an outbound one is the peer's. */
function keyOf(direction: 'inbound' | 'outbound', peer: string, spi: number): string {
  return direction === 'inbound' ? `in ${spi}` : `out ${spi} ${peer}`;
}

function ikeStateName({ phase, exchange }: IkeSaState): IkeSaView['state'] {
  switch (phase) {
    case 'connecting':
    case 'half-open':
    case 'authenticating':
      return 'CONNECTING';
    case 'established':
      return exchange?.kind === 'rekey-ike' ? 'REKEYING' : 'ESTABLISHED';
    case 'replaced':
      return 'REKEYED';
    case 'deleting':
    case 'closed':
      return 'DELETING';
  }
}

function childStateName(child: ChildSa, exchange: OwnExchange | undefined): ChildSaView['state'] {
  if (child.phase === 'deleting') return 'DELETING';
  if (child.isReplaced) return 'REKEYED';
  const isRekeyed = exchange?.kind === 'create-child' && exchange.offer.replaces === child.inboundSpi;
  return isRekeyed ? 'REKEYING' : 'INSTALLED';
}

function taskName(task: Task): string {
  return task.kind === 'create-child' && task.replaces !== undefined ? 'CHILD_REKEY' : TASKS[task.kind];
}

function exchangeName(exchange: OwnExchange): string {
  switch (exchange.kind) {
    case 'ike-sa-init':
      return 'IKE_INIT';
    case 'ike-auth':
      return 'IKE_AUTH';
    case 'create-child':
      return exchange.offer.replaces === undefined ? 'CHILD_CREATE' : 'CHILD_REKEY';
    default:
      return TASKS[exchange.kind];
  }
}
