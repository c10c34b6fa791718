// What `run`, `guard` and `cleanup` have in common: read the configuration, open the log, go.

import { createLogger, type Logger } from '../../base/log.ts';
import { loadConfig, type LoadedConfig } from '../config/load-config.ts';

type Action = (config: LoadedConfig, log: Logger) => Promise<void>;

/** @param first may end in another process, which warns in its turn */
export async function withConfig(file: string, action: Action, first?: Action): Promise<void> {
  const config = loadConfig(file);
  const log = createLogger(config.logLevel);
  await first?.(config, log);
  for (const warning of config.warnings) log.warn(warning);
  await action(config, log);
}
