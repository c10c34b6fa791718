// Somebody on the path who sees everything, sends anything from anywhere, and who now and then has taken over one of the
// gateways and its keys. What he sends may be lost or refused; nothing that an invariant names may come of it.

import { SaField } from '../../../src/sad/sa-state.ts';
import type { Random } from '../random.ts';
import { encapsulate } from '../esp-peer.ts';
import { other, type SiteName } from '../ike-network.ts';
import { addressOf, type SimGateway, type WireDatagram } from './sim-gateway.ts';
import type { SimHosts } from './sim-hosts.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimWatch } from './sim-watch.ts';

const PORTS = [500, 4500] as const;
const LONGEST_GARBAGE = 600;
const STRANGERS = 200;

export interface SimAttackerParts {
  readonly random: Random;
  readonly network: SimNetwork;
  readonly watch: SimWatch;
  readonly hosts: SimHosts;
  /** Where a site is reached from outside. */
  readonly publicAddress: Readonly<Record<SiteName, string>>;
  readonly gateway: (site: SiteName) => SimGateway | undefined;
}

export class SimAttacker {
  readonly #parts: SimAttackerParts;

  constructor(parts: SimAttackerParts) {
    this.#parts = parts;
  }

  act(): void {
    const { random } = this.#parts;
    const acts = [
      () => this.#replay(),
      () => this.#replay(),
      () => this.#change(),
      () => this.#reflect(),
      () => this.#sendClear(),
      () => this.#sendGarbage(),
      () => this.#beginAsAnother(),
      () => this.#reportPath(),
      () => this.#sendFromInside(),
    ];
    random.pick(acts)();
  }

  /** What was sent, once more; perhaps as if from elsewhere. */
  #replay(): void {
    const { random } = this.#parts;
    const found = this.#captured();
    if (found === undefined) return;
    this.#inject(random.oneIn(4) ? { ...found, source: this.#stranger() } : found);
  }

  #change(): void {
    const { random } = this.#parts;
    const found = this.#captured();
    if (found === undefined) return;
    const bytes = Uint8Array.from(found.bytes).subarray(
      0,
      random.oneIn(3) ? random.below(found.bytes.length) : undefined,
    );
    if (bytes.length === 0) return;
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    this.#inject({ ...found, bytes });
  }

  /** Back to its sender. */
  #reflect(): void {
    const found = this.#captured();
    if (found === undefined) return;
    const { source, sourcePort, destination, destinationPort } = found;
    this.#inject({
      ...found,
      source: destination,
      sourcePort: destinationPort,
      destination: source,
      destinationPort: sourcePort,
    });
  }

  /** A packet of no SA, behind nothing, behind a marker, behind something like an ESP header. */
  #sendClear(): void {
    const { random, hosts } = this.#parts;
    const site = this.#site();
    const head = random.pick([Buffer.alloc(0), Buffer.alloc(4), random.bytes(8), random.bytes(16)]);
    this.#send(other(site), Buffer.concat([head, hosts.forbiddenPacket(site)]));
  }

  #sendGarbage(): void {
    const { random, watch } = this.#parts;
    const site = this.#site();
    const spi = watch.captured.findLast(({ from }) => from === other(site))?.datagram.bytes.subarray(0, 4);
    const head = random.pick([Buffer.alloc(0), Buffer.alloc(4), Buffer.from(spi ?? []), Buffer.of(0xff)]);
    this.#send(site, Buffer.concat([head, random.bytes(random.below(LONGEST_GARBAGE))]));
  }

  /** First messages of IKE that lead nowhere, from many addresses. */
  #beginAsAnother(): void {
    const { random, watch } = this.#parts;
    const first = watch.captured.findLast(
      ({ datagram }) => datagram.destinationPort === 500 && datagram.bytes.length > 100,
    );
    if (first === undefined) return;
    for (let count = random.between(1, 5); count > 0; count--) {
      const bytes = Buffer.from(first.datagram.bytes);
      random.bytes(8).copy(bytes);
      this.#inject({ ...first.datagram, bytes, source: this.#stranger() });
    }
  }

  /** RFC 4301 §8.2: anybody can say that the path is narrow. */
  #reportPath(): void {
    const { random, gateway } = this.#parts;
    const found = this.#captured();
    const from = this.#site();
    if (found === undefined) return;
    gateway(from)?.tooBig({
      mtu: random.pick([0, 40, 68, 600, 1300]),
      address: addressOf(found.destination),
      port: found.destinationPort,
      quoted: random.oneIn(2) ? found.bytes.slice(0, 8) : random.bytes(8),
    });
  }

  /** Under the right key and the next number of its newest SA: something that the SA may not carry. */
  #sendFromInside(): void {
    const { watch, hosts, gateway, publicAddress } = this.#parts;
    const site = this.#site();
    const record = gateway(site)?.planes.sad.outbound.findLast(
      ({ description }) => description.policy === 'net',
    );
    const sa = record && watch.outboundSa(site, record.spi);
    if (record === undefined || sa === undefined) return;
    const sequence = record.state[SaField.sequence]!++;
    const bytes = encapsulate(sa, { sequence, inner: hosts.forbiddenPacket(site) });
    this.#inject({
      ...{ source: publicAddress[site], sourcePort: 4500 },
      ...{ destination: publicAddress[other(site)], destinationPort: 4500 },
      ...{ bytes, trafficClass: 0, dontFragment: false },
    });
  }

  #send(to: SiteName, bytes: Uint8Array): void {
    const { random, publicAddress } = this.#parts;
    const source = random.oneIn(2) ? publicAddress[other(to)] : this.#stranger();
    const port = random.pick(PORTS);
    this.#inject({
      ...{ source, sourcePort: port, destination: publicAddress[to], destinationPort: port },
      ...{ bytes, trafficClass: 0, dontFragment: false },
    });
  }

  #inject(datagram: WireDatagram): void {
    this.#parts.network.inject(datagram, this.#parts.random.below(50));
  }

  #captured(): WireDatagram | undefined {
    const { random, watch } = this.#parts;
    return watch.captured.length === 0 ? undefined : random.pick(watch.captured).datagram;
  }

  #site(): SiteName {
    return this.#parts.random.pick(['a', 'b'] as const);
  }

  #stranger(): string {
    return `192.0.2.${this.#parts.random.between(1, STRANGERS)}`;
  }
}
