// Two IKE engines and nothing else: a clock that the test moves, a network whose messages the test delivers, loses,
// repeats or reorders, and SADs that keep what was installed.

import { randomBytes } from 'node:crypto';
import { formatAddress, parseAddress, prefixRange, type Address } from '../../src/base/address.ts';
import { InvariantError } from '../../src/base/errors.ts';
import { chooseProvider } from '../../src/crypto/choose-provider.ts';
import type { ChildSa } from '../../src/ike/child-sa.ts';
import type { ChildPolicy, Connection, Path } from '../../src/ike/connection.ts';
import type { ChildDone, Effect } from '../../src/ike/effects.ts';
import { IkeEngine } from '../../src/ike/ike-engine.ts';
import type { IkeEffects } from '../../src/ike/ike-engine-parts.ts';
import type { IkeSaState } from '../../src/ike/ike-sa-state.ts';
import type { AcceptedProposal } from '../../src/ike/proposals.ts';
import { parseIdentity, parseIdentityPattern } from '../../src/pad/identity.ts';
import { EncryptionId, ExchangeType, GroupId, PrfId } from '../../src/wire/ike/iana.ts';
import { decodeIkeHeader } from '../../src/wire/ike/ike-header.ts';
import type { TrafficSelector } from '../../src/wire/ike/payload.ts';

type Install = Extract<Effect, { readonly type: 'install-inbound' | 'install-outbound' }>;

export type SiteName = 'a' | 'b';

/** A message that is on its way. */
export interface Flying {
  readonly to: SiteName;
  readonly bytes: Uint8Array;
  readonly fromPort: number;
  readonly fromAddress: string;
  readonly toAddress: string;
  readonly toPort: number;
  /** `IKE_AUTH response 1`. */
  readonly name: string;
}

const NONCE_BYTES = 32;
const ADDRESSES = { a: '203.0.113.1', b: '198.51.100.1' } as const;
const NETS: Readonly<Record<SiteName, string>> = { a: '10.0.1.0', b: '10.0.2.0' };
const EXCHANGES = new Map<number, string>(Object.entries(ExchangeType).map(([name, id]) => [id, name]));

export function other(name: SiteName): SiteName {
  return name === 'a' ? 'b' : 'a';
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new InvariantError(`${text} is no address`);
  return parsed;
}

export function network(text: string, bits = 24): TrafficSelector {
  return { protocol: 0, startPort: 0, endPort: 65_535, ...prefixRange(address(text), bits) };
}

export const IKE_PROPOSAL: AcceptedProposal = {
  encryption: [{ id: EncryptionId.ENCR_AES_GCM_16, keyBits: 256 }],
  integrity: [],
  prf: [{ id: PrfId.PRF_HMAC_SHA2_384 }],
  groups: [{ id: GroupId.CURVE25519 }, { id: GroupId.ECP_256 }],
  esn: [],
};

export const ESP_PROPOSAL: AcceptedProposal = {
  encryption: [{ id: EncryptionId.ENCR_AES_GCM_16, keyBits: 256 }],
  integrity: [],
  prf: [],
  groups: [{ id: GroupId.CURVE25519 }],
  esn: [{ id: 0 }],
};

/** The SAs of one site, as its data plane would have them. */
export class FakeSad {
  readonly inbound: Map<number, string> = new Map();
  readonly outbound: Map<number, string> = new Map();
  /** Newest last. */
  outboundOrder: number[] = [];
  readonly larval: Set<number> = new Set();
  /** Where outbound SAs lead, by SPI. */
  readonly places: Map<number, string> = new Map();
  /** Policies of outbound SAs, by SPI. */
  readonly policies: Map<number, string> = new Map();
  /** Whom outbound SAs are with, by SPI. */
  readonly peers: Map<number, string> = new Map();
  /** Changes that fail once, in a way that nobody foresaw. */
  readonly refusals: Set<Install['type']> = new Set();
  /** Removes what is not there without a word. */
  isForgiving = false;
  #nextSpi: number;

  constructor(firstSpi: number) {
    this.#nextSpi = firstSpi;
  }

  getSpi(): number {
    const spi = this.#nextSpi++;
    this.larval.add(spi);
    return spi;
  }

