// Between sockets of the data plane and the paths that IKE knows: which socket a path begins at (peer-paths.ts says where), where a datagram came by.

import type { Address } from '../base/address.ts';
import type { OuterEndpoints } from '../dataplane/ike-events.ts';
import type { IkeSocket } from '../dataplane/ike-socket.ts';
import type { Path } from '../ike/connection.ts';
import type { Endpoint } from '../sad/security-association.ts';

export class IkePaths {
  readonly #sockets: readonly IkeSocket[];

  constructor(sockets: readonly IkeSocket[]) {
    this.#sockets = sockets;
  }

  of({ family, source, sourcePort, destination, localPort, socket }: OuterEndpoints): Path {
    const bound = this.#sockets[socket]?.address ?? destination;
    // All zeros where the devices are not told.
    const isTold = destination.some((byte) => byte !== 0);
    return {
      localAddress: { family, bytes: Uint8Array.from(isTold ? destination : bound) },
      localPort,
      remoteAddress: { family, bytes: Uint8Array.from(source) },
      remotePort: sourcePort,
    };
  }

  socketOf(address: Address, port: number): IkeSocket | undefined {
    return this.#sockets.find((one) => one.port === port && isAt(one, address));
  }

  socketAt(address: Address, hasMarker: boolean): IkeSocket | undefined {
    return this.#sockets.find((one) => one.hasMarker === hasMarker && isAt(one, address));
  }

  endpointOf({ localAddress, remoteAddress, remotePort }: Path): Endpoint | undefined {
    const socket = this.socketAt(localAddress, true);
    return socket && { socket: socket.socket, address: remoteAddress.bytes, port: remotePort };
  }
}

function isAt({ family, address }: IkeSocket, local: Address): boolean {
  if (family !== local.family) return false;
  return address.every((byte) => byte === 0) || Buffer.compare(address, local.bytes) === 0;
}
