// The guard against SPD-I: random policies as a ruleset in the kernel of this namespace, random packets that arrive in
// clear on a TUN in the place of the wan. What nftables counted must be what the SPD decides, packet by packet.
// Arguments: seed, rulesets, packets for each of them. Prints which verdicts were met; throws at the first difference.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

import { parseAddress, type AddressRange } from '../../../src/base/address.ts';
import { allocateBatchMemory, OutFrame, Vector } from '../../../src/dataplane/batch-memory.ts';
import { loadAddon } from '../../../src/dataplane/native/load-addon.ts';
import { createNativeDevices } from '../../../src/dataplane/native/native-devices.ts';
import { applyGuard, removeFormerGuard, removeGuard } from '../../../src/host/guard.ts';
import { planGuard, planGuardOfBoth, type GuardPlanInput } from '../../../src/host/guard-plan.ts';
import { createFlow, FlowWord, readFlow, Special } from '../../../src/spd/flow.ts';
import { compileSpd } from '../../../src/spd/compiled-spd.ts';
import { OPAQUE, type NumberRange, type Policy, type PolicyAction } from '../../../src/spd/policy.ts';
import { NO_POLICY, PORTS_NEEDED, SpdSnapshot } from '../../../src/spd/snapshot.ts';
import { ipPacket } from '../../support/packets.ts';
import { SA_SPECIFICATION } from '../../support/policies.ts';
import { Random } from '../../support/random.ts';

const WAN = 'wan0';
const TUN = 'tun0';
const [seed = 1, rulesets = 10, packets = 100] = process.argv.slice(2).map(Number);
const random = new Random(seed);

/** Few values, so that ranges meet; none of them is an address of this host. */
const addressText = (family: 4 | 6, value: number): string =>
  family === 4 ? `10.0.0.${String(value)}` : `fd00::${value.toString(16)}`;
const small = (): number => 1 + random.below(12);

function range(limit: () => number): NumberRange {
  const [a, b] = [limit(), limit()];
  return { first: Math.min(a, b), last: Math.max(a, b) };
}

function maybe<T>(make: () => T): readonly T[] | undefined {
  return random.oneIn(2) ? undefined : Array.from({ length: 1 + random.below(3) }, make);
}

function addressRange(): AddressRange {
  const family = random.pick([4, 6] as const);
  const { first, last } = range(small);
  const end = (value: number) => parseAddress(addressText(family, value))!;
  const whole = random
    .pick(['0.0.0.0-255.255.255.255', '::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'])
    .split('-');
  const group = random.pick(['224.0.0.0-239.255.255.255', 'ff00::-ff0f::']).split('-');
  if (random.oneIn(4)) return { first: parseAddress(whole[0]!)!, last: parseAddress(whole[1]!)! };
  if (random.oneIn(8)) return { first: parseAddress(group[0]!)!, last: parseAddress(group[1]!)! };
  return { first: end(first), last: end(last) };
}

function policy(_: unknown, index: number): Policy {
  const protocol = random.oneIn(4) ? undefined : random.pick([6, 17, 132, 1, 58, 47, 135]);
  const hasPorts = protocol === 6 || protocol === 17 || protocol === 132;
  const numbers = (make: () => NumberRange): readonly NumberRange[] | undefined =>
    random.oneIn(6) ? [OPAQUE] : maybe(make);
  const message = (): NumberRange => {
    const type = random.pick([0, 3, 8, 128]);
    return random.oneIn(2)
      ? { first: 256 * type, last: 256 * type + 255 }
      : { first: 256 * type + 1, last: 256 * type + 1 };
  };
  const action = random.pick<PolicyAction>(['PROTECT', 'BYPASS', 'DISCARD']);
  return {
    name: `p${String(index)}`,
    priority: random.below(4),
    action,
    sa: action === 'PROTECT' ? SA_SPECIFICATION : undefined,
    selectors: {
      localAddress: maybe(addressRange),
      remoteAddress: maybe(addressRange),
      protocol,
      localPort: hasPorts ? numbers(() => range(small)) : protocol === 135 ? maybe(mobilityType) : undefined,
      remotePort: hasPorts ? numbers(() => range(small)) : undefined,
      icmp: protocol === 1 || protocol === 58 ? numbers(message) : undefined,
    },
  };
}

