// What to do about the troubles that people have most often: the words of the log, and what follows from them.

import { printable } from '../../base/printable.ts';

const MENDS: readonly (readonly [words: RegExp, mend: (peer: string) => string])[] = [
  [
    /shared secret|AUTHENTICATION_FAILED/,
    (peer) =>
      `compare the secret (psk) and the identities of both sides: here and at ${peer} they must be the same, byte for byte`,
  ],
  [
    /TS_UNACCEPTABLE|traffic selectors|networks of both sides/,
    (peer) =>
      `compare the networks of both sides: what is local_address here must be remote_address at ${peer}, and the other way round`,
  ],
  [
    /NO_PROPOSAL_CHOSEN|proposal/,
    (peer) => `compare the proposals of both sides: ${peer} takes none of those that are written here`,
  ],
  [
    /certificate|signature|authority|public key|revoked/,
    (peer) =>
      `compare certificates and identities of both sides: each has to trust the authority of the other, and ${peer} has to be called here as its certificate says`,
  ],
  [
    /not answer|no answer|timed? out/,
    (peer) =>
      `see whether UDP 500 and 4500 get to ${peer} and back: tcpdump -ni any udp port 500 or udp port 4500`,
  ],
  [/no route|unreachable/, (peer) => `give this host a route to ${peer}`],
];

/** @returns undefined where nothing is known */
export function mendOfTrouble(text: string, peer: string): string | undefined {
  return MENDS.find(([words]) => words.test(text))?.[1](printable(peer));
}
