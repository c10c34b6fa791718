// Whether packets get from the protected hosts into the TUN and back: switches of the IP stack, the packet filter, and
// address translation that would change what the policies go by.

import {
  compareAddresses,
  formatAddress,
  wholeFamily,
  type Address,
  type AddressFamily,
} from '../../../base/address.ts';
import { shellWord } from '../../../base/shell-word.ts';
import { strictReversePaths } from '../../../host/host-warnings.ts';
import { guardTable } from '../../../host/guard-plan.ts';
import { judgePacket, type ImaginedPacket, type Judged } from '../../../host/probes/judge-packet.ts';
import type { FilterChain } from '../../../host/probes/filter-chain.ts';
import type { DoctorFacts, Setup } from '../facts.ts';
import { failure, note, ok, unknown, warning, type Finding } from '../finding.ts';

/** More would only say the same again. */
const MOST_POLICIES = 64;

export function checkForwarding({ setup }: DoctorFacts): readonly Finding[] {
  if (typeof setup === 'string' || setup.network === undefined) return [];
  const { facts, plan } = setup.network;
  const families = new Set(plan.routes.map(({ destination }) => destination.address.family));
  const switches = [
    { family: 4, isOn: facts.ipv4Forwarding, name: 'net.ipv4.ip_forward' },
    { family: 6, isOn: facts.ipv6Forwarding, name: 'net.ipv6.conf.all.forwarding' },
  ] as const;
  return switches
    .filter(({ family }) => families.has(family))
    .map(({ isOn, name, family }) => {
      if (isOn) return ok(`${name} is 1`);
      const mend = `sysctl -w ${name}=1`;
      return forwards(setup, family)
        ? failure(`${name} is 0: hosts behind this gateway cannot use the tunnel`, mend)
        : note(`${name} is 0: this host alone can use the tunnel, as the policies have it`, mend);
    });
}

/** Some tunnel is for others than this host. */
function forwards({ config, network }: Setup, family?: AddressFamily): boolean {
  const own = network?.facts.addresses ?? [];
  return config.policies
    .filter(({ action }) => action === 'PROTECT')
    .some(({ selectors: { localAddress } }) =>
      (localAddress ?? [wholeFamily(family ?? 4)])
        .filter(({ first }) => family === undefined || first.family === family)
        .some(
          ({ first, last }) =>
            compareAddresses(first, last) !== 0 ||
            !own.some(({ address }) => formatAddress(address) === formatAddress(first)),
        ),
    );
}

export function checkReversePath({ setup, filter }: DoctorFacts): readonly Finding[] {
  if (typeof setup === 'string' || setup.network === undefined) return [];
  const { facts, plan } = setup.network;
  // Without nftables nothing marks what arrives.
  const marksArriving = !filter.unknown.some((text) => text.startsWith('nftables'));
  const strict = strictReversePaths(facts, plan, marksArriving);
  if (strict.length === 0) return [ok('rp_filter lets in what peers send')];
  return strict.map(({ peer, name }) =>
    failure(
      `peer ${peer.name} (${formatAddress(peer.address)}) is itself a protected destination and ${name} is 1: the kernel drops what it sends`,
      `sysctl -w ${shellWord(name)}=2`,
    ),
  );
}

/** ICMP redirects of others: a note, because many hosts have it so. */
export function checkRedirects({ setup, host }: DoctorFacts): readonly Finding[] {
  if (typeof setup === 'string' || setup.network?.facts.ipv4Forwarding !== true) return [];
  if (host.acceptsRedirects.length === 0)
    return [ok('ICMP redirects are not obeyed on the unprotected side')];
  return host.acceptsRedirects.map((device) => {
    // sysctl writes the dot in a device name as a slash.
    const name = `net.ipv4.conf.${device.replaceAll('.', '/')}.accept_redirects`;
    return note(
      `${name} is 1: a router nearby can lead datagrams another way`,
      `sysctl -w ${shellWord(name)}=0`,
    );
  });
}

export function checkForwardPolicy({ filter, setup }: DoctorFacts): readonly Finding[] {
  const chains = hooked(filter.chains, 'forward', setup);
  const tun = tunOf(setup);
  const findings = chains.flatMap((chain): readonly Finding[] => {
    const judge = (way: Partial<ImaginedPacket>): Judged =>
      judgePacket(chain, filter.chains, {
        ...{ from: undefined, to: undefined, input: OTHER, output: OTHER },
        ...way,
      });
    const [out, into] = [judge({ output: tun }), judge({ input: tun })];
    const dropped = [out, into].filter(({ judgement }) => judgement === 'drop');
    if (dropped.length === 0) return [];
    const text = `the chain ${chain.name} of ${chain.tool} (table ${chain.family} ${chain.table}) drops what is forwarded ${dropped.length === 2 ? 'into the TUN and out of it' : dropped[0] === out ? 'into the TUN' : 'out of the TUN'}`;
    const mend = acceptForwarded(chain, filter.chains, tun);
    if (typeof setup !== 'string' && !forwards(setup)) return [note(`${text}; no policy needs it`, mend)];
    if (typeof setup === 'string') return [warning(text, mend)];
    const isSure = dropped.some(({ mayAccept }) => !mayAccept);
    return [
      isSure
        ? failure(text, mend)
        : warning(`${text}, unless a rule applies that is not understood here`, mend),
    ];
  });
  if (findings.length > 0) return findings;
  if (filter.unknown.length > 0) return [unknown(`the packet filter: ${filter.unknown.join('; ')}`)];
  return [ok('the packet filter lets forwarded packets into the TUN and out of it')];
}

