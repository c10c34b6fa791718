// Runs in hostB: holds a UDP port open and never reads it. With a port that nobody holds the kernel would answer
// with ICMP, and a reader would take the CPU from the gateways. It ends with its standard input.
// Usage: sink.ts LOCAL-ADDRESS PORT

import { parseAddress } from '../../../src/base/address.ts';
import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';

const [localText = '', portText = ''] = process.argv.slice(2);
const local = parseAddress(localText);
if (local === undefined) throw new Error('usage: sink.ts LOCAL PORT');

loadAddon().openUdp({
  address: local.bytes,
  port: Number(portText),
  mark: 0,
  reusePort: false,
  peer: false,
  bufferBytes: 4096,
  gso: false,
  gro: false,
});
process.stdout.write('ready\n');
process.stdin.resume();
