// The body of a POST: JSON, and short.

import type { IncomingMessage } from 'node:http';
import { RefusedRequest } from './refused-request.ts';

const MOST_BYTES = 4096;

/** @throws RefusedRequest */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json')
    throw new RefusedRequest(415, 'the body has to be application/json');
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > MOST_BYTES) break;
      pieces.push(piece);
    }
  } catch {
    throw new RefusedRequest(400, 'the body did not come whole');
  }
  if (bytes > MOST_BYTES) throw new RefusedRequest(413, 'the body is too long', { Connection: 'close' });
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch {
    throw new RefusedRequest(400, 'the body is no JSON');
  }
}
