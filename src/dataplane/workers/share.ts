// Which worker does what where there are several. Each SA has one: the worker that alone has its key, takes its sequence
// numbers or its replay window, and holds its lifetime. So two packets of an SA are never in work at once, no number is met
// twice, and packets leave in the order of their numbers, without a lock.

/** One worker among its fellows. */
export interface WorkerShare {
  /** From 0 on. The first has what is not of one SA: IKE, fragments, keepalives, and what waits for an SA. */
  readonly index: number;
  readonly count: number;
}

export const FIRST_WORKER = 0;
export const SOLE_WORKER: WorkerShare = { index: FIRST_WORKER, count: 1 };

/** As the sockets are steered (native/src/udp_socket.h); 0, which stands before IKE, is for the first. @param spi signed or unsigned */
export function inboundWorker(spi: number, count: number): number {
  return (spi >>> 0) % count;
}

/** The worker behind that of the inbound SA: the two directions of one tunnel are two workers' work. */
export function outboundWorker(inboundSpi: number, count: number): number {
  return (inboundWorker(inboundSpi, count) + 1) % count;
}

/**
 * By whose queue of the TUN a worker writes what it has decrypted: the kernel hands the answers of a flow to the queue that
 * its packets were written by, and that worker has the outbound SAs that belong to this one's inbound SAs.
 */
export function answeringWorker({ index, count }: WorkerShare): number {
  return (index + 1) % count;
}
