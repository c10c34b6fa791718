// Every command that is answered, and every event that a client may register for. Others get vici's own "unknown".

import type { Command } from './command.ts';
import { getAuthorities, listAuthorities, loadAuthority, unloadAuthority } from './commands/authorities.ts';
import { getCounters, resetCounters } from './commands/counters.ts';
import { clearCreds, getPools, loadCert } from './commands/credentials.ts';
import { getAlgorithms } from './commands/get-algorithms.ts';
import { initiate } from './commands/initiate.ts';
import { install, redirect, uninstall } from './commands/install.ts';
import { isthmusCapture, isthmusEndCapture } from './commands/isthmus-capture.ts';
import { isthmusExplain } from './commands/isthmus-explain.ts';
import { isthmusLogLevels } from './commands/isthmus-log-levels.ts';
import { isthmusPage } from './commands/isthmus-page.ts';
import { isthmusPolicies } from './commands/isthmus-policies.ts';
import { isthmusStatus } from './commands/isthmus-status.ts';
import { isthmusTables } from './commands/isthmus-tables.ts';
import { listCerts } from './commands/list-certs.ts';
import { getKeys, loadKey, unloadKey } from './commands/keys.ts';
import { listConns } from './commands/list-conns.ts';
import { listPolicies } from './commands/list-policies.ts';
import { listSas } from './commands/list-sas.ts';
import { getConns, loadConn, unloadConn } from './commands/load-conn.ts';
import { rekey } from './commands/rekey.ts';
import { reloadSettings } from './commands/reload-settings.ts';
import { getShared, loadShared, unloadShared } from './commands/shared.ts';
import { stats } from './commands/stats.ts';
import { terminate } from './commands/terminate.ts';
import { version } from './commands/version.ts';

export const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['version', version],
  ['stats', stats],
  ['get-algorithms', getAlgorithms],
  ['get-counters', getCounters],
  ['reset-counters', resetCounters],
  ['list-sas', listSas],
  ['list-conns', listConns],
  ['get-conns', getConns],
  ['list-policies', listPolicies],
  ['list-certs', listCerts],
  ['list-authorities', listAuthorities],
  ['get-authorities', getAuthorities],
  ['load-authority', loadAuthority],
  ['unload-authority', unloadAuthority],
  ['load-conn', loadConn],
  ['unload-conn', unloadConn],
  ['get-keys', getKeys],
  ['load-key', loadKey],
  ['unload-key', unloadKey],
  ['get-shared', getShared],
  ['load-shared', loadShared],
  ['unload-shared', unloadShared],
  ['load-cert', loadCert],
  ['clear-creds', clearCreds],
  ['get-pools', getPools],
  ['reload-settings', reloadSettings],
  ['initiate', initiate],
  ['terminate', terminate],
  ['rekey', rekey],
  ['install', install],
  ['uninstall', uninstall],
  ['redirect', redirect],
  // Extensions: vici has no such commands.
  ['isthmus-status', isthmusStatus],
  ['isthmus-page', isthmusPage],
  ['isthmus-policies', isthmusPolicies],
  ['isthmus-explain', isthmusExplain],
  ['isthmus-tables', isthmusTables],
  ['isthmus-capture', isthmusCapture],
  ['isthmus-end-capture', isthmusEndCapture],
  ['isthmus-log-levels', isthmusLogLevels],
]);

export const EVENTS: ReadonlySet<string> = new Set([
  ...['list-sa', 'list-conn', 'list-policy', 'list-cert', 'list-authority'],
  ...['log', 'control-log'],
  ...['isthmus-peer', 'isthmus-policy', 'isthmus-row', 'isthmus-log', 'isthmus-packets'],
  ...['ike-updown', 'ike-rekey', 'ike-update', 'child-updown', 'child-rekey'],
]);
