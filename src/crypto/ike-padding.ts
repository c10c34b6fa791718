// Padding of the SK payload, RFC 7296 §3.14: inner payloads, padding of any content, and last the pad length.

/** The inner payloads padded with zeros to a multiple of `blockBytes`, by as little as that takes. */
export function padInner(inner: Uint8Array, blockBytes: number): Uint8Array {
  const padded = new Uint8Array(paddedBytes(inner.length, blockBytes));
  padded.set(inner);
  padded[padded.length - 1] = padded.length - inner.length - 1;
  return padded;
}

export function paddedBytes(innerBytes: number, blockBytes: number): number {
  return Math.ceil((innerBytes + 1) / blockBytes) * blockBytes;
}

/** A view of the inner payloads; undefined where the pad length is more than there is. */
export function unpadInner(padded: Uint8Array): Uint8Array | undefined {
  const padLength = padded.at(-1);
  if (padLength === undefined || padLength >= padded.length) return undefined;
  // The sender may fill the padding with anything, and may pad by up to 255 octets.
  return padded.subarray(0, padded.length - 1 - padLength);
}
