// What the commands that ask a gateway have in common: its socket, and the session that ends with the command.

import { ViciSession } from './vici-session.ts';

export interface ControlOptions {
  /** Path of the vici socket. */
  readonly socket: string;
  readonly json?: boolean;
}

/** @throws NoGatewayError, RefusedError */
export async function withSession<Result>(
  { socket }: ControlOptions,
  act: (session: ViciSession) => Promise<Result>,
): Promise<Result> {
  const session = await ViciSession.open(socket);
  try {
    return await act(session);
  } finally {
    session.close();
  }
}
