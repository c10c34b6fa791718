// From what a peer's `ike` names as proofs to secrets and files with their places: paths become absolute.

import { dirname, resolve } from 'node:path';

import { InvariantError } from '../../base/errors.ts';
import type { Position } from './config-document.ts';
import type { FileEntry, IkeEntry } from './config-file.ts';
import type { NamedFile, NamedSecret, OwnCredentials, PeerCredentials } from './credentials.ts';
import { buildSecretSource, type KeyEntry } from './key-source.ts';
import type { Path } from './unproven.ts';

export interface Place {
  readonly file: string;
  readonly positionOf: (path: Path) => Position;
}

export function buildCredentials(
  { local, remote }: IkeEntry,
  path: Path,
  { file, positionOf }: Place,
): { readonly local: OwnCredentials; readonly remote: PeerCredentials } {
  const secret = (key: KeyEntry, ...at: Path): NamedSecret => ({
    source: buildSecretSource(key, file),
    ...positionOf([...path, ...at]),
  });
  const named = (written: FileEntry, ...at: Path): NamedFile => ({
    ...(typeof written === 'string'
      ? { path: resolve(dirname(file), written) }
      : { path: written.name, bytes: written.bytes }),
    ...positionOf([...path, ...at]),
  });
  const list = (written: readonly FileEntry[] | undefined, key: string): readonly NamedFile[] =>
    (written ?? []).map((one, index) => named(one, 'remote', key, index));

  const own = ownCredentials();
  return { local: own, remote: peerCredentials() };

  function ownCredentials(): OwnCredentials {
    const { psk, private_key: privateKey, certificate, public_key: publicKey } = local;
    if (psk !== undefined) return { kind: 'psk', psk: secret(psk, 'local', 'psk') };
    if (privateKey === undefined) throw new InvariantError('a peer passed the checks without a proof');
    const proof =
      certificate === undefined
        ? ({ kind: 'public-key', file: named(publicKey ?? '', 'local', 'public_key') } as const)
        : ({ kind: 'certificate', file: named(certificate, 'local', 'certificate') } as const);
    return {
      kind: 'signature',
      privateKey: secret(privateKey, 'local', 'private_key'),
      proof,
      rsaPadding: local.rsa_padding ?? 'pss',
    };
  }

  function peerCredentials(): PeerCredentials {
    const { psk, authorities, crls, public_key: publicKey } = remote;
    if (psk !== undefined) return { kind: 'psk', psk: secret(psk, 'remote', 'psk') };
    if (publicKey !== undefined)
      return { kind: 'public-key', file: named(publicKey, 'remote', 'public_key') };
    // RFC 7296 §2.15: a pre-shared key is one secret for both sides, unless two are written.
    if (authorities === undefined && own.kind === 'psk') return own;
    return {
      kind: 'authorities',
      authorities: list(authorities, 'authorities'),
      revocationLists: list(crls, 'crls'),
    };
  }
}
