// node:crypto gives Buffers, whose slice() does not copy as that of a Uint8Array does.

/** The same memory as a plain Uint8Array. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** The same memory as a Buffer, which is what node:crypto takes a key from. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
