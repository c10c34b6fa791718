// The topology that lab, bench and tests stand on: what it carries, and that it is seen by nobody else.

import { existsSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readWanCounters, watchWan } from '../../scripts/lab/wan-counters.ts';
import { openSandbox, type OpenSandbox } from '../../scripts/topology/open-sandbox.ts';
import { planTopology, siteAddresses, type WanKind } from '../../scripts/topology/plan.ts';
import { Topology } from '../../scripts/topology/topology.ts';

const kinds: readonly WanKind[] = ['router', 'link'];
const { gwA, gwB, hostB } = siteAddresses;
// A full packet of 1500 bytes.
const payloadBytes = { ipv4: 1472, ipv6: 1452 };

const sendDatagram = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.send('esp', 4500, process.argv[1], () => socket.close());
`;

let sandbox: OpenSandbox;

beforeEach(async () => {
  sandbox = await openSandbox();
});

afterEach(async () => {
  await sandbox.close();
});

async function pingExitCode(
  topology: Topology,
  from: 'hostA' | 'gwA',
  to: string,
): Promise<number | undefined> {
  const size = String(to.includes(':') ? payloadBytes.ipv6 : payloadBytes.ipv4);
  const command = ['ping', '-n', '-c', '1', '-W', '2', '-M', 'do', '-s', size, to];
  return (await topology.run(from, command)).exitCode;
}

describe.each(kinds)('with a %s between the gateways', (wan) => {
  it('the gateways reach each other, the hosts only over a VPN or plain routes', async () => {
    const topology = new Topology({ plan: planTopology(wan), prefix: '', enter: sandbox.enter });
    await topology.build();
    expect(await topology.present()).toEqual(topology.plan.places);
    expect(existsSync('/run/netns') ? readdirSync('/run/netns') : []).not.toContain('hostA');
    for (const { ipv4, ipv6 } of [gwA.inside, gwB.outside]) {
      expect(await pingExitCode(topology, 'gwA', ipv4)).toBe(0);
      expect(await pingExitCode(topology, 'gwA', ipv6)).toBe(0);
    }
    for (const address of [hostB.ipv4, hostB.ipv6]) {
      expect(await pingExitCode(topology, 'hostA', address)).toBe(1);
    }
    await topology.addPlainRoutes();
    for (const address of [hostB.ipv4, hostB.ipv6]) {
      expect(await pingExitCode(topology, 'hostA', address)).toBe(0);
    }
    await topology.remove();
    expect(await topology.present()).toEqual([]);
  });
});

it('counts on the wan what leaves a site in clear', async () => {
  const topology = new Topology({ plan: planTopology('router'), prefix: '', enter: sandbox.enter });
  await topology.build();
  await watchWan(topology);
  await pingExitCode(topology, 'gwA', gwB.outside.ipv4);
  expect(await readWanCounters(topology)).toEqual({ forwarded: 0, inClear: 0, toWeb: 0 });
  await topology.runOrThrow('gwA', [process.execPath, '-e', sendDatagram, '--', gwB.outside.ipv4]);
  await pingExitCode(topology, 'hostA', hostB.ipv4);
  await pingExitCode(topology, 'hostA', hostB.ipv6);
  expect(await readWanCounters(topology)).toEqual({ forwarded: 1, inClear: 2, toWeb: 0 });
});

it('refuses to build over namespaces that exist, and leaves them alone', async () => {
  const first = new Topology({ plan: planTopology('router'), prefix: '', enter: sandbox.enter });
  await first.build();
  const second = new Topology({ plan: planTopology('link'), prefix: '', enter: sandbox.enter });
  await expect(second.build()).rejects.toThrow('network namespace hostA exists already');
  expect(await first.present()).toEqual(first.plan.places);
});
