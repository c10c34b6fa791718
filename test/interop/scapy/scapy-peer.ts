// Asks esp_peer.py, an ESP peer made of Debian's scapy, which shares no code with this project.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

// Not the first python3 of PATH: Debian's packages are for Debian's.
const PYTHON = '/usr/bin/python3';
const SCRIPT: string = join(import.meta.dirname, 'esp_peer.py');

export interface ScapyRequest {
  readonly operation: 'decapsulate' | 'encapsulate';
  readonly transform: string;
  /** Cipher key followed by the salt. */
  readonly keyMaterial: Uint8Array;
  /** Empty for a combined mode. */
  readonly integrityKey: Uint8Array;
  readonly spi: number;
  readonly esn: boolean;
  readonly sequence: number;
  /** ESP packet, or inner packet. */
  readonly packet: Uint8Array;
}

/** One of the two is there. */
export interface ScapyAnswer {
  readonly packet?: string;
  readonly error?: string;
}

export class ScapyPeer {
  readonly #python: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string, undefined>;
  readonly #complaint: Promise<string>;

  constructor() {
    this.#python = spawn(PYTHON, [SCRIPT]);
    this.#lines = createInterface({ input: this.#python.stdout })[Symbol.asyncIterator]();
    this.#complaint = text(this.#python.stderr);
    this.#python.on('error', () => undefined);
    this.#python.stdin.on('error', () => undefined);
  }

  /** @returns one answer for each request, packets in hexadecimal; throws with what to install where there is no scapy */
  async ask(requests: readonly ScapyRequest[]): Promise<ScapyAnswer[]> {
    for (const request of requests) {
      const keyMaterial = hex(request.keyMaterial);
      const integrityKey = hex(request.integrityKey);
      this.#python.stdin.write(
        `${JSON.stringify({ ...request, keyMaterial, integrityKey, packet: hex(request.packet) })}\n`,
      );
    }
    const answers: ScapyAnswer[] = [];
    while (answers.length < requests.length) {
      const line = await this.#lines.next();
      if (line.done === true) {
        const reason = (await this.#complaint).trim().split('\n').at(-1);
        throw new Error(`scapy: ${reason}; run: apt-get install python3-scapy python3-cryptography`);
      }
      answers.push(JSON.parse(line.value) as ScapyAnswer);
    }
    return answers;
  }

  async close(): Promise<void> {
    if (this.#python.pid === undefined || this.#python.exitCode !== null) return;
    const closed = once(this.#python, 'close');
    this.#python.stdin.end();
    await closed;
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
