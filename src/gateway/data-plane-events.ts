// What the data plane says of itself, on its way to whoever acts on it: the SAD, the supply of sequence numbers, and
// the log.

import { formatAddress } from '../base/address.ts';
import type { Logger } from '../base/log.ts';
import type { DataPlaneEvent } from '../dataplane/commands.ts';
import type { IkeEvent } from '../dataplane/ike-events.ts';
import type { Sad, SaExpire } from '../sad/sad.ts';
import type { Endpoint } from '../sad/security-association.ts';
import { formatSpi } from '../sad/spi-allocation.ts';
import type { AuditFile } from './audit-file.ts';
import { logAudit } from './log-audit.ts';
import type { SequenceSupply } from './sequence-supply.ts';

interface Listeners {
  readonly log: Logger;
  readonly sad: Sad;
  readonly supply: SequenceSupply;
  /** Left out: audits stand in the log only. */
  readonly audits?: AuditFile | undefined;
  /** @param espRoom bytes of the largest ESP packet; undefined: not known any more */
  readonly onPathMtu: (peer: string, espRoom: number | undefined) => void;
  /** Left out where no policy is keyed by IKE: then there are no such events. */
  readonly onIke?: (event: IkeEvent) => void;
  /** Where packets of a peer come from now (RFC 7296 §2.23). */
  readonly onPeerSeen?: (peer: string, endpoint: Endpoint) => void;
}

export class DataPlaneEvents {
  #listeners: Listeners | undefined;

  /** What comes before this is lost: there are no SAs yet, and so little that matters. */
  connect(listeners: Listeners): void {
    this.#listeners = listeners;
    listeners.sad.onExpire((expire) => {
      logExpire(listeners.log, expire);
    });
  }

  take(event: DataPlaneEvent): void {
    switch (event.type) {
      case 'sequence-low':
        this.#listeners?.supply.replenish(event.sa);
        return;
      case 'expire':
        this.#listeners?.sad.expired(event.sa, event.hard, event.cause);
        return;
      case 'address-changed': {
        const address = formatEndpoint(event.endpoint);
        this.#listeners?.log.info({ peer: event.peer, address }, 'the peer is at another address now');
        this.#listeners?.sad.notePlace(event.peer, event.endpoint);
        this.#listeners?.onPeerSeen?.(event.peer, event.endpoint);
        return;
      }
      case 'path-mtu':
        this.#listeners?.sad.notePathMtu(event.peer, event.mtu);
        this.#listeners?.onPathMtu(event.peer, event.mtu === undefined ? undefined : event.espRoom);
        this.#listeners?.log.info({ peer: event.peer, mtu: event.mtu ?? 'unknown' }, 'path MTU to the peer');
        return;
      case 'audit':
        if (this.#listeners !== undefined)
          logAudit(this.#listeners.log, event.record, this.#listeners.audits);
        return;
      case 'ike-datagram':
      case 'acquire':
      case 'unknown-spi':
      case 'first-packet':
        this.#listeners?.onIke?.(event);
        return;
    }
  }
}

function formatEndpoint({ address, port }: Endpoint): string {
  if (address.length === 4) return `${formatAddress({ family: 4, bytes: address })}:${String(port)}`;
  return `[${formatAddress({ family: 6, bytes: address })}]:${String(port)}`;
}

function logExpire(log: Logger, { hard, cause, sa }: SaExpire): void {
  const { direction, peer, spi } = sa;
  const policy = 'policy' in sa ? sa.policy : undefined;
  const fields = { policy, peer, direction, spi: formatSpi(spi), cause };
  if (!('policy' in sa)) log.debug(fields, 'an SPI that was reserved was not used');
  else if (hard) log.warn(fields, 'the SA has reached a hard limit of its lifetime and has ended');
  else log.info(fields, 'the SA has reached a soft limit of its lifetime: it should be replaced');
}
