// Why the SAD refused an operation; the codes are those that RFC 2367 §2.1 has in sadb_msg_errno.

export type SadErrorCode =
  /** There is an SA with this identity already, or no SPI of the range is free. */
  | 'EEXIST'
  /** There is no such SA. */
  | 'ESRCH'
  /** The request contradicts itself or the state of the SA. */
  | 'EINVAL'
  /** There are as many SAs as slots. */
  | 'ENOBUFS';

export class SadError extends Error {
  override readonly name = 'SadError';
  readonly code: SadErrorCode;

  constructor(code: SadErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
