// Datagrams to a neighbour that does not answer ARP stay in the send buffer, until it is full.

import { createNativeDevices } from '../../../src/dataplane/native/native-devices.ts';
import { bytesOf } from '../../support/packets.ts';
import { patternBytes, send, smallMemory } from '../batches.ts';
import { report } from '../in-namespace.ts';
import { addon, ip, LOCAL, openSocket, REMOTE } from './tun-side.ts';

ip('link add wan-a type veth peer name wan-b');
ip(`address add ${LOCAL}/24 dev wan-a`);
ip('link set wan-a up');
ip('link set wan-b up');
const socket = openSocket({ bufferBytes: 5000 });
const memory = smallMemory();
const devices = createNativeDevices(addon, memory, { tun: -1, sockets: [socket.fd], wakeup: -1 });
devices.setEndpoint(0, 0, bytesOf(REMOTE), 4500);
const start = process.hrtime.bigint();
const statuses = send(
  devices,
  memory,
  Array.from({ length: 200 }, () => ({ payload: patternBytes(1000) })),
);
const elapsedMs = Number(process.hrtime.bigint() - start) / 1e6;
report({ statuses, elapsedMs });
