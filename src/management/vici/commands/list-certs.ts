// `list-certs`: certificates, revocation lists and bare public keys that the configuration names. No private key.

import { failure, type Command } from '../command.ts';
import { EMPTY, section, textOf } from '../message.ts';

const TYPES = ['ANY', 'X509', 'X509_AC', 'X509_CRL', 'OCSP_RESPONSE', 'PUBKEY'];
const FLAGS = ['ANY', 'NONE', 'CA', 'AA', 'OCSP'];

export const listCerts: Command = async (gateway, request, asking) => {
  const type = (textOf(request, 'type') ?? 'ANY').toUpperCase();
  const wantedFlag = (textOf(request, 'flag') ?? 'ANY').toUpperCase();
  const subject = textOf(request, 'subject');
  if (!TYPES.includes(type)) return failure(`invalid type '${type}', expected one of ${TYPES.join(', ')}`);
  if (!FLAGS.includes(wantedFlag)) return failure(`invalid flag, expected one of ${FLAGS.join(', ')}`);
  for (const certificate of gateway.certificates) {
    const isX509 = certificate.type === 'X509';
    const flag = certificate.isAuthority ? 'CA' : 'NONE';
    if (type !== 'ANY' && type !== certificate.type) continue;
    if (isX509 && wantedFlag !== 'ANY' && wantedFlag !== flag) continue;
    if (subject !== undefined && subject !== certificate.subject) continue;
    await asking.emit(
      'list-cert',
      section({
        type: certificate.type,
        flag: isX509 ? flag : undefined,
        has_privkey: certificate.hasPrivateKey ? 'yes' : undefined,
        data: certificate.der,
        subject: isX509 ? undefined : certificate.subject,
      }),
    );
  }
  return EMPTY;
};
