// What `run`, `guard` and `cleanup` have in common: read the configuration, open the log, go.

import { createLogger, type Logger } from '../../base/log.ts';
import { loadConfig, type LoadedConfig } from '../config/load-config.ts';

export async function withConfig(
  file: string,
  action: (config: LoadedConfig, log: Logger) => Promise<void>,
): Promise<void> {
  const config = loadConfig(file);
  const log = createLogger(config.logLevel);
  for (const warning of config.warnings) log.warn(warning);
  await action(config, log);
}
