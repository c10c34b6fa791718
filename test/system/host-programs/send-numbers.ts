// Sends numbered UDP datagrams in pairs, the even number to one address and the odd one to another, at a steady rate
// until its standard input ends. Says now and then how many it has sent, and how many in all at the end.
//
//   send-numbers.ts EVEN_ADDRESS EVEN_BYTES ODD_ADDRESS ODD_BYTES PORT

import { createSocket } from 'node:dgram';

const INTERVAL_MS = 5;
const PAIRS = 20;

const [evenAddress, evenBytes, oddAddress, oddBytes, port] = process.argv.slice(2);
const ends = [
  { address: evenAddress, bytes: Number(evenBytes) },
  { address: oddAddress, bytes: Number(oddBytes) },
] as const;
const socket = createSocket('udp4');
let sent = 0;

function sendOne(): Promise<void> {
  const { address, bytes } = ends[sent % 2 === 0 ? 0 : 1];
  const datagram = Buffer.alloc(bytes);
  datagram.writeUInt32BE(sent++);
  return new Promise((resolve, reject) => {
    socket.send(datagram, Number(port), address, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

let last: Promise<unknown> = Promise.resolve();
const timer = setInterval(() => {
  last = Promise.all(Array.from({ length: 2 * PAIRS }, sendOne));
  process.stdout.write(`${sent}\n`);
}, INTERVAL_MS);

process.stdin.resume().on('end', () => {
  clearInterval(timer);
  void last.then(() => {
    socket.close();
    process.stdout.write(`${sent}\nend\n`);
  });
});
