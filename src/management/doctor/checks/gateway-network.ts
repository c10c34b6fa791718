// What the gateway has set in the host, and whether it stands: devices, routes, rules, the guard, MTU, offloads, buffers.

import { shellWord } from '../../../base/shell-word.ts';
import { formatPrefix } from '../../../host/prefix-cover.ts';
import { isRule } from '../../../host/routing-state.ts';
import type { DoctorFacts } from '../facts.ts';
import { failure, note, ok, warning, type Finding } from '../finding.ts';

const RESTART = 'systemctl restart isthmus';

export function checkRoutes({ setup, gateway }: DoctorFacts): readonly Finding[] {
  if (typeof setup === 'string' || setup.network === undefined || setup.config.tun.traffic === 'none')
    return [];
  const { plan } = setup.network;
  if (typeof gateway === 'string') {
    const left = [...setup.routing[4].routes, ...setup.routing[6].routes].filter(
      ({ kind }) => kind !== 'throw',
    );
    if (left.length === 0) return [note('no gateway runs: nothing leads into a TUN')];
    return [
      note(
        `no gateway runs, and its routes keep ${left.length} destinations closed`,
        `isthmus cleanup -c ${shellWord(setup.config.file)}`,
      ),
    ];
  }
  const missing = plan.routes.filter(
    ({ destination, table, kind }) =>
      kind === 'tun' &&
      !setup.routing[destination.address.family].routes.some(
        (found) =>
          found.kind === 'tun' && found.table === table && found.destination === formatPrefix(destination),
      ),
  );
  const rules = plan.rules.filter(
    (rule) => !setup.routing[rule.family].rules.some((found) => isRule(found, rule)),
  );
  return [
    missing.length === 0
      ? ok(`${plan.routes.filter(({ kind }) => kind === 'tun').length} routes lead into ${plan.tunName}`)
      : failure(
          `there is no route into ${plan.tunName} for ${missing.map(({ destination }) => formatPrefix(destination)).join(', ')}`,
          RESTART,
        ),
    rules.length === 0
      ? ok('the rules that lead to these routes are there')
      : failure(
          `rules are missing that lead packets to the TUN and around it: priority ${rules.map(({ priority }) => priority).join(', ')}`,
          RESTART,
        ),
  ];
}

export function checkOwnNetworks({ setup }: DoctorFacts): readonly Finding[] {
  if (typeof setup === 'string') return [];
  const outside = setup.outside.map(({ name }) => name);
  const astray = [...setup.ownNetworks].filter(
    ([, device]) => device === undefined || outside.includes(device),
  );
  if (setup.ownNetworks.size === 0) return [];
  if (astray.length === 0)
    return [ok('protected networks of this side are reached by devices of the protected side')];
  return astray.map(([network, device]) =>
    warning(
      `${network} is a protected network of this side, and its packets would ${device === undefined ? 'have no way' : `leave by ${device}, the unprotected side`}`,
      `ip route add ${shellWord(network)} via ROUTER dev DEVICE (where that network is)`,
    ),
  );
}

export function checkGuard({ setup, gateway }: DoctorFacts): readonly Finding[] {
  if (typeof setup === 'string' || setup.hasGuard === undefined) return [];
  const { guardedInterfaces, file } = setup.config;
  if (guardedInterfaces === undefined)
    return [
      note(
        'guard is none: what arrives in clear and should not is not dropped',
        `edit ${shellWord(file)}: guard: {interfaces: [NAME]}`,
      ),
    ];
  if (setup.hasGuard) return [ok(`the guard stands on ${guardedInterfaces.join(', ')}`)];
  return [
    typeof gateway === 'string'
      ? note('no gateway runs, and no guard stands', `isthmus guard -c ${shellWord(file)}`)
      : failure('the guard is gone: somebody has flushed the ruleset of nftables', RESTART),
  ];
}

export function checkMtu({ setup, gateway }: DoctorFacts): readonly Finding[] {
  if (typeof setup === 'string' || setup.network === undefined) return [];
  const { plan } = setup.network;
  const findings: Finding[] = plan.warnings
    .filter((text) => /mtu/i.test(text))
    .map((text) => warning(text, `edit ${shellWord(setup.config.file)}: tun.mtu`));
  const { tun } = setup;
  if (tun === undefined)
    return typeof gateway === 'string'
      ? findings
      : [...findings, failure(`there is no device ${setup.config.tun.name}, and a gateway runs`, RESTART)];
  if (!tun.isUp) findings.push(failure(`${tun.name} is down`, `ip link set dev ${shellWord(tun.name)} up`));
  if (tun.mtu > plan.tunMtu)
    findings.push(
      warning(
        `${tun.name} has an MTU of ${tun.mtu}, and the paths to the peers leave ${plan.tunMtu} beside ESP: larger packets are cut or refused`,
        `ip link set dev ${shellWord(tun.name)} mtu ${plan.tunMtu}`,
      ),
    );
  return findings.length > 0
    ? findings
    : [ok(`${tun.name} has an MTU of ${tun.mtu}, and the paths leave ${plan.tunMtu}`)];
}

const RECEIVE_OFFLOAD = 'generic-receive-offload';

export function checkOffloads({ setup }: DoctorFacts): readonly Finding[] {
  if (typeof setup === 'string') return [];
  const devices = [...(setup.tun === undefined ? [] : [setup.tun]), ...setup.outside];
  const known = devices.filter(({ offloads }) => offloads.size > 0);
  if (known.length === 0) return [];
  const { tun } = setup.config;
  const wanted = (name: string): readonly string[] =>
    name === tun.name
      ? [...(tun.tso ? ['tcp-segmentation-offload'] : []), ...(tun.uso ? ['tx-udp-segmentation'] : [])]
      : [RECEIVE_OFFLOAD];
  const off = known.flatMap(({ name, offloads }) =>
    wanted(name).flatMap((feature) => (offloads.get(feature) === false ? [{ name, feature }] : [])),
  );
  if (off.length === 0) return [ok(`offloads are on: ${known.map(({ name }) => name).join(', ')}`)];
  return off.map(({ name, feature }) =>
    note(
      `${feature} is off on ${name}: each packet costs more`,
      `ethtool -K ${shellWord(name)} ${feature} on`,
    ),
  );
}

export function checkBuffers({ setup, host }: DoctorFacts): readonly Finding[] {
  const wanted = typeof setup === 'string' ? 8 * 2 ** 20 : setup.config.udp.bufferBytes;
  const limits = [
    ['net.core.rmem_max', host.mostReceiveBytes],
    ['net.core.wmem_max', host.mostSendBytes],
  ] as const;
  const short = limits.filter(([, bytes]) => bytes < wanted);
  // Who has CAP_NET_ADMIN may go beyond the limits.
  if (short.length === 0 || host.hasNetAdmin) return [ok(`socket buffers of ${wanted} bytes can be had`)];
  return short.map(([name, bytes]) =>
    warning(
      `${name} is ${bytes}, and udp.buffer is ${wanted}: packets are lost in bursts`,
      `sysctl -w ${name}=${wanted}`,
    ),
  );
}
