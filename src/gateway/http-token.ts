// The token of the HTTP listener that the configuration names: its digest, and who hears of another one. A reload reads it
// again, and nothing else of `management.http`.

import type { Logger } from '../base/log.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import { readTokenDigest } from '../management/http/read-token.ts';

type Named = Pick<GatewayConfig, 'http' | 'file'>;

export class HttpToken {
  readonly #log: Logger;
  #digest: Uint8Array | undefined;
  #tell: ((digest: Uint8Array) => void) | undefined;

  /** @throws ConfigError where the token is missing or wrong */
  constructor(config: Named, log: Logger) {
    this.#log = log;
    this.#digest = this.#read(config);
  }

  /** SHA-256; undefined: the configuration names none. */
  get digest(): Uint8Array | undefined {
    return this.#digest;
  }

  onChange(tell: (digest: Uint8Array) => void): void {
    this.#tell = tell;
  }

  /** Reads it again, and changes nothing yet. @returns what puts it in force @throws ConfigError */
  prepare(next: Named): () => void {
    const digest = this.#read(next);
    return () => {
      if (digest === undefined) return;
      this.#digest = digest;
      this.#tell?.(digest);
    };
  }

  #read({ http, file }: Named): Uint8Array | undefined {
    return http?.token && readTokenDigest(http.token, { file, log: this.#log });
  }
}
