// What else on the host does IPsec: another daemon, states and policies of the kernel, whoever has the ports.

import { shellWord } from '../../../base/shell-word.ts';
import type { DoctorFacts } from '../facts.ts';
import { failure, ok, unknown, warning, type Finding } from '../finding.ts';

const UNITS: Readonly<Record<string, string>> = {
  'charon-systemd': 'strongswan',
  charon: 'strongswan-starter',
  starter: 'strongswan-starter',
  pluto: 'ipsec',
  iked: 'iked',
  racoon: 'racoon',
};

export function checkRivals({ daemons, kernelIpsec }: DoctorFacts): readonly Finding[] {
  const findings: Finding[] = daemons.map(({ name, processId }) => {
    const unit = UNITS[name];
    const mend =
      unit === undefined ? `kill ${processId}` : `systemctl disable --now ${unit} || kill ${processId}`;
    return failure(`another IPsec daemon runs here: ${name}, process ${processId}`, mend);
  });
  if (kernelIpsec !== undefined && kernelIpsec.states + kernelIpsec.policies > 0)
    findings.push(
      warning(
        `the kernel's own IPsec has ${kernelIpsec.states} states and ${kernelIpsec.policies} policies: what they select never reaches the TUN`,
        'ip xfrm state flush && ip xfrm policy flush',
      ),
    );
  return findings.length > 0 ? findings : [ok("no other IPsec daemon, and nothing in the kernel's IPsec")];
}

/** While a gateway runs, somebody has them. */
export function checkPorts({ ports, gateway, setup }: DoctorFacts): readonly Finding[] {
  if (ports === undefined)
    return [unknown('who has the ports is not known: ss is missing (apt-get install iproute2)')];
  const wanted = portsOf(setup);
  const others = ports.filter(({ owner }) => !isOurs(owner?.name));
  if (typeof gateway !== 'string') {
    return others.length === 0
      ? [ok(`the gateway has its ports (${wanted.join(', ')})`)]
      : others.map((one) => warning(`${describe(one)}, beside the gateway`, mendOf(one.owner)));
  }
  if (ports.length === 0) return [ok(`UDP ports ${wanted.join(' and ')} are free`)];
  return ports.map((one) => failure(`${describe(one)}: a gateway cannot have it`, mendOf(one.owner)));
}

export function portsOf(setup: DoctorFacts['setup']): readonly number[] {
  const listen = typeof setup === 'string' ? [4500] : setup.config.udp.listen.map(({ port }) => port);
  const hasIke = typeof setup === 'string' || setup.config.peers.some(({ ike }) => ike !== undefined);
  return [...new Set([...(hasIke ? [500] : []), ...listen])];
}

type Port = NonNullable<DoctorFacts['ports']>[number];

/** The main thread of a gateway is called so. */
function isOurs(name: string | undefined): boolean {
  return name === undefined || /^(node|isthmus|MainThread)/.test(name);
}

function describe({ port, address, owner }: Port): string {
  const who = owner === undefined ? 'somebody' : `${owner.name}, process ${owner.processId},`;
  return `UDP port ${port} of ${address} is taken: ${who} has it`;
}

function mendOf(owner: Port['owner']): string {
  if (owner === undefined) return 'ss -Hulnp, as root, says who has it';
  const unit = UNITS[owner.name];
  return unit === undefined
    ? `kill ${owner.processId}`
    : `systemctl stop ${shellWord(unit)} || kill ${owner.processId}`;
}
