// `install`, `uninstall` and `redirect`. Policies are in force from the moment when they are there, so there is nothing to
// install; and they go with their connection, or with the configuration. RFC 5685 is not built.

import { failure, SUCCESS, type Command } from '../command.ts';
import { textOf } from '../message.ts';

export const install: Command = (gateway, request) => {
  const child = textOf(request, 'child');
  const ike = textOf(request, 'ike');
  if (child === undefined) return failure('missing configuration name');
  const policy = gateway.policies.find(
    ({ name, peer }) => name === child && (ike === undefined || ike === peer),
  );
  if (policy === undefined) return failure('configuration name not found');
  const own = gateway.connections
    .flatMap(({ children }) => children)
    .find(({ name }) => name === policy.name);
  // It protects, and does not ask IKE for SAs.
  return own?.start === 'never'
    ? failure(`installing policy '${child}' failed: its configuration has packets make no SAs`)
    : SUCCESS;
};

export const uninstall: Command = (gateway, request) => {
  const child = textOf(request, 'child');
  if (child === undefined) return failure('missing configuration name');
  return gateway.policies.some(({ name }) => name === child)
    ? failure(
        `policy '${child}' stays as long as its configuration does: unload its connection, or change the file`,
      )
    : failure(`policy '${child}' not found`);
};

export const redirect: Command = () => failure('IKE SAs are not redirected here: RFC 5685 is not built');
