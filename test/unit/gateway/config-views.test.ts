// Certificates that a program has loaded are listed, whether or not a connection uses them.

import { expect, test } from 'vitest';
import { viewCertificates } from '../../../src/gateway/config-views.ts';
import { LoadedSecret } from '../../../src/management/config/loaded-secret.ts';
import { NOTHING, put } from '../../../src/management/loading/loaded-things.ts';
import { parseCertificate } from '../../../src/pki/certificate.ts';
import { Authority, newKeys } from '../../support/lab-authority.ts';

test('each once, with whether its key was loaded', () => {
  const authority = new Authority('C=DE, O=Lab, CN=CA');
  const [own, theirs] = [newKeys('ed25519'), newKeys('ed25519')];
  const [ownCertificate, theirCertificate, trusted] = [
    authority.issue('gw.example.org', own.publicKey),
    authority.issue('peer.example.org', theirs.publicKey),
    authority.der,
  ].map((der) => ({ certificate: parseCertificate(der), isTrusted: der === authority.der }));
  let loaded = put(NOTHING, 'certificates', 'own', ownCertificate!);
  loaded = put(loaded, 'certificates', 'theirs', theirCertificate!);
  loaded = put(loaded, 'certificates', 'ca', trusted!);
  loaded = put(loaded, 'authorities', 'lab', trusted!);
  const secret = new LoadedSecret('key', own.privateKey);
  loaded = put(loaded, 'keys', 'own', { publicKey: own.publicKey, secret });
  const views = viewCertificates([], loaded);
  expect(
    views.map(({ subject, isAuthority, hasPrivateKey }) => [subject, isAuthority, hasPrivateKey]),
  ).toEqual([
    ['C=DE, O=Lab, CN=gw.example.org', false, true],
    ['C=DE, O=Lab, CN=peer.example.org', false, false],
    ['C=DE, O=Lab, CN=CA', true, false],
  ]);
  expect(views[2]?.der).toEqual(trusted!.certificate.der);
});
