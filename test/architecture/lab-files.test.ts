// The files of etc/lab fit each other. containerlab itself is in no package registry, so its topology is read here: by
// the properties that its schema has (containerlab.dev, clab.schema.json), and by what the configurations expect.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { z } from 'zod';

const LAB = join(import.meta.dirname, '../../etc/lab');

const read = (name: string): unknown => parse(readFileSync(join(LAB, name), 'utf8'), { merge: true });

const node = z.strictObject({
  kind: z.literal('linux'),
  image: z.string().optional(),
  binds: z.array(z.string()).nonempty().optional(),
  entrypoint: z.string().optional(),
  cmd: z.string().optional(),
  exec: z.array(z.string()).nonempty(),
});
const topologyFile = z.strictObject({
  name: z.string(),
  topology: z.strictObject({
    kinds: z.strictObject({ linux: z.strictObject({ image: z.string() }) }),
    nodes: z.record(z.string(), node),
    links: z.array(z.strictObject({ endpoints: z.tuple([z.string(), z.string()]) })),
  }),
});
const siteFile = z.object({
  udp: z.object({ listen: z.tuple([z.string()]) }),
  guard: z.object({ interfaces: z.tuple([z.string()]) }),
  peers: z.tuple([z.object({ address: z.string() })]),
});
const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({ networks: z.record(z.string(), z.object({ ipv4_address: z.string() })).optional() }),
  ),
});

const { topology } = topologyFile.parse(read('isthmus.clab.yaml'));

/** `device address` of each address that a node is given. */
function addresses(commands: readonly string[]): readonly string[] {
  return commands.flatMap((command) => {
    const [, address, device] = /^ip address add (\S+)\/24 dev (\S+)$/.exec(command) ?? [];
    return address === undefined || device === undefined ? [] : [`${device} ${address}`];
  });
}

test('each link joins two interfaces that have an address, and each of these has one link', () => {
  const ends = topology.links.flatMap(({ endpoints }) => endpoints);
  const addressed = Object.entries(topology.nodes).flatMap(([name, { exec }]) =>
    addresses(exec).map((one) => `${name}:${one.split(' ')[0] ?? ''}`),
  );
  expect(ends.toSorted()).toEqual(addressed.toSorted());
});

test.each([
  ['gw-a', 'site-a'],
  ['gw-b', 'site-b'],
])('%s has the interface and the address of its configuration', (name, site) => {
  const { udp, guard, peers } = siteFile.parse(read(`${site}.yaml`));
  const { exec = [], cmd } = topology.nodes[name] ?? {};
  expect(addresses(exec)).toContain(`${guard.interfaces[0]} ${udp.listen[0]}`);
  expect(cmd).toContain(`isthmus run --user isthmus -c /etc/isthmus/${site}.yaml`);
  const others = Object.values(topology.nodes).flatMap((other) => addresses(other.exec));
  expect(others).toContain(`wan ${peers[0].address}`);
});

test('compose.yaml gives the same addresses', () => {
  const { services } = composeFile.parse(read('compose.yaml'));
  const composed = Object.values(services).flatMap(({ networks = {} }) =>
    Object.values(networks).map(({ ipv4_address: address }) => address),
  );
  const here = Object.values(topology.nodes).flatMap(({ exec }) => addresses(exec));
  expect(here.map((one) => one.split(' ')[1]).toSorted()).toEqual(composed.toSorted());
});
