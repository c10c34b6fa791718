// Asks the gateway, and says in one of four ways how that went.

import type { Explanation } from '../../vici/extensions/explain.ts';
import type { PageState } from '../page-state.ts';

export type Asked<Answer> =
  | { readonly type: 'answer'; readonly answer: Answer }
  /** Sign in first. */
  | { readonly type: 'locked' }
  | { readonly type: 'refused'; readonly line: string }
  | { readonly type: 'gone' };

const LIMIT_MS = 10_000;

export function askState(find: string, peer: string): Promise<Asked<PageState>> {
  return ask(`/api/state?${new URLSearchParams({ find, peer }).toString()}`);
}

export function askExplanation(fields: Readonly<Record<string, string>>): Promise<Asked<Explanation>> {
  return ask(`/api/explain?${new URLSearchParams(fields).toString()}`);
}

export function post(path: string, body: unknown): Promise<Asked<unknown>> {
  // A form of another site cannot set this header.
  const headers = { 'Content-Type': 'application/json', 'X-Isthmus-Request': '1' };
  return ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function ask<Answer>(path: string, options: RequestInit = {}): Promise<Asked<Answer>> {
  try {
    const response = await fetch(path, { ...options, signal: AbortSignal.timeout(LIMIT_MS) });
    if (response.ok) return { type: 'answer', answer: (await response.json()) as Answer };
    if (response.status === 401 && path !== '/api/session') return { type: 'locked' };
    return { type: 'refused', line: (await response.text()).trim() };
  } catch {
    return { type: 'gone' };
  }
}