  install({ type, child, peer, keyMaterial, path }: Install): void {
    const key = Buffer.from(keyMaterial).toString('hex');
    if (type === 'install-inbound') {
      if (!this.larval.delete(child.inboundSpi))
        throw new InvariantError('UPDATE of an SPI that is not larval');
      this.inbound.set(child.inboundSpi, key);
    } else {
      if (this.outbound.has(child.outboundSpi)) throw new InvariantError('ADD of an SA that is there');
      this.outbound.set(child.outboundSpi, key);
      this.outboundOrder.push(child.outboundSpi);
      this.places.set(child.outboundSpi, formatAddress(path.remoteAddress));
      this.peers.set(child.outboundSpi, peer);
      this.policies.set(child.outboundSpi, child.policy);
    }
  }

  remove(effect: Extract<Effect, { readonly type: 'remove-inbound' | 'remove-outbound' }>): void {
    if (effect.type === 'remove-inbound') {
      if (!this.inbound.delete(effect.spi) && !this.isForgiving)
        throw new InvariantError('DELETE of an SA that is not there');
      return;
    }
    const { outboundSpi } = effect.child;
    if (!this.outbound.delete(outboundSpi) && !this.isForgiving)
      throw new InvariantError('DELETE of an SA that is not there');
    this.places.delete(outboundSpi);
    this.outboundOrder = this.outboundOrder.filter((spi) => spi !== outboundSpi);
  }
}

/** One gateway. */
export interface Site {
  readonly name: SiteName;
  readonly engine: IkeEngine;
  /** Name of the other's connection. */
  readonly peer: string;
  readonly policies: readonly string[];
  /** Policies that a test asked for; an answer takes them out. */
  readonly unanswered: Set<string>;
  readonly sad: FakeSad;
  readonly told: string[];
  /** Answers to acquires. */
  readonly done: { readonly policy: string; readonly installed: boolean }[];
  /** The same, with what they are about. */
  readonly answers: ChildDone[];
  /** Who looks on. */
  readonly watchers: ((before: IkeSaState, after: IkeSaState) => void)[];
  /** Who sees each step before its effects. */
  readonly steppers: NonNullable<IkeEffects['stepped']>[];
}

export class IkeNetwork {
  nowMs = 1000;
  readonly flying: Flying[] = [];
  readonly #lowNonces = new Set<SiteName>();
  /** Everything that was ever sent. */
  readonly sent: Flying[] = [];
  a: Site;
  b: Site;
  #starts = 0;
  readonly #change: (connection: Connection, site: SiteName) => Connection;
  readonly #wakes = new Map<SiteName, number>();
  trafficMs = 0;
  /** Where the sites are now. */
  readonly addresses: Record<SiteName, string> = { ...ADDRESSES };
  /** Sites that cannot ask for a path, in a way that nobody foresaw. */
  readonly lostWays: Set<SiteName> = new Set();
  /** The time of day of both sites. */
  wallClockMs: number = Date.UTC(2030, 0, 1);

  /** @param change of a site's connection */
  constructor(change: (connection: Connection, site: SiteName) => Connection = (connection) => connection) {
    this.#change = change;
    this.a = this.#site('a', change);
    this.b = this.#site('b', change);
  }

  /** A site forgets everything, as after a crash. */
  restart(name: SiteName): void {
    this[name] = this.#site(name, this.#change);
  }

