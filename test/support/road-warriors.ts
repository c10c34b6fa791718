// Site b answers peers whose addresses it does not know, and site a is one of these peers after another.

import { wholeFamily } from '../../src/base/address.ts';
import { InvariantError } from '../../src/base/errors.ts';
import type { ChildPolicy, Connection, Uniqueness } from '../../src/ike/connection.ts';
import { selectorsText } from '../../src/wire/ike/selector-text.ts';
import { parseIdentity, parseIdentityPattern, type IdentityPattern } from '../../src/pad/identity.ts';
import type { TrafficSelector } from '../../src/wire/ike/payload.ts';
import { IkeNetwork, network, type Site, type SiteName } from './ike-network.ts';

export const ANYWHERE: readonly TrafficSelector[] = ([4, 6] as const).map((family) => ({
  ...network('0.0.0.0', 0),
  ...wholeFamily(family),
}));
export const NET_B: TrafficSelector = network('10.0.2.0');
export const ALICE_AT = '203.0.113.1';
export const BOB_AT = '203.0.113.2';

export function host(text: string): TrafficSelector {
  return network(text, 32);
}

function pattern(text: string): IdentityPattern {
  const found = parseIdentityPattern(text);
  if (found === undefined) throw new InvariantError(text);
  return found;
}

/** Of the policies of site b. */
export interface Rules {
  /** Identities that its PAD entry is for. */
  readonly pad: string;
  /** Left out: the policy has no names, and packets ask for its SAs. */
  readonly names?: readonly string[];
  readonly remote?: readonly TrafficSelector[];
  readonly unique?: Uniqueness;
  /** Each address of the peer gets an SA of its own. */
  readonly isEachAlone?: boolean;
  /** Of all; there is MOBIKE where this is left out. */
  readonly mobike?: boolean;
  /** The peers send no INITIAL_CONTACT. */
  readonly isForgetful?: boolean;
}

export class RoadWarriors extends IkeNetwork {
  readonly #who: { identity: string; asksFor: readonly TrafficSelector[] };

  constructor(rules: Rules) {
    const { pad, names, remote, unique = 'replace', mobike = true } = rules;
    const { isForgetful = false, isEachAlone = false } = rules;
    const who = { identity: 'nobody', asksFor: [host(ALICE_AT)] };
    super((connection, site) =>
      site === 'a'
        ? peerOf({ ...connection, mobike, unique: isForgetful ? 'never' : 'replace' }, who)
        : gatewayOf({ ...connection, mobike }),
    );
    this.#who = who;

    function gatewayOf(connection: Connection): Connection {
      const [child] = connection.children;
      if (child === undefined) throw new InvariantError('no policy');
      const named: ChildPolicy = {
        ...child,
        local: [NET_B],
        remote: remote ?? ANYWHERE,
        remoteNames: names?.map(pattern),
        isOwnAddressOnly: remote === undefined,
        populateFromPacket: isEachAlone ? ['remoteAddress'] : undefined,
        isAskedFor: names === undefined,
        onClose: names === undefined ? 'trap' : 'close',
      };
      const entry = { ...connection.pad.remote, identity: pattern(pad), exact: parseIdentity(pad) };
      return {
        ...connection,
        remoteAddress: undefined,
        unique,
        pad: { ...connection.pad, remote: entry },
        children: [named],
      };
    }
  }

  /** Site a is somebody else from now on; the one before stays, and is silent. */
  become(identity: string, at: string, asksFor: readonly TrafficSelector[] = [host(at)]): Site {
    Object.assign(this.#who, { identity, asksFor });
    this.addresses.a = at;
    this.restart('a');
    return this.a;
  }

  /** Site a is again who it was. */
  again(site: Site, at: string): void {
    this.a = site;
    this.addresses.a = at;
  }

  /** What the SAs of a site carry, of the other's addresses. */
  held(site: SiteName): readonly string[] {
    return this.states(site).flatMap(({ children }) =>
      children.map(({ remote }) => selectorsText(remote).replaceAll('/32', '')),
    );
  }
}

function peerOf(
  connection: Connection,
  { identity: text, asksFor }: { readonly identity: string; readonly asksFor: readonly TrafficSelector[] },
): Connection {
  const identity = parseIdentity(text);
  if (identity === undefined) throw new InvariantError(text);
  const [child] = connection.children;
  if (child === undefined) throw new InvariantError('no policy');
  return {
    ...connection,
    pad: { ...connection.pad, local: { ...connection.pad.local, identity } },
    children: [{ ...child, local: asksFor, remote: [NET_B] }],
  };
}
