// Who may ask the HTTP listener for what. A browser is a deputy that any page can send: so the name in Host must be ours
// (DNS rebinding), what changes something must come from our own page, and a session is a cookie that no other page's
// request carries. Of tokens and sessions only digests are kept, and tokens are compared in constant time.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { parseAddress } from '../../base/address.ts';
import { monotonicMs } from '../../base/clock.ts';

const SESSION_SECONDS = 12 * 3600;
/** Each takes the token to make. */
const MOST_SESSIONS = 256;
const SESSION_BYTES = 32;

export interface AccessRules {
  /** SHA-256 of the token; undefined: who can connect may see. */
  readonly tokenDigest: Uint8Array | undefined;
  /** Names that this listener is called by beside addresses and localhost. */
  readonly hosts: readonly string[];
  /** Tells this listener from the others of a host, whose cookies have one name space (RFC 6265 §8.5): letters and digits. */
  readonly place: string;
}

export class Access {
  readonly #rules: AccessRules;
  readonly #now: () => number;
  readonly #cookie: string;
  #tokenDigest: Uint8Array | undefined;
  /** When they end, by their digests; the oldest first. They end with the process as well. */
  readonly #sessions = new Map<string, number>();

  /** @param now monotonic milliseconds */
  constructor(rules: AccessRules, now: () => number = monotonicMs) {
    this.#rules = rules;
    this.#now = now;
    this.#cookie = `isthmus-session-${rules.place}`;
    this.#tokenDigest = rules.tokenDigest;
  }

  /** From now on there is another token. The sessions that the one before has opened are over. */
  useToken(digest: Uint8Array): void {
    if (this.#tokenDigest !== undefined && timingSafeEqual(digest, this.#tokenDigest)) return;
    this.#tokenDigest = digest;
    this.#sessions.clear();
  }

  get asksForToken(): boolean {
    return this.#tokenDigest !== undefined;
  }

  /** A name that somebody else could have pointed here is refused; an address nobody can. */
  isOurHost(host: string | undefined): boolean {
    const [, name = '', bracketed] = /^(\[([\da-f:.]+)\]|[^[\]:/@\s]+)(?::\d{1,5})?$/i.exec(host ?? '') ?? [];
    if (name === '') return false;
    const address = parseAddress(bracketed ?? name);
    if (address !== undefined) return address.family === (bracketed === undefined ? 4 : 6);
    const known = name.toLowerCase();
    return known === 'localhost' || this.#rules.hosts.includes(known);
  }

  /** A page of another site did not ask. */
  isFromOurPage({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
    return origin === undefined || origin === `http://${host ?? ''}` || origin === `https://${host ?? ''}`;
  }

  /** @param tryToken looks at a token that is shown */
  mayLook({ authorization, cookie }: IncomingHttpHeaders, tryToken: (token: string) => boolean): boolean {
    if (!this.asksForToken) return true;
    const [, bearer] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    if (bearer !== undefined) return tryToken(bearer);
    const session = this.#sessionOf(cookie);
    return session !== undefined && this.#now() < (this.#sessions.get(session) ?? 0);
  }

  isToken(text: string): boolean {
    return this.#tokenDigest !== undefined && timingSafeEqual(digestOf(text), this.#tokenDigest);
  }

  /** @returns the value of Set-Cookie for whoever has shown the token */
  newSession(): string {
    const value = randomBytes(SESSION_BYTES).toString('base64url');
    this.#sessions.set(keyOf(value), this.#now() + SESSION_SECONDS * 1000);
    if (this.#sessions.size > MOST_SESSIONS) {
      const [oldest = ''] = this.#sessions.keys();
      this.#sessions.delete(oldest);
    }
    return this.#cookieText(value, SESSION_SECONDS);
  }

  /** Ends the session of whoever asks. @returns the value of Set-Cookie that has its cookie forgotten */
  endSession({ cookie }: IncomingHttpHeaders): string {
    this.#sessions.delete(this.#sessionOf(cookie) ?? '');
    return this.#cookieText('', 0);
  }

  #sessionOf(cookie: string | undefined): string | undefined {
    const values = (cookie ?? '').split(';').map((part) => part.trim());
    const value = values.find((part) => part.startsWith(`${this.#cookie}=`));
    return value === undefined ? undefined : keyOf(value.slice(this.#cookie.length + 1));
  }

  /** Not `Secure`: the listener itself speaks plain HTTP, to this host or behind a proxy that may not. */
  #cookieText(value: string, seconds: number): string {
    return `${this.#cookie}=${value}; Path=/; Max-Age=${String(seconds)}; HttpOnly; SameSite=Strict`;
  }
}

function keyOf(session: string): string {
  return Buffer.from(digestOf(session)).toString('base64url');
}

export function digestOf(token: string | Uint8Array): Uint8Array {
  return createHash('sha256').update(token).digest();
}
