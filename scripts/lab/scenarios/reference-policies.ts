// Site A with the policies of the textbook: protect the other site, HTTPS and the rest in clear, no SSH from
// outside. The order decides (RFC 4301 §4.4.1).

import type { Site } from '../site-files.ts';

const siteAPolicies = ['policies'] as const;
const inside = ['10.0.1.0/24', 'fd00:1::/64'];

interface PlainPolicy {
  readonly name: string;
  readonly priority: number;
  readonly selectors: Readonly<Record<string, unknown>>;
  readonly action: 'BYPASS' | 'DISCARD';
}

/** Puts policies behind the PROTECT policy of an example, which stays the first of the file. */
export function withPolicies(site: Site, policies: readonly PlainPolicy[]): Site {
  const settings = policies.map((policy, index) => [[...siteAPolicies, index + 1], policy] as const);
  return { ...site, settings: [...site.settings, ...settings] };
}

export const noSshFromOutside: PlainPolicy = {
  name: 'no-ssh-from-outside',
  priority: 50,
  selectors: { local_address: inside, protocol: 'tcp', local_port: 22 },
  action: 'DISCARD',
};

export const httpsInClear: PlainPolicy = {
  name: 'https-in-clear',
  priority: 200,
  selectors: { local_address: inside, protocol: 'tcp', remote_port: 443 },
  action: 'BYPASS',
};

export const noTelnet: PlainPolicy = {
  name: 'no-telnet',
  priority: 60,
  selectors: { local_address: inside, protocol: 'tcp', remote_port: 23 },
  action: 'DISCARD',
};
