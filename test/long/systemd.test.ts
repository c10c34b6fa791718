// The systemd units under a real systemd, as PID 1 of a Debian in systemd-nspawn: with their hardening the gateway
// carries packets, reloads, comes back after a kill and stops.

import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { runCommand } from '../../scripts/topology/command.ts';
import { makeDebian } from '../../scripts/debian/debian-root.ts';
import { newSecret, putGateway } from '../../scripts/debian/installed-gateway.ts';

const ETC = join(import.meta.dirname, '../../etc');
const PACKAGES = 'systemd,dbus,iproute2,nftables,iputils-ping';
const BOOT_LIMIT_MS = 240_000;

test('the units work as they are', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'isthmus-systemd-'));
  try {
    const root = await makeDebian(directory, PACKAGES);
    await putGateway(root);
    const etc = join(root, 'etc');
    for (const unit of ['isthmus.service', 'isthmus-guard.service'])
      await cp(join(ETC, unit), join(etc, 'systemd/system', unit));
    await cp(join(ETC, 'isthmus.sysusers'), join(etc, 'sysusers.d/isthmus.conf'));
    for (const site of ['site-a', 'site-b'])
      await cp(join(ETC, 'lab', `${site}.yaml`), join(etc, 'isthmus', `${site}.yaml`));
    await symlink('site-a.yaml', join(etc, 'isthmus/gateway.yaml'));
    await mkdir(join(root, 'keys'));
    await writeFile(join(root, 'keys/a-b.psk'), newSecret(), { mode: 0o600 });
    await cp(join(import.meta.dirname, 'systemd/look.sh'), join(root, 'look.sh'));
    await chmod(join(root, 'look.sh'), 0o755);
    const look = '[Unit]\nAfter=dbus.service\n[Service]\nType=exec\nExecStart=/look.sh\n';
    await writeFile(join(etc, 'systemd/system/look.service'), look);
    const wants = join(etc, 'systemd/system/multi-user.target.wants');
    await mkdir(wants, { recursive: true });
    await symlink('../look.service', join(wants, 'look.service'));

    await runCommand(
      [
        ...['setpriv', '--pdeathsig', 'KILL', '--', 'systemd-nspawn', '--quiet', '--boot'],
        // Of the machine it takes a network and processes of its own, and asks nobody for them.
        ...['--directory', root, '--register=no', '--keep-unit', '--private-network', '--console=pipe'],
        // It would refuse mlock(2), which a machine does not.
        '--system-call-filter=@memlock',
        ...['--bind=/dev/net/tun', `--machine=isthmus-${String(process.pid)}`],
      ],
      { timeoutMs: BOOT_LIMIT_MS },
    );
    const complaints = await readFile(join(root, 'complaints'), 'utf8');
    expect((await readFile(join(root, 'seen'), 'utf8')).trimEnd().split('\n'), complaints).toEqual([
      'start: 5 of 5, active',
      // CAP_NET_ADMIN.
      'capabilities: 0000000000001000 of user isthmus',
      'switches that could not be set: 0',
      'refused: 0',
      'locked: keys',
      'reload: 5 of 5',
      'after a kill: 5 of 5',
      'stop: inactive',
      'guard: active, 1 table',
      'end',
    ]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