/** A device that no rule names. */
const OTHER = '(other)';

function acceptForwarded(chain: FilterChain, all: readonly FilterChain[], tun: string): string {
  if (chain.tool === 'nft') {
    if (!isPlain(chain)) return `let what comes from ${tun} and goes there pass the chain first`;
    const where = [chain.family, chain.table, chain.name].map(shellWord).join(' ');
    return ['iifname', 'oifname']
      .map((key) => `nft insert rule ${where} ${key} ${shellWord(tun)} accept`)
      .join(' && ');
  }
  // What Docker leaves to others.
  const isDocker = all.some(({ name, tool }) => name === 'DOCKER-USER' && tool === chain.tool);
  const name = isDocker ? 'DOCKER-USER' : chain.name;
  return ['-i', '-o']
    .map((option) => `${chain.tool} -I ${name} ${option} ${shellWord(tun)} -j ACCEPT`)
    .join(' && ');
}

/** nft reads its arguments once more: of names that are no plain words no command is made. */
function isPlain({ table, name }: FilterChain): boolean {
  return [table, name].every((word) => /^[A-Za-z][\w./-]*$/.test(word));
}

export function checkMasquerading({ filter, setup }: DoctorFacts): readonly Finding[] {
  if (typeof setup === 'string') return [];
  const tun = tunOf(setup);
  const packets = packetsOf(setup, tun);
  const findings = hooked(filter.chains, 'postrouting', setup)
    .filter(({ type }) => type === 'nat')
    .flatMap((chain): readonly Finding[] => {
      const judged = packets.map(({ policy, packet }) => ({
        policy,
        ...judgePacket(chain, filter.chains, packet),
      }));
      const caught = judged.find(({ judgement }) => judgement === 'rewrite');
      const maybe = judged.find(({ mayRewrite }) => mayRewrite);
      const what = `the chain ${chain.name} of ${chain.tool} (table ${chain.family} ${chain.table})`;
      const mend = passUntouched(chain, tun);
      if (caught !== undefined)
        return [
          failure(
            `${what} masquerades packets of policy ${caught.policy}: they no longer match it, and are dropped`,
            mend,
          ),
        ];
      if (maybe === undefined) return [];
      return [
        warning(
          `${what} may masquerade packets of policy ${maybe.policy}: a rule is not understood here`,
          mend,
        ),
      ];
    });
  if (findings.length > 0) return findings;
  return filter.unknown.length > 0 ? [] : [ok('no masquerading catches packets of tunnels')];
}

function passUntouched(chain: FilterChain, tun: string): string {
  const { tool, family, table, name } = chain;
  if (tool === 'nft' && !isPlain(chain)) return `let what goes to ${tun} pass the chain first`;
  return tool === 'nft'
    ? `nft insert rule ${[family, table, name].map(shellWord).join(' ')} oifname ${shellWord(tun)} accept`
    : `${tool} -t nat -I POSTROUTING -o ${shellWord(tun)} -j ACCEPT`;
}

function packetsOf(
  { config }: Setup,
  tun: string,
): readonly { readonly policy: string; readonly packet: ImaginedPacket }[] {
  return config.policies
    .filter(({ action }) => action === 'PROTECT')
    .slice(0, MOST_POLICIES)
    .flatMap(({ name, selectors }) =>
      ([4, 6] as const).flatMap((family) => {
        const from = selectors.localAddress?.find(({ first }) => first.family === family)?.first;
        const to = selectors.remoteAddress?.find(({ first }) => first.family === family)?.first;
        return from === undefined && to === undefined
          ? []
          : [{ policy: name, packet: { from: inner(from), to: inner(to), input: undefined, output: tun } }];
      }),
    );
}

/** The first address of a network is none of a host. */
function inner(address: Address | undefined): Address | undefined {
  if (address === undefined || (address.bytes.at(-1) ?? 0) !== 0) return address;
  return { ...address, bytes: Uint8Array.from([...address.bytes.slice(0, -1), 1]) };
}

function hooked(
  chains: readonly FilterChain[],
  hook: string,
  setup: DoctorFacts['setup'],
): readonly FilterChain[] {
  const own = guardTable(tunOf(setup));
  return chains.filter((chain) => chain.hook === hook && !`${chain.family} ${chain.table}`.startsWith(own));
}

function tunOf(setup: DoctorFacts['setup']): string {
  return typeof setup === 'string' ? 'isthmus0' : setup.config.tun.name;
}