function mobilityType(): NumberRange {
  const { first, last } = range(() => random.below(4));
  return { first: 256 * first, last: 256 * last + 255 };
}

/** Whole packets, first and later fragments, transport headers cut short, extension headers. */
function packet(): Uint8Array {
  const family = random.pick([4, 6] as const);
  const source = addressText(family, small());
  const group = family === 4 ? '224.0.0.9' : 'ff05::9';
  const destination = random.oneIn(8) ? group : addressText(family, small());
  // Mobility is of IPv6 only (RFC 6275 §6.1.1).
  const protocol = random.pick([6, 17, 132, 1, 58, 47, family === 4 ? 47 : 135]);
  const payload = random.bytes(random.pick([0, 1, 2, 3, 4, 15, 16, 20]));
  if (protocol === 1 || protocol === 58) {
    payload.set([random.pick([0, 3, 8, 128]), random.below(3)].slice(0, payload.length));
  } else if (protocol === 135) {
    if (payload.length > 2) payload[2] = random.below(5);
  } else if (payload.length >= 4) {
    payload.writeUInt16BE(small(), 0);
    payload.writeUInt16BE(small(), 2);
  }
  const kind = random.below(4);
  if (family === 4) {
    const fragment = [0, 0, 0x2000, 0x2000 | (1 + random.below(4))][kind]!;
    const options = random.oneIn(4) ? Buffer.alloc(4, 1) : new Uint8Array();
    return ipPacket({ source, destination, protocol, payload, fragment, options });
  }
  const later = 8 * (1 + random.below(4));
  switch (kind) {
    case 0: {
      const options = Buffer.concat([Uint8Array.of(protocol, 0, 1, 4, 0, 0, 0, 0), payload]);
      return ipPacket({ source, destination, protocol: 60, payload: options });
    }
    case 1:
      return ipPacket({ source, destination, protocol: 44, payload: fragmentOf(protocol, 1, payload) });
    case 2: {
      // Its fragmentable part may begin with an extension header, and then nobody sees the protocol.
      const next = random.pick([protocol, 60]);
      return ipPacket({ source, destination, protocol: 44, payload: fragmentOf(next, later, payload) });
    }
    default:
      return ipPacket({ source, destination, protocol, payload });
  }
}

function fragmentOf(next: number, offsetAndMore: number, payload: Uint8Array): Uint8Array {
  const header = Buffer.of(next, 0, 0, 0, 0, 0, 0, random.below(256));
  header.writeUInt16BE(offsetAndMore, 2);
  return Buffer.concat([header, payload]);
}

/** @returns packets by the name of the counter that takes them */
function nftCounters(): Record<string, number> {
  const listing = execFileSync('nft', ['-j', 'list', 'counters'], { encoding: 'utf8' });
  const objects = (JSON.parse(listing) as { nftables: { counter?: { name: string; packets: number } }[] })
    .nftables;
  return Object.fromEntries(
    objects.flatMap(({ counter }) =>
      counter === undefined || counter.packets === 0 ? [] : [[counter.name, counter.packets]],
    ),
  );
}

const addon = loadAddon();
const tun = addon.openTun({ name: WAN, checksum: false, tso: false, uso: false });
execFileSync('ip', ['link', 'set', WAN, 'addrgenmode', 'none', 'up']);
const memory = allocateBatchMemory();
const devices = createNativeDevices(addon, memory, { tun: tun.fd, sockets: [], wakeup: -1 });

function arrive(bytes: Uint8Array): void {
  memory.arena.set(bytes, 0);
  memory.outFrames.fill(0, 0, OutFrame.stride);
  memory.outFrames[OutFrame.vectorCount] = 1;
  memory.vectors[Vector.offset] = 0;
  memory.vectors[Vector.length] = bytes.length;
  assert.equal(devices.tunWrite(1), 1);
}

