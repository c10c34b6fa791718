// Answers of the HTTP listener: the headers that every one of them has, and bodies that wait for whoever reads them.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** Who does not read for so long is left. */
const STALLED_MS = 10_000;

/** Nothing from elsewhere, nothing inline, in no frame. `form-action` and `base-uri` are not among the defaults. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

export interface Reply {
  readonly status: number;
  readonly type?: string;
  /** In pieces: a long one is never in memory twice, and never waits in the kernel's stead. */
  readonly body: string | Uint8Array | readonly Uint8Array[];
  readonly headers?: Readonly<Record<string, string>>;
  /** The body is no longer needed: it was sent, or nobody reads it. */
  readonly onSent?: () => void;
}

export function textReply(
  status: number,
  line: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, type: TEXT, body: `${line}\n`, headers };
}

export function jsonReply(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, type: JSON_TYPE, body: JSON.stringify(value), headers };
}

/** Resolves when all was handed to the kernel, or whoever asked is gone. */
export async function sendReply(response: ServerResponse, reply: Reply, withBody: boolean): Promise<void> {
  const { status, type = TEXT, body, headers } = reply;
  const pieces = typeof body === 'string' || body instanceof Uint8Array ? [body] : body;
  const length = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  response.writeHead(status, {
    ...HEADERS,
    'Content-Type': type,
    'Content-Length': String(length),
    ...headers,
  });
  if (withBody)
    for (const piece of pieces) {
      if (response.destroyed) return;
      if (!response.write(piece)) await drained(response);
    }
  response.end();
}

async function drained(response: ServerResponse): Promise<void> {
  const stalled = setTimeout(() => response.destroy(), STALLED_MS);
  const left = new AbortController();
  try {
    const { signal } = left;
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } catch (error) {
    // An error of the socket; `response.destroyed` tells the rest.
    if (!response.destroyed) throw error;
  } finally {
    left.abort();
    clearTimeout(stalled);
  }
}
