// `reload-settings`: reads the configuration file of the gateway again, as SIGHUP does. What was loaded stays.

import { failure, SUCCESS, type Command } from '../command.ts';

export const reloadSettings: Command = async (gateway) => {
  const problems = await gateway.reload();
  return problems.length === 0 ? SUCCESS : failure(problems.join('; '));
};
