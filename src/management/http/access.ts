// Who may ask the HTTP listener for what. A browser is a deputy that any page can send: so the name in Host must be ours
// (DNS rebinding), what changes something must come from our own page, and a session is a cookie that no other page's
// request carries. Tokens are compared by their digests, in constant time.

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { parseAddress } from '../../base/address.ts';
import { monotonicMs } from '../../base/clock.ts';

const SESSION_SECONDS = 12 * 3600;
const COOKIE = 'isthmus-session';
const MAC_BYTES = 32;

export interface AccessRules {
  /** SHA-256 of the token; undefined: who can connect may see. */
  readonly tokenDigest: Uint8Array | undefined;
  /** Names that this listener is called by beside addresses and localhost. */
  readonly hosts: readonly string[];
}

export class Access {
  readonly #rules: AccessRules;
  readonly #now: () => number;
  /** Of this process alone: a session ends with it. */
  readonly #sessionKey = randomBytes(MAC_BYTES);

  /** @param now monotonic milliseconds */
  constructor(rules: AccessRules, now: () => number = monotonicMs) {
    this.#rules = rules;
    this.#now = now;
  }

  get asksForToken(): boolean {
    return this.#rules.tokenDigest !== undefined;
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

  mayLook({ authorization, cookie }: IncomingHttpHeaders): boolean {
    if (!this.asksForToken) return true;
    const [, bearer] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    if (bearer !== undefined) return this.isToken(bearer);
    const values = (cookie ?? '').split(';').map((part) => part.trim());
    const session = values.find((part) => part.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
    return session !== undefined && this.#isSession(session);
  }

  isToken(text: string): boolean {
    const { tokenDigest } = this.#rules;
    return tokenDigest !== undefined && timingSafeEqual(digestOf(text), tokenDigest);
  }

  /** @returns the value of Set-Cookie for whoever has shown the token */
  newSession(): string {
    const endMs = Math.floor(this.#now()) + SESSION_SECONDS * 1000;
    return cookieText(
      `${String(endMs)}.${this.#macOf(String(endMs)).toString('base64url')}`,
      SESSION_SECONDS,
    );
  }

  endedSession(): string {
    return cookieText('', 0);
  }

  #isSession(value: string): boolean {
    const [, end = '', mac = ''] = /^(\d{1,15})\.([\w-]{43})$/.exec(value) ?? [];
    const given = Buffer.from(mac, 'base64url');
    return (
      given.length === MAC_BYTES && timingSafeEqual(given, this.#macOf(end)) && this.#now() < Number(end)
    );
  }

  #macOf(end: string): Buffer {
    return createHmac('sha256', this.#sessionKey).update(end).digest();
  }
}

/** Not `Secure`: the listener itself speaks plain HTTP, to this host or behind a proxy that may not. */
function cookieText(value: string, seconds: number): string {
  return `${COOKIE}=${value}; Path=/; Max-Age=${String(seconds)}; HttpOnly; SameSite=Strict`;
}

export function digestOf(token: string | Uint8Array): Uint8Array {
  return createHash('sha256').update(token).digest();
}
