// `load-cert`, `clear-creds` and `get-pools`. Certificates and revocation lists that were loaded stay until all are
// cleared, as the protocol has it. There are no pools.

import { SUCCESS, type Command } from '../command.ts';
import { EMPTY, neededData, textOf, ViciRequestError } from '../message.ts';
import { fingerprint, readCertificate, readRevocationList } from '../../loading/loaded-files.ts';
import { put, withoutCredentials } from '../../loading/loaded-things.ts';

export const loadCert: Command = async (gateway, request) => {
  const type = textOf(request, 'type') ?? 'X509';
  const flag = textOf(request, 'flag') ?? 'NONE';
  const data = neededData(request, 'data');
  if (type === 'X509_CRL') {
    const list = readRevocationList(data);
    await gateway.changeLoaded((loaded) =>
      loaded.revocationLists.has(list.name) ? loaded : put(loaded, 'revocationLists', list.name, list),
    );
    return SUCCESS;
  }
  if (type !== 'X509') throw new ViciRequestError(`type: found "${type}", expected X509 or X509_CRL`);
  if (flag !== 'NONE' && flag !== 'CA')
    throw new ViciRequestError(
      `flag: found "${flag}", expected NONE or CA: there are no attribute certificates and no OCSP`,
    );
  const certificate = readCertificate(data);
  const isTrusted = flag === 'CA';
  if (isTrusted && !certificate.isAuthority)
    throw new ViciRequestError('found the certificate of no authority, expected one of an authority');
  const name = fingerprint(certificate.der);
  await gateway.changeLoaded((loaded) =>
    loaded.certificates.get(name)?.isTrusted === isTrusted
      ? loaded
      : put(loaded, 'certificates', name, { certificate, isTrusted }),
  );
  return SUCCESS;
};

export const clearCreds: Command = async (gateway) => {
  await gateway.changeLoaded(withoutCredentials);
  return SUCCESS;
};

export const getPools: Command = () => EMPTY;
