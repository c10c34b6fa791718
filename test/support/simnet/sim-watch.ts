// What must hold at every moment of a simulated run, looked at from outside: on the wire, at the worker's door, in the SADs.

import { createHash, type Hash } from 'node:crypto';
import type { Command } from '../../../src/dataplane/commands.ts';
import { other, type SiteName } from '../ike-network.ts';
import type { SimGateway, WireDatagram } from './sim-gateway.ts';
import { MARK } from './sim-hosts.ts';

/** An SA that a worker was given. */
export interface KnownSa {
  readonly spi: number;
  readonly policy: string;
  readonly keyMaterial: Uint8Array;
  readonly esn: boolean;
}

/** Bounds that no fault and no stranger may exceed; what the policies ask for is a tenth of it. */
const MOST = { sas: 150, larval: 60, ikeSas: 24, halfOpen: 64 } as const;
const IKE_HEADER_BYTES = 28;
const ESP_PORT = 4500;
const PAYLOAD_SK = 46;
const PAYLOAD_SKF = 53;
const KEPT_LINES = 4000;
const SHOWN_LINES = 60;
/** Before something that is shown. */
const SHOWN_MS = 1500;

export class SimWatch {
  violation: string | undefined;
  readonly #lines: { readonly atMs: number; readonly text: string }[] = [];
  readonly #drops: Record<SiteName, Readonly<Record<string, number>>> = { a: {}, b: {} };
  /** Sent by each site, for whoever wants to send it again. */
  readonly captured: { readonly from: SiteName; readonly datagram: WireDatagram }[] = [];
  espCount = 0;
  readonly #trace: Hash = createHash('sha256');
  readonly #now: () => number;
  /** Of what a site sends, by SPI; those of a site's earlier lives are overwritten at their own time. */
  readonly #outbound: Readonly<Record<SiteName, Map<number, KnownSa>>> = { a: new Map(), b: new Map() };
  readonly #espIvs = new Set<string>();
  /** Digest of the message that an IV of IKE stood in, by key and IV. */
  readonly #ikeIvs = new Map<string, string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  broken(text: string): void {
    this.violation ??= `at ${(this.#now() / 1000).toFixed(3)} s: ${text}`;
    this.note(`BROKEN ${text}`);
  }

  note(line: string): void {
    this.#lines.push({ atMs: this.#now(), text: `${(this.#now() / 1000).toFixed(3)} ${line}` });
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }

  /** What was noted around a moment, or last. */
  linesAround(atMs?: number): readonly string[] {
    const lines = this.#lines.filter((one) => atMs === undefined || Math.abs(one.atMs - atMs) < SHOWN_MS);
    return lines.slice(-SHOWN_LINES).map(({ text }) => text);
  }

  /** Part of what two runs with one seed must have in common. */
  trace(what: string, bytes?: Uint8Array): void {
    this.#trace.update(`${this.#now()} ${what} `);
    if (bytes !== undefined) this.#trace.update(bytes);
  }

  get digest(): string {
    return this.#trace.copy().digest('hex');
  }

  /** A line of a gateway's log. An error is a defect: nothing that a network does may be one. */
  log(site: SiteName, line: string): void {
    const { level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
    delete fields['time'];
    this.note(`${site} ${String(level)}: ${String(msg)} ${JSON.stringify(fields)}`);
    if (level === 'error')
      this.broken(`site ${site} logs an error: ${String(msg)} ${JSON.stringify(fields)}`);
  }

  command(site: SiteName, command: Command): void {
    if (command.type === 'together') for (const one of command.commands) this.command(site, one);
    if (command.type !== 'install-outbound') return;
    const { spi, policy, keyMaterial, esn } = command.sa;
    this.#outbound[site].set(spi, { spi, policy, keyMaterial: Uint8Array.from(keyMaterial), esn });
  }

  outboundSa(site: SiteName, spi: number): KnownSa | undefined {
    return this.#outbound[site].get(spi);
  }

  sent(site: SiteName, datagram: WireDatagram): void {
    const bytes = Buffer.from(datagram.bytes);
    this.trace(`${site} sends`, bytes);
    if (bytes.includes(MARK)) this.broken(`site ${site} sends plaintext: ${bytes.length} bytes`);
    this.captured.push({ from: site, datagram });
    if (this.captured.length > 400) this.captured.shift();
    if (datagram.sourcePort !== ESP_PORT) this.#sentIke(site, bytes);
    else if (bytes.length > 4 && bytes.readUInt32BE(0) === 0) this.#sentIke(site, bytes.subarray(4));
    else if (bytes.length > 1) this.#sentEsp(site, bytes);
  }

  /** RFC 4106 §2: an IV met twice under one key gives the key away. */
  #sentEsp(site: SiteName, bytes: Buffer): void {
    this.espCount++;
    const spi = bytes.readUInt32BE(0);
    const sa = this.#outbound[site].get(spi);
    if (sa === undefined) return this.broken(`site ${site} sends ESP under SPI ${spi}, which no SA has`);
    const use = `${Buffer.from(sa.keyMaterial).toString('base64')} ${bytes.toString('hex', 8, 16)}`;
    if (this.#espIvs.has(use))
      this.broken(
        `site ${site} sends the sequence number ${bytes.readUInt32BE(4)} of SPI ${spi} a second time`,
      );
    this.#espIvs.add(use);
  }

  /** RFC 7296 §3.14, RFC 5282 §4: the same for IKE, where only a retransmission is the same message again. */
  #sentIke(site: SiteName, message: Buffer): void {
    const first = message.readUInt8(16);
    if (first !== PAYLOAD_SK && first !== PAYLOAD_SKF) return;
    const at = IKE_HEADER_BYTES + 4 + (first === PAYLOAD_SKF ? 4 : 0);
    const use = `${site} ${message.toString('hex', 0, 16)} ${message.toString('hex', at, at + 8)}`;
    const digest = createHash('sha1').update(message).digest('base64');
    if ((this.#ikeIvs.get(use) ?? digest) !== digest)
      this.broken(`site ${site} sends two messages of IKE under one IV`);
    this.#ikeIvs.set(use, digest);
  }

  /** Nothing grows without bound. */
  count(site: SiteName, gateway: SimGateway): void {
    const { sad } = gateway.planes;
    const found = {
      sas: sad.inbound.length + sad.outbound.length,
      larval: [...sad.dump()].filter(({ state }) => state === 'larval').length,
      ikeSas: gateway.engine.states.length - gateway.engine.halfOpenCount,
      halfOpen: gateway.engine.halfOpenCount,
    };
    const { drops } = gateway;
    for (const [reason, count] of Object.entries(drops))
      if (count > (this.#drops[site][reason] ?? 0)) this.note(`${site} has dropped packets: ${reason}`);
    this.#drops[site] = drops;
    for (const [what, most] of Object.entries(MOST))
      if (found[what as keyof typeof MOST] > most)
        this.broken(`site ${site} has ${found[what as keyof typeof MOST]} ${what}, more than ${most}`);
  }
}

/** What the two SADs and IKE do not agree about; empty where all is well and nothing is under way. */
export function disagreements(
  gateways: Readonly<Record<SiteName, SimGateway>>,
  watch: SimWatch,
): readonly string[] {
  const found: string[] = [];
  for (const site of ['a', 'b'] as const) {
    const { planes, engine } = gateways[site];
    const far = gateways[other(site)];
    const lingering = new Set(engine.states.flatMap(({ lingering: all }) => all.map(({ spi }) => spi)));
    const children = engine.states.flatMap(({ children: all }) => all);
    const ofIke = planes.sad.outbound.filter(({ description }) => description.peer !== 'by-hand');
    for (const { spi, policy } of ofIke.map(({ spi: one, description }) => ({
      spi: one,
      policy: description.policy,
    }))) {
      if (!children.some(({ outboundSpi }) => outboundSpi === spi))
        found.push(`${site}: no Child SA has the outbound SPI ${spi} (${policy})`);
      if (!far.planes.sad.has({ direction: 'inbound', spi }))
        found.push(`${site}: the peer has no inbound SA for the outbound SPI ${spi} (${policy})`);
    }
    for (const { spi, description } of planes.sad.inbound) {
      if (description.peer === 'by-hand' || lingering.has(spi)) continue;
      if (!children.some(({ inboundSpi }) => inboundSpi === spi))
        found.push(`${site}: no Child SA has the inbound SPI ${spi} (${description.policy})`);
      if (watch.outboundSa(other(site), spi) === undefined || !hasOutbound(far, spi))
        found.push(`${site}: the peer has no outbound SA for the inbound SPI ${spi} (${description.policy})`);
    }
    for (const { inboundSpi, outboundSpi } of children)
      if (
        !planes.sad.has({ direction: 'inbound', spi: inboundSpi }) ||
        !hasOutbound(gateways[site], outboundSpi)
      )
        found.push(`${site}: the Child SA ${inboundSpi} has no SAs in the SAD`);
    for (const { localSpi, remoteSpi, phase } of engine.states)
      if (phase !== 'established' || !far.engine.states.some((one) => one.localSpi === remoteSpi))
        found.push(
          `${site}: the IKE SA ${localSpi} is ${phase}, the peer ${far.engine.states.some((one) => one.localSpi === remoteSpi) ? 'has it' : 'does not have it'}`,
        );
    for (const sa of planes.sad.dump())
      if (sa.state === 'larval') found.push(`${site}: the SPI ${sa.spi} is larval`);
    if (engine.states.length !== 1) found.push(`${site}: ${engine.states.length} IKE SAs`);
  }
  return found;
}

function hasOutbound({ planes }: SimGateway, spi: number): boolean {
  return planes.sad.outbound.some((record) => record.spi === spi);
}
