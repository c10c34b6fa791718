// The two sites of the topology as the peers see them: one gateway, and what lies behind it. IPv4 throughout,
// because that is what every peer is measured with.

import { siteAddresses } from '../topology/plan.ts';

export type Gateway = 'gwA' | 'gwB';

export const GATEWAYS: readonly Gateway[] = ['gwA', 'gwB'];

export interface Site {
  /** Address of the gateway on the link between the gateways. */
  readonly outerAddress: string;
  /** The prefix behind the gateway. */
  readonly innerPrefix: string;
  readonly hostAddress: string;
}

export const SITES: Readonly<Record<Gateway, Site>> = {
  gwA: {
    outerAddress: siteAddresses.gwA.outside.ipv4,
    innerPrefix: '10.0.1.0/24',
    hostAddress: siteAddresses.hostA.ipv4,
  },
  gwB: {
    outerAddress: siteAddresses.gwB.outside.ipv4,
    innerPrefix: '10.0.2.0/24',
    hostAddress: siteAddresses.hostB.ipv4,
  },
};

export function farGateway(gateway: Gateway): Gateway {
  return gateway === 'gwA' ? 'gwB' : 'gwA';
}
