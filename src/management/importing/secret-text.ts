// A secret as strongSwan's files have it: text, or behind 0x hexadecimal, behind 0s Base64.

/** @returns undefined where what is behind the prefix is not that */
export function decodeSecret(text: string): Uint8Array | undefined {
  const digits = text.slice(2);
  switch (text.slice(0, 2).toLowerCase()) {
    case '0x':
      return /^([0-9a-f]{2})+$/i.test(digits.replaceAll(/[:_]/g, ''))
        ? Buffer.from(digits.replaceAll(/[:_]/g, ''), 'hex')
        : undefined;
    case '0s':
      return /^[A-Za-z0-9+/]+={0,2}$/.test(digits) ? Buffer.from(digits, 'base64') : undefined;
    default:
      return Buffer.from(text);
  }
}
