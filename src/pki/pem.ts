// PEM, the text form of certificates, CRLs and keys: RFC 7468. Explanations around the blocks are passed over, headers
// inside them (RFC 1421, encrypted keys) are not read.

export interface PemBlock {
  /** `CERTIFICATE`, `X509 CRL`, `PUBLIC KEY`, … */
  readonly label: string;
  readonly der: Uint8Array;
}

const LINE_CHARACTERS = 64;

/** In the order of the text; nothing where there is none. */
export function readPem(text: Uint8Array): readonly PemBlock[] {
  const found = Buffer.from(text)
    .toString('latin1')
    .matchAll(/-----BEGIN ([A-Z0-9 ]{1,64})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g);
  return Array.from(found, ([, label = '', content = '']) => ({
    label,
    der: new Uint8Array(Buffer.from(content, 'base64')),
  }));
}

export function writePem(label: string, der: Uint8Array): string {
  const text = Buffer.from(der).toString('base64');
  const lines = text.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
