// OpenVPN over UDP in point-to-point TLS mode, AES-256-GCM, without its kernel module (DCO); everything else
// is at its defaults. The two certificates are made for the run and pinned by fingerprint.

import { join } from 'node:path';
import { runCommand, runOrThrow } from '../../topology/command.ts';
import { Daemon } from '../daemon.ts';
import { findProgram } from '../find-program.ts';
import { farGateway, type Gateway, GATEWAYS, SITES } from '../sites.ts';
import { runDaemons } from './daemons.ts';
import { missing, type Peer } from './peer.ts';

const PORT = '1194';
const DEVICE = 'ovpn0';
const TUNNEL_ADDRESSES: Readonly<Record<Gateway, string>> = { gwA: '10.99.0.1', gwB: '10.99.0.2' };
const READY = 'Initialization Sequence Completed';

export const openvpn: Peer = {
  name: 'openvpn',
  probe: async () => {
    if (findProgram('openvpn') === undefined) return missing('openvpn');
    // Its exit code is 1 in releases before 2.6.
    const { stdout } = await runCommand(['openvpn', '--version']);
    const [, version, series] = /OpenVPN ((\d+\.\d+)\S*)/.exec(stdout) ?? [];
    if (Number(series) < 2.6) {
      return {
        kind: 'missing',
        reason: `openvpn ${version ?? ''} is older than 2.6`,
        mend: 'use Debian 12 or newer',
      };
    }
    return { kind: 'available', version: version ?? 'unknown' };
  },
  start: (topology, directory) =>
    runDaemons(async (started) => {
      const fingerprints = {
        gwA: await makeCertificate(directory, 'gwA'),
        gwB: await makeCertificate(directory, 'gwB'),
      };
      for (const gateway of GATEWAYS) {
        started.push(new Daemon(topology, gateway, commandLine(gateway, directory, fingerprints)));
      }
      for (const daemon of started) await daemon.waitUntil(() => daemon.output.includes(READY), READY);
      for (const gateway of GATEWAYS) {
        const { innerPrefix } = SITES[farGateway(gateway)];
        await topology.runOrThrow(gateway, ['ip', 'route', 'add', innerPrefix, 'dev', DEVICE]);
      }
    }),
};

function commandLine(
  gateway: Gateway,
  directory: string,
  fingerprints: Readonly<Record<Gateway, string>>,
): string[] {
  const far = farGateway(gateway);
  const role = gateway === 'gwA' ? ['--tls-client'] : ['--tls-server', '--dh', 'none'];
  return [
    ...['openvpn', '--dev', DEVICE, '--dev-type', 'tun', '--proto', 'udp', '--disable-dco'],
    ...['--local', SITES[gateway].outerAddress, '--remote', SITES[far].outerAddress, '--port', PORT],
    ...['--ifconfig', TUNNEL_ADDRESSES[gateway], TUNNEL_ADDRESSES[far]],
    ...['--data-ciphers', 'AES-256-GCM', ...role],
    ...['--cert', join(directory, `${gateway}.crt`), '--key', join(directory, `${gateway}.key`)],
    ...['--peer-fingerprint', fingerprints[far]],
  ];
}

/** @returns the SHA-256 fingerprint, as --peer-fingerprint takes it */
async function makeCertificate(directory: string, gateway: Gateway): Promise<string> {
  const certificate = join(directory, `${gateway}.crt`);
  await runOrThrow([
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-subj', `/CN=${gateway}`, '-days', '30'],
    ...['-keyout', join(directory, `${gateway}.key`), '-out', certificate],
  ]);
  const text = await runOrThrow(['openssl', 'x509', '-in', certificate, '-noout', '-fingerprint', '-sha256']);
  return text.slice(text.indexOf('=') + 1).trim();
}
