// A request that is not answered with what it asks for: a status and one line that says why.

import { textReply, type Reply } from './reply.ts';

export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest';
  readonly reply: Reply;

  constructor(status: number, line: string, headers: Readonly<Record<string, string>> = {}) {
    super(line);
    this.reply = textReply(status, line, headers);
  }
}
