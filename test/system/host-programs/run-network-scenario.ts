// Runs one scenario of network-scenarios.ts in the namespace it was started in. Arguments: its name, and
// `unprivileged` where this program started itself again without CAP_NET_ADMIN.

import { execFileSync } from 'node:child_process';

import { buildHost, leaveRules, scenarios, unprivilegedScenarios } from './network-scenarios.ts';

const [name = '', stage] = process.argv.slice(2);
const scenario = scenarios[name] ?? unprivilegedScenarios[name];
if (scenario === undefined) throw new Error(`there is no scenario '${name}'`);
if (stage !== 'unprivileged') buildHost();
if (name in scenarios || stage === 'unprivileged') {
  await scenario();
} else {
  leaveRules();
  const drop = ['--bounding-set=-net_admin', '--inh-caps=-net_admin', '--no-new-privs'];
  const again = [process.execPath, ...process.execArgv, import.meta.filename, name, 'unprivileged'];
  execFileSync('setpriv', [...drop, ...again], { stdio: 'inherit' });
}
