// Child SAs that this side wants: which IKE SA is to ask for them, or that a new one is begun, and what whoever waits is
// told. RFC 4301 §4.4.1, §4.4.3.

import type { TrafficSelector } from '../wire/ike/payload.ts';
import { chooseIkeSa } from './choose-ike-sa.ts';
import { isOpen, type ChildPolicy, type Connection, type Path } from './connection.ts';
import type { ChildDone } from './effects.ts';
import type { IkeEngineParts } from './ike-engine-parts.ts';
import type { IkeSaRunner } from './ike-sa-runner.ts';
import type { ChildTask, IkeSaState } from './ike-sa-state.ts';
import { newInitiator } from './new-ike-sa.ts';
import type { IkeSas } from './ike-sas.ts';
import type { PathSearches } from './path-searches.ts';
import { Peers } from './peers.ts';
import { populate } from './populate-from-packet.ts';
import { Restarts } from './restarts.ts';
import type { StoryTeller } from './story-teller.ts';
import { carries } from './traffic-selectors.ts';
import { selectorsText } from '../wire/ike/selector-text.ts';
import type { IkeSpi } from '../wire/ike/ike-spi.ts';

type Trigger = ChildTask['trigger'];

export interface ChildRequestsParts {
  readonly engine: IkeEngineParts;
  readonly sas: IkeSas;
  readonly searches: PathSearches;
  readonly stories: StoryTeller;
  readonly runner: () => Pick<IkeSaRunner, 'push' | 'wake'>;
  readonly newIkeSpi: () => IkeSpi;
}

export class ChildRequests {
  readonly #parts: ChildRequestsParts;
  readonly #restarts: Restarts;
  /** Policies whose SAs the peer has ended, and that wait for it. */
  readonly #closed = new Set<string>();
  #peers: Peers = new Peers([]);
  /** Peers that are looked for, and what waits for that. */
  readonly #locating = new Map<Connection, ChildTask[]>();

  constructor(parts: ChildRequestsParts) {
    this.#parts = parts;
    this.#restarts = new Restarts(parts.engine.random);
  }

  usePeers(peers: Peers, policies: ReadonlySet<string>): void {
    this.#peers = peers;
    this.#closed.clear();
    this.#restarts.keepOnly(policies);
  }

  /** When {@link tick} is wanted; Infinity = never. */
  get nextMs(): number {
    return this.#restarts.nextMs;
  }

  /** Makes again what is due. */
  tick(): void {
    for (const policy of this.#restarts.takeDue(this.#parts.engine.now())) this.ensure(policy);
  }

  /** The data plane has a packet for a PROTECT policy, and no SA (RFC 4301 §4.4.1). */
  acquire(policyName: string, trigger: Trigger): void {
    const found = this.#peers.ofPolicy(policyName);
    const policy = found && populate(found.policy, trigger);
    // RFC 4301 §4.4.3.4: the PAD may allow less than the policy; then nobody is asked for the rest.
    const isAllowed = policy !== undefined && (trigger === undefined || carries(policy, trigger));
    if (found === undefined || !isAllowed || !policy.isAskedFor || this.#closed.has(policyName))
      return this.#parts.engine.effects.childDone({ policy: policyName, trigger, child: undefined });
    this.ask(found.connection, childTask(policy, trigger));
  }

  /** Makes the SAs of a policy where there are none, before a packet asks for them. */
  ensure(policyName: string): void {
    const found = this.#peers.ofPolicy(policyName);
    if (found === undefined) return;
    if (found.policy.onClose === 'restart') this.#restarts.want(policyName);
    const children = this.#parts.sas
      .of(found.connection.name)
      .filter(({ state }) => state.phase === 'established')
      .flatMap(({ state }) => state.children);
    if (!children.some(({ policy, isReplaced }) => policy === policyName && !isReplaced))
      this.acquire(policyName, undefined);
  }

  /** Somebody asks by name, so it does not matter who else would. @returns false where no peer has the policy */
  initiate(policyName: string): boolean {
    const found = this.#peers.ofPolicy(policyName);
    if (found === undefined) return false;
    this.#closed.delete(policyName);
    this.ask(found.connection, childTask(found.policy, undefined));
    return true;
  }

  /** The peer, or time, has ended the Child SAs of a policy. */
  lost(policyName: string): void {
    const onClose = this.#peers.ofPolicy(policyName)?.policy.onClose;
    if (onClose === 'close') this.#closed.add(policyName);
    if (onClose === 'restart') this.#restarts.lost(policyName, this.#parts.engine.now());
  }

  done(done: ChildDone): void {
    const { engine } = this.#parts;
    this.#restarts.done(done.policy, done.child !== undefined, engine.now());
    engine.effects.childDone(done);
  }

  /**
   * Whichever IKE SA of the peer can, makes the Child SA; or a new one does.
   * @param asker the IKE SA that could not
   */
  ask(connection: Connection, task: ChildTask, asker?: IkeSaState): void {
    const chosen = chooseIkeSa(this.#parts.sas, connection, task, asker);
    if (chosen === undefined && isOpen(connection)) return this.#refuse(connection, task);
    const waiting = this.#locating.get(connection);
    if (chosen !== undefined) this.#parts.runner().push(chosen, { type: 'create-child', task });
    else if (waiting !== undefined) waiting.push(task);
    else this.#locate(connection, [task]);
  }

  /** RFC 4301 §4.4.3: the entry does not say where the peer is, and it could be any of many. */
  #refuse({ name }: Connection, task: ChildTask): void {
    const { policy, trigger } = task;
    const remote = trigger === undefined ? policy.remote : [trigger[1]];
    const wanted = selectorsText(remote);
    this.#parts.stories.tellOfPacket('peer-unknown', { policy: policy.policy, peer: name, wanted });
    this.#fail(task);
  }

  #fail({ policy, trigger }: ChildTask): void {
    this.done({ policy: policy.policy, trigger, child: undefined });
    this.#parts.runner().wake();
  }

  /** @param tasks that wait until it is known where the peer is; more may come */
  #locate(connection: Connection, tasks: ChildTask[]): void {
    this.#locating.set(connection, tasks);
    const begin = (path: Path | undefined): void => {
      this.#locating.delete(connection);
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift())
        this.#beginWith(connection, path, task);
    };
    this.#parts.searches.begin(connection, begin, () => {
      begin(undefined);
    });
  }

  #beginWith(connection: Connection, path: Path | undefined, task: ChildTask): void {
    const { sas, engine, newIkeSpi } = this.#parts;
    const runner = this.#parts.runner();
    // The peer itself may have begun meanwhile.
    const chosen = chooseIkeSa(sas, connection, task, undefined);
    if (chosen !== undefined) return runner.push(chosen, { type: 'create-child', task });
    if (path === undefined || !this.#peers.has(connection)) return this.#fail(task);
    const entry = sas.add(newInitiator(connection, path, newIkeSpi(), engine.now()));
    runner.push(entry, { type: 'initiate', child: task });
  }
}

function childTask(
  policy: ChildPolicy,
  trigger: readonly [TrafficSelector, TrafficSelector] | undefined,
): ChildTask {
  return {
    kind: 'create-child',
    policy,
    trigger,
    replaces: undefined,
    group: undefined,
    attempt: 0,
    notBeforeMs: 0,
  };
}
