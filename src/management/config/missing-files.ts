// The files that a configuration names and that cannot be read here, as `isthmus check` tells them: no errors, because
// keys need not be where a configuration is written.

import { accessSync, constants } from 'node:fs';

import type { NamedFile, NamedSecret } from './credentials.ts';
import type { GatewayConfig, IkePeerConfig, PolicyConfig } from './gateway-config.ts';

interface Place {
  readonly path: string;
  readonly line: number;
}

/** @returns `FILE:LINE: PATH cannot be read (ENOENT): …`, each file once, in the order of the file */
export function describeMissingFiles({ file, http, peers, policies }: GatewayConfig): readonly string[] {
  const places = [
    ...(http?.token === undefined ? [] : secretFile(http.token)),
    ...peers.flatMap(({ ike }) => filesOfPeer(ike)),
    ...policies.flatMap(keyFiles),
  ].toSorted((one, other) => one.line - other.line);
  const first = places.filter(
    ({ path }, index) => places.findIndex((other) => other.path === path) === index,
  );
  return first.flatMap(({ path, line }) => {
    const code = faultOf(path);
    const text = `${file}:${line}: ${path} cannot be read (${code ?? ''}): the gateway does not start without it`;
    return code === undefined ? [] : [text];
  });
}

function filesOfPeer(ike: IkePeerConfig | undefined): readonly Place[] {
  if (ike === undefined) return [];
  const [local, remote] = [ike.local.credentials, ike.remote.credentials];
  return [
    ...(local.kind === 'psk' ? secretFile(local.psk) : [...secretFile(local.privateKey), local.proof.file]),
    ...filesOfProof(remote),
  ];
}

function filesOfProof(remote: IkePeerConfig['remote']['credentials']): readonly Place[] {
  switch (remote.kind) {
    case 'psk':
      return secretFile(remote.psk);
    case 'authorities':
      return [...remote.authorities, ...remote.revocationLists] satisfies readonly NamedFile[];
    case 'public-key':
      return [remote.file];
  }
}

function secretFile({ source, line }: Pick<NamedSecret, 'source' | 'line'>): readonly Place[] {
  return source.kind === 'file' ? [{ path: source.path, line }] : [];
}

function keyFiles({ manual }: PolicyConfig): readonly Place[] {
  if (manual === undefined) return [];
  return [manual.outbound, manual.inbound].flatMap(({ key, line }) => secretFile({ source: key, line }));
}

function faultOf(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