  #site(name: SiteName, change: (connection: Connection, site: SiteName) => Connection): Site {
    const sad = new FakeSad((name === 'a' ? 0xa000_0000 : 0xb000_0000) + 0x10_0000 * this.#starts++);
    const told: string[] = [];
    const unanswered = new Set<string>();
    const answers: ChildDone[] = [];
    const watchers: Site['watchers'] = [];
    const steppers: Site['steppers'] = [];
    const done: { readonly policy: string; readonly installed: boolean }[] = [];
    const effects: IkeEffects = {
      send: (path, bytes) => {
        this.send(name, path, bytes);
      },
      getSpi: () => sad.getSpi(),
      releaseSpi: (spi) => {
        sad.larval.delete(spi);
      },
      install: (effect) => {
        if (sad.refusals.delete(effect.type)) return Promise.reject(new Error('the data plane is gone'));
        sad.install(effect);
        return Promise.resolve();
      },
      remove: (effect) => {
        sad.remove(effect);
        return Promise.resolve();
      },
      stepped: (...step) => {
        for (const stepper of steppers) stepper(...step);
      },
      changed: (before, after) => {
        for (const watcher of watchers) watcher(before, after);
      },
      childDone: ({ policy, trigger, child }) => {
        done.push({ policy, installed: child !== undefined });
        answers.push({ policy, trigger, child });
        unanswered.delete(policy);
      },
      move: ({ path, outboundSpis }) => {
        for (const spi of outboundSpis) sad.places.set(spi, formatAddress(path.remoteAddress));
        return Promise.resolve();
      },
      pathTo: () =>
        this.lostWays.has(name)
          ? Promise.reject(new TypeError('nobody foresaw this'))
          : Promise.resolve({ ...this.#pathOf(name, 500), localAddress: address('0.0.0.0') }),
      floatedPort: () => 4500,
      lastTrafficMs: () => this.trafficMs,
      wakeAt: (atMs) => {
        this.#wakes.set(name, atMs);
      },
      tell: (_level, sentence, details) => {
        told.push(`${sentence} ${JSON.stringify(details)}`);
      },
    };
    const engine = new IkeEngine({
      now: () => this.nowMs,
      wallClock: () => this.wallClockMs,
      random: (bytes) =>
        bytes === NONCE_BYTES && this.#lowNonces.delete(name)
          ? new Uint8Array(bytes)
          : new Uint8Array(randomBytes(bytes)),
      crypto: chooseProvider('auto'),
      effects,
    });
    const connection = change(connectionOf(name), name);
    engine.useConnections([connection]);
    const policies = connection.children.map(({ policy }) => policy);
    const peer = connection.name;
    return { name, engine, peer, policies, unanswered, sad, told, done, answers, watchers, steppers };
  }

  send(from: SiteName, path: Path, bytes: Uint8Array): void {
    const to = from === 'a' ? 'b' : 'a';
    const { exchangeType, isResponse, messageId } = decodeIkeHeader(bytes);
    const name = `${EXCHANGES.get(exchangeType) ?? ''} ${isResponse ? 'response' : 'request'} ${messageId}`;
    const flying = {
      to,
      bytes: Uint8Array.from(bytes),
      fromPort: path.localPort,
      fromAddress: this.addresses[from],
      toAddress: formatAddress(path.remoteAddress),
      toPort: path.remotePort,
      name,
    } as const;
    this.sent.push(flying);
    this.flying.push(flying);
  }

  site(name: SiteName): Site {
    return name === 'a' ? this.a : this.b;
  }

  /** Gives a message to the site that it is for; it stays nowhere. */
  async deliver(flying: Flying): Promise<void> {
    const { engine } = this.site(flying.to);
    // Nobody is there any more.
    if (flying.toAddress !== this.addresses[flying.to]) return;
    const path: Path = {
      localAddress: address(flying.toAddress),
      localPort: flying.toPort,
      remoteAddress: address(flying.fromAddress),
      remotePort: flying.fromPort,
    };
    engine.receive(flying.bytes, path);
    await engine.settled();
  }

  /** The next nonce of a site is lower than every other. */
  lowerNonce(name: SiteName): void {
    this.#lowNonces.add(name);
  }

  /** Takes the oldest message of a site out of the network. */
  takeFrom(name: SiteName): Flying {
    const flying = this.flying.find(({ to }) => to === other(name));
    if (flying === undefined) throw new InvariantError(`no message of ${name} is on its way`);
    this.flying.splice(this.flying.indexOf(flying), 1);
    return flying;
  }

  /** The oldest Child SA of a site that is not replaced. */
  childOf(name: SiteName): ChildSa {
    const child = this.states(name)
      .flatMap(({ children }) => children)
      .find(({ isReplaced }) => !isReplaced);
    if (child === undefined) throw new InvariantError(`site ${name} has no Child SA`);
    return child;
  }

  /** Takes the oldest message out of the network. */
  take(): Flying {
    const flying = this.flying.shift();
    if (flying === undefined) throw new InvariantError('no message is on its way');
    return flying;
  }

  async settled(): Promise<void> {
    await this.a.engine.settled();
    await this.b.engine.settled();
  }

  /** Delivers until nothing is on its way. @param limit of messages: a dialogue that does not end is a defect */
  async run(limit = 100): Promise<void> {
    await this.settled();
    for (let count = 0; this.flying.length > 0; count++) {
      if (count === limit) throw new InvariantError('the dialogue does not end');
      await this.deliver(this.take());
    }
  }

  /** Moves the clock on, from deadline to deadline. Messages stay where they are. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (let count = 0; ; count++) {
      await this.settled();
      const wakeMs = Math.min(...this.#wakes.values());
      if (wakeMs > untilMs) break;
      if (count > 10_000) throw new InvariantError('the clock stands still');
      this.nowMs = Math.max(this.nowMs, wakeMs);
      this.a.engine.tick();
      this.b.engine.tick();
      await this.settled();
    }
    this.nowMs = untilMs;
  }

  /** Moves the clock on while messages arrive. */
  async live(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (let count = 0; this.nowMs < untilMs; count++) {
      if (count > ms) throw new InvariantError('the clock stands still');
      await this.run();
      const wakeMs = Math.min(...this.#wakes.values());
      this.nowMs = Math.min(untilMs, Math.max(this.nowMs + 1, wakeMs));
      this.a.engine.tick();
      this.b.engine.tick();
      await this.settled();
    }
    await this.run();
  }

  /** A packet of site A's hosts asks for the tunnel, and everything that follows is delivered. */
  async connect(): Promise<void> {
    this.a.engine.acquire('to-b', undefined);
    await this.run();
  }

  /** A site has another address from now on, and notices. */
  moveTo(name: SiteName, to: string): void {
    this.addresses[name] = to;
    this.site(name).engine.useLocalAddresses((one) => formatAddress(one) === to);
  }

  #pathOf(site: SiteName, port: number): Path {
    return {
      localAddress: address(this.addresses[site]),
      localPort: port,
      remoteAddress: address(ADDRESSES[other(site)]),
      remotePort: port,
    };
  }

  connections(name: SiteName): readonly Connection[] {
    return [this.#change(connectionOf(name), name)];
  }

  states(name: SiteName): readonly IkeSaState[] {
    return this.site(name).engine.states;
  }
}

function connectionOf(site: SiteName): Connection {
  const other = site === 'a' ? 'b' : 'a';
  const authentication = { method: 'psk', secret: new TextEncoder().encode('a secret of the lab') } as const;
  const identity = parseIdentity(`gw-${site}.example.org`);
  const theirs = `gw-${other}.example.org`;
  const pattern = parseIdentityPattern(theirs);
  if (identity === undefined || pattern === undefined) throw new InvariantError('not an identity');
  const child: ChildPolicy = {
    policy: `to-${other}`,
    proposals: [ESP_PROPOSAL],
    local: [network(NETS[site])],
    remote: [network(NETS[other])],
    isAskedFor: true,
    onClose: 'trap',
  };
  return {
    name: `site-${other}`,
    pad: {
      peer: `site-${other}`,
      local: { identity, authentication },
      remote: { identity: pattern, exact: parseIdentity(theirs), authentication },
    },
    remoteAddress: address(ADDRESSES[other]),
    remotePort: 4500,
    proposals: [IKE_PROPOSAL],
    children: [child],
    rekeyMs: 86_400_000,
    jitterMs: 0,
    expireMs: 90_000_000,
    livenessMs: 0,
    retransmission: { firstMs: 4000, factor: 1.8, tries: 5 },
    unique: 'replace',
    mobike: true,
    childless: false,
    mostChildSas: 1024,
  };
}

/** A second policy between the same sites. */
export function withSecondPolicy(connection: Connection, site: SiteName): Connection {
  const [first] = connection.children;
  if (first === undefined) throw new InvariantError('no policy');
  const nets: Readonly<Record<SiteName, string>> = { a: '10.1.1.0', b: '10.1.2.0' };
  const second: ChildPolicy = {
    ...first,
    policy: `${first.policy}-too`,
    local: [network(nets[site])],
    remote: [network(nets[site === 'a' ? 'b' : 'a'])],
  };
  return { ...connection, children: [first, second] };
}