function guardInput(policies: readonly Policy[]): GuardPlanInput {
  const listen = [{ address: parseAddress('203.0.113.1')!, port: 4500 }];
  return { tunName: TUN, clearTunName: 'tun0-clear', mark: 0x1500, interfaces: [WAN], listen, policies };
}

const met = new Set<string>();
const flow = createFlow();
for (let round = 0; round < rulesets; round++) {
  const policies = Array.from({ length: random.below(7) }, policy);
  const snapshot = new SpdSnapshot(compileSpd(2, policies));
  await applyGuard(planGuard(guardInput(policies)));
  const expected: Record<string, number> = {};
  const arrived: string[] = [];
  for (let i = 0; i < packets; i++) {
    const bytes = packet();
    assert.ok(readFlow(flow, bytes, 0, bytes.length, false), 'the packet is well-formed');
    const isHiding = flow[FlowWord.special] === Special.hidingFragment;
    const name = isHiding ? 'fragment' : counterOf(snapshot, snapshot.lookup(flow));
    expected[name] = (expected[name] ?? 0) + 1;
    met.add(name.split('-')[0]!);
    arrived.push(`${name} ${Buffer.from(bytes).toString('hex')}`);
    arrive(bytes);
  }
  // One packet in a ruleset of its own shows which it is: run again with the seed, more rulesets and one packet.
  assert.deepEqual(nftCounters(), expected, `ruleset ${String(round)}\n${arrived.join('\n')}`);
}

let passedBoth = 0;
// While policies change, the guard lets through what both guards let through, and then what the next one does.
for (let round = 0; round < rulesets; round++) {
  const [former, next] = [0, 1].map(() => Array.from({ length: random.below(7) }, policy)) as [
    Policy[],
    Policy[],
  ];
  const frames = Array.from({ length: packets }, packet);
  const allowed = (policies: readonly Policy[], bytes: Uint8Array): boolean => {
    readFlow(flow, bytes, 0, bytes.length, false);
    const snapshot = new SpdSnapshot(compileSpd(2, policies));
    const action = snapshot.policies[snapshot.lookup(flow)]?.action;
    return flow[FlowWord.special] !== Special.hidingFragment && action === 'BYPASS';
  };
  const passing = frames.filter((bytes) => allowed(former, bytes) && allowed(next, bytes)).length;
  await applyGuard(planGuardOfBoth(guardInput(former), guardInput(next)));
  assert.equal(countPassed(frames), passing, `both, ruleset ${String(round)}`);
  passedBoth += passing;
  await removeFormerGuard(TUN);
  assert.equal(
    countPassed(frames),
    frames.filter((bytes) => allowed(next, bytes)).length,
    `the next one, ruleset ${String(round)}`,
  );
}
assert.ok(passedBoth > 0, 'something passes both');
// What a gateway left that was killed during a change: the next start, and the cleaning up, find both tables.
const tables = (): number =>
  execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }).split('isthmus').length - 1;
await applyGuard(planGuardOfBoth(guardInput([]), guardInput([])));
assert.equal(tables(), 2);
await applyGuard(planGuard(guardInput([])));
assert.equal(tables(), 1);
await applyGuard(planGuardOfBoth(guardInput([]), guardInput([])));
await removeGuard(TUN);
assert.equal(tables(), 0);
process.stdout.write(JSON.stringify([...met].sort()));

/** @returns how many of the packets got past every guard */
function countPassed(all: readonly Uint8Array[]): number {
  const table = 'inet behind';
  execFileSync('nft', ['-f', '-'], {
    input: `add table ${table}
delete table ${table}
table ${table} { counter past { }; chain c { type filter hook prerouting priority -80; counter name past; }; }
`,
  });
  for (const bytes of all) arrive(bytes);
  return nftCounters()['past'] ?? 0;
}

/** The counter that must take a packet of which the SPD says `index`. */
function counterOf({ policies }: SpdSnapshot, index: number): string {
  if (index === NO_POLICY) return 'nothing';
  if (index === PORTS_NEEDED) return 'fragment';
  return `${policies[index]!.action.toLowerCase()}-${String(index)}`;
}
