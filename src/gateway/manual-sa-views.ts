// SAs that are keyed by hand, as management shows them: one entry for each peer, in the place of an IKE SA that there is
// not, with a Child SA for each pair.

import { formatAddress } from '../base/address.ts';
import { trafficSelectorsOf } from '../ike/traffic-selectors.ts';
import type { GatewayConfig } from '../management/config/gateway-config.ts';
import type { ChildSaView, IkeSaView } from '../management/vici/vici-gateway.ts';
import { findEspTransform } from '../crypto/esp-transform.ts';
import type { LarvalView, SaView } from '../sad/sa-view.ts';
import { SaNumbers } from './sa-numbers.ts';

const NO_SPI = '0'.repeat(16);

export class ManualSaViews {
  readonly #numbers = new SaNumbers<string>();

  /**
   * @param sas of the SAD
   * @param requestNumber of a policy
   */
  view(
    sas: Iterable<SaView | LarvalView>,
    { peers, udp }: GatewayConfig,
    requestNumber: (policy: string) => number,
  ): readonly IkeSaView[] {
    const pairs = new Map<string, { inbound?: SaView; outbound?: SaView }>();
    for (const sa of sas) {
      if (!('policy' in sa) || sa.keying !== 'manual') continue;
      const pair = pairs.get(sa.policy) ?? {};
      pair[sa.direction] = sa;
      pairs.set(sa.policy, pair);
    }
    const [listen] = udp.listen;
    return peers.flatMap((peer) => {
      const children = [...pairs.values()].flatMap(({ inbound, outbound }) =>
        inbound !== undefined && outbound !== undefined && outbound.peer === peer.name
          ? [this.#child(inbound, outbound, requestNumber)]
          : [],
      );
      if (children.length === 0) return [];
      const [first] = children;
      return [
        {
          uniqueId: 0,
          name: peer.name,
          state: 'MANUAL' as const,
          local: {
            host: first?.outbound?.hostAddress ?? (listen === undefined ? '' : formatAddress(listen.address)),
            port: listen?.port,
            identity: 'keyed by hand',
          },
          remote: {
            host: first?.outbound?.peerAddress ?? '%any',
            port: first?.outbound?.peerPort,
            identity: 'keyed by hand',
          },
          isInitiator: false,
          initiatorSpi: NO_SPI,
          responderSpi: NO_SPI,
          algorithms: undefined,
          establishedSeconds: undefined,
          rekeySeconds: undefined,
          lifeSeconds: undefined,
          queuedTasks: [],
          activeTask: undefined,
          children,
        },
      ];
    });
  }

  #child(inbound: SaView, outbound: SaView, requestNumber: (policy: string) => number): ChildSaView {
    const transform = findEspTransform(outbound.transform.name);
    return {
      uniqueId: this.#numbers.of(outbound.policy),
      requestId: requestNumber(outbound.policy),
      name: outbound.policy,
      state: 'INSTALLED',
      inboundSpi: inbound.spi,
      outboundSpi: outbound.spi,
      transform: transform ?? { encryptionId: 0, integrityId: 0, keyBytes: 0 },
      esn: outbound.esn,
      group: 0,
      inbound,
      outbound,
      local: trafficSelectorsOf(outbound.selectors, 'local'),
      remote: trafficSelectorsOf(outbound.selectors, 'remote'),
    };
  }
}
