// Holds what a gateway wants while another program runs, and ends with that program's exit code.
// Arguments: `udp` and an IPv4 address with port 4500, or `tun` and a name; then the program.

import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';

const [kind = '', what = '', program = '', ...rest] = process.argv.slice(2);
let release: () => void;
if (kind === 'udp') {
  const socket = createSocket('udp4').bind(4500, what);
  await once(socket, 'listening');
  release = () => socket.close();
} else {
  const addon = loadAddon();
  const { fd } = addon.openTun({ name: what, checksum: false, tso: false, uso: false });
  release = () => {
    addon.closeDescriptor(fd);
  };
}
const { status } = spawnSync(program, rest, { stdio: 'inherit' });
release();
process.exitCode = status ?? 2;
