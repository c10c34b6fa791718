// How a command that asks a gateway can fail, each with an exit code of its own.

/** Nobody answers at the socket. */
export class NoGatewayError extends Error {
  override readonly name = 'NoGatewayError';
  static readonly exitCode = 3;
}

/** The gateway has answered, and said no, or what was asked for has failed. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  static readonly exitCode = 4;
}
