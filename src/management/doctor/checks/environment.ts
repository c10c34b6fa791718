// Whether the gateway can run here: Node, the addon, the TUN device file, permissions, the clock.

import { shellWord } from '../../../base/shell-word.ts';
import type { DoctorFacts } from '../facts.ts';
import { failure, note, ok, unknown, warning, type Finding } from '../finding.ts';

const OLDEST_NODE = [20, 19] as const;
/** The first version of this program is of this year; a clock before has lost its battery. */
const FIRST_YEAR = 2025;
const LAST_YEAR = 2100;
const NEEDED = 'CAP_NET_ADMIN';
const MOST_NAMED = 3;
const DAY_MS = 24 * 3_600_000;
const SOON_DAYS = 14;

export function checkNode({ nodeVersion }: DoctorFacts): readonly Finding[] {
  const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  const wanted = OLDEST_NODE.join('.');
  return [
    isOld
      ? failure(
          `Node ${nodeVersion} runs this, and Isthmus needs ${wanted} or newer`,
          `install Node ${wanted} or newer`,
        )
      : ok(`Node ${nodeVersion}`),
  ];
}

export function checkAddon({ addonProblem, setup }: DoctorFacts): readonly Finding[] {
  if (addonProblem === undefined) return [ok('the native addon loads')];
  const isWanted = typeof setup === 'string' || setup.config.engine === 'native';
  const mend = 'npm rebuild isthmus';
  return [
    isWanted
      ? failure(`the native addon does not load: ${addonProblem}`, mend)
      : note(`the native addon does not load: ${addonProblem}; gateway.engine is portable`, mend),
  ];
}

export function checkTunFile({ host, gateway }: DoctorFacts): readonly Finding[] {
  const mends: Readonly<Record<string, string>> = {
    ENOENT:
      'modprobe tun; test -e /dev/net/tun || { mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200; }',
    ENODEV: 'modprobe tun',
    EACCES: 'chmod 666 /dev/net/tun',
    EPERM: 'start the container with --device /dev/net/tun',
  };
  const { tunProblem } = host;
  if (tunProblem === undefined) return [ok('/dev/net/tun can be opened')];
  const mend = mends[tunProblem] ?? 'modprobe tun';
  if (typeof gateway !== 'string')
    return [
      note(`/dev/net/tun cannot be opened (${tunProblem}) by this user; the gateway that runs could`, mend),
    ];
  return [failure(`/dev/net/tun cannot be opened (${tunProblem})`, mend)];
}

export function checkPermission({ host, gateway }: DoctorFacts): readonly Finding[] {
  if (host.hasNetAdmin) return [ok('this process has CAP_NET_ADMIN')];
  if (typeof gateway !== 'string')
    return [note('this process has no CAP_NET_ADMIN; it sees less of the host than the gateway does')];
  const mend = 'run isthmus as root, or with AmbientCapabilities=CAP_NET_ADMIN as etc/isthmus.service does';
  return [failure('this process has no CAP_NET_ADMIN, which a gateway needs', mend)];
}

/** SECURITY.md: one capability, and no root. */
export function checkPrivileges({ gateway, setup }: DoctorFacts): readonly Finding[] {
  const user =
    'let it become a user of its own: gateway.user, or run --user; the README says under "Privileges" what that user must read';
  if (typeof gateway === 'string')
    return typeof setup === 'string' || setup.config.user !== undefined
      ? []
      : [note('gateway.user is not set: a gateway that root starts stays root', user)];
  const { uid, capabilities } = gateway.status.privileges;
  const names = capabilities.map((name) => `CAP_${name.toUpperCase()}`);
  const others = names.filter((name) => name !== NEEDED);
  if (uid === 0)
    return [warning(`the gateway runs as root, with ${countNames(names)}; it needs ${NEEDED} alone`, user)];
  if (others.length === 0) return [ok(`the gateway runs as user ${String(uid)} with ${NEEDED} alone`)];
  const mend = 'start it as etc/isthmus.service does, with the native addon, which gives the others away';
  return [
    warning(
      `the gateway runs as user ${String(uid)} with ${countNames(names)}; it needs ${NEEDED} alone`,
      mend,
    ),
  ];
}

/** All of root's would be a line of their own. */
function countNames(names: readonly string[]): string {
  return names.length > MOST_NAMED ? `${String(names.length)} capabilities` : names.join(' and ');
}

export function checkClock({ wallClockMs, host, setup }: DoctorFacts): readonly Finding[] {
  const year = new Date(wallClockMs).getUTCFullYear();
  const mend = 'timedatectl set-ntp true';
  if (year < FIRST_YEAR || year > LAST_YEAR)
    return [failure(`the clock says ${year}: certificates are judged by it`, mend)];
  const usesCertificates = typeof setup !== 'string' && setup.certificates.length > 0;
  if (host.isClockSynchronized === undefined)
    return [
      ok(`the clock says ${new Date(wallClockMs).toISOString()}; whether it is synchronised is not known`),
    ];
  if (host.isClockSynchronized) return [ok('the clock is synchronised')];
  const text = 'the clock is not synchronised';
  return [usesCertificates ? warning(`${text}: certificates are judged by it`, mend) : note(text, mend)];
}

export function checkCertificates({ setup, wallClockMs }: DoctorFacts): readonly Finding[] {
  if (typeof setup === 'string' || setup.certificates.length === 0) return [];
  const findings = setup.certificates.flatMap(
    ({ path, problem, notBeforeMs, notAfterMs }): readonly Finding[] => {
      const day = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);
      const renew = `isthmus pki issue NAME --ca CA.pem makes another one; openssl x509 -in ${shellWord(path)} -noout -dates shows this one`;
      if (problem !== undefined) return [failure(`${path}: ${problem}`, `ls -l ${shellWord(path)}`)];
      if (wallClockMs < notBeforeMs)
        return [
          failure(
            `${path} is valid from ${day(notBeforeMs)} on, and the clock says ${day(wallClockMs)}`,
            'timedatectl set-ntp true',
          ),
        ];
      if (wallClockMs > notAfterMs) return [failure(`${path} has ended on ${day(notAfterMs)}`, renew)];
      if (notAfterMs - wallClockMs < SOON_DAYS * DAY_MS)
        return [warning(`${path} ends on ${day(notAfterMs)}`, renew)];
      return [];
    },
  );
  return findings.length > 0 ? findings : [ok(`${setup.certificates.length} certificates are valid now`)];
}

export function checkConfiguration({ setup, gateway }: DoctorFacts): readonly Finding[] {
  if (typeof setup !== 'string') {
    const { config, planProblem } = setup;
    if (planProblem !== undefined)
      return [failure(planProblem, 'isthmus check FILE, and what the line says')];
    return [
      ok(`${config.file} is right`),
      ...config.warnings.map((text) => warning(text, `edit ${shellWord(config.file)}`)),
    ];
  }
  return typeof gateway === 'string'
    ? [unknown(setup)]
    : [failure(setup, 'isthmus check FILE, and what each line says')];
}

export function checkGateway({ gateway }: DoctorFacts): readonly Finding[] {
  if (typeof gateway === 'string') return [note(`no gateway runs that could be asked: ${gateway}`)];
  const { status } = gateway;
  return [ok(`${status.name} runs: Isthmus ${status.version}, ${status.engine} engine, ${status.tun}`)];
}
