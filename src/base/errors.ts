// The coded errors of the control and management planes. The data plane never throws on packet content:
// it returns a DropReason (dataplane/drop-reasons.ts).

/** Something in a file the administrator wrote, or in a key it names, is wrong. One line says where and what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A system call failed. */
export class NativeError extends Error {
  override readonly name = 'NativeError';
  /** `EPERM`, `EADDRINUSE`, … */
  readonly code: string;
  readonly systemCall: string;
  /** What it was done to: a device name, an address and port, a file. */
  readonly device: string;

  constructor(message: string, code: string, systemCall: string, device: string) {
    super(message);
    this.code = code;
    this.systemCall = systemCall;
    this.device = device;
  }
}

/** The gateway cannot start or go on here; the message says what to do. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/** A rule that this program keeps by itself was broken: a defect in the program. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Bytes from the network that are not what their format says. Nothing was done because of them. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError';
  /** Where it was found: `payload 2 (SA), proposal 1, byte 44`. */
  readonly place: string;

  constructor(place: string, problem: string) {
    super(`${place}: ${problem}`);
    this.place = place;
  }
}
