// What the udp tests need of a packet generator between the hosts.

export interface Sent {
  readonly packets: number;
  readonly seconds: number;
}

/** Sends one flow of UDP from hostA to hostB. */
export interface UdpGenerator {
  /**
   * @param payloadBytes UDP payload of each datagram
   * @param ratePerSecond datagrams per second; undefined = as fast as it can
   */
  send(payloadBytes: number, ratePerSecond: number | undefined, seconds: number): Promise<Sent>;
  close(): Promise<void>;
}

/** What a sending process is told; its answer is {@link Sent}. */
export interface SendOrder {
  readonly payloadBytes: number;
  /** 0 = as fast as it can. */
  readonly ratePerSecond: number;
  readonly seconds: number;
}
