// How long the first packet of a tunnel takes, from host to host and back, with the handshake that it waits for: two
// gateways, of which one is started anew for each packet.

import { mkdir } from 'node:fs/promises';
import { ikeExampleKeys, ikeTwoSites, writeSiteFiles, type GatewayPlace } from '../../lab/site-files.ts';
import { gatewayReady, startGateway, stopGateway, type GatewayProcess } from '../../lab/gateway-process.ts';
import { planTopology, siteAddresses } from '../../topology/plan.ts';
import { Topology } from '../../topology/topology.ts';
import { measurement, type Measurement } from './measurement.ts';

const { hostB } = siteAddresses;

export async function measureFirstPacket(
  count: number,
  directory: string,
  say: (line: string) => void,
): Promise<Measurement> {
  const topology = new Topology({ plan: planTopology('router'), prefix: '' });
  await topology.build();
  await mkdir(directory, { recursive: true });
  const files = await writeSiteFiles(directory, undefined, ikeTwoSites, ikeExampleKeys);
  let starts = 0;
  const start = async (place: GatewayPlace): Promise<GatewayProcess> => {
    const log = `${files.log(place)}.${starts++}`;
    const gateway = startGateway(topology, { ...files, log: () => log }, place, false);
    await gatewayReady(gateway, new AbortController().signal);
    return gateway;
  };
  const far = await start('gwB');
  const times: number[] = [];
  try {
    // The first one shows code that was never run.
    for (let run = 0; run <= count; run++) {
      const near = await start('gwA');
      const { stdout } = await topology.run('hostA', ['ping', '-n', '-c', '1', '-W', '5', hostB.ipv4]);
      await stopGateway(near);
      const [, text] = /time=([\d.]+) ms/.exec(stdout) ?? [];
      if (text === undefined) throw new Error('the first packet was lost');
      say(`first packet ${run} of ${count}: ${text} ms`);
      if (run > 0) times.push(Number(text));
    }
  } finally {
    await stopGateway(far);
    await topology.remove();
  }
  return measurement(
    'first packet, until its answer came',
    'ms',
    times,
    `an echo from host to host and the handshake before it, ${count} times, each with gateway A started anew`,
  );
}
