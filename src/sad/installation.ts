// An SA of the SAD as a worker is sent it.

import { InvariantError } from '../base/errors.ts';
import { DEFAULT_TUNNEL_OPTIONS } from '../spd/tunnel-options.ts';
import type { SaRecord } from './sa-record.ts';
import type { Endpoint, SaChange, SequenceBlock } from './security-association.ts';

/** @param block of an outbound SA @param place where its peer is, where that is known better than by the record */
export function installation(record: SaRecord, block: SequenceBlock, place?: Endpoint): SaChange {
  const { slot, id, spi, direction, description, selectors, state, keyMaterial, replayBitmap } = record;
  const { transform, esn, policy, peer, origin, tunnel = DEFAULT_TUNNEL_OPTIONS } = description;
  const named = { slot, id, spi, transform, mode: 'tunnel' as const, esn, policy, peer, selectors };
  const common = { ...named, keyMaterial, state };
  const isOfIke = origin?.keying === 'ikev2';
  if (direction === 'outbound') {
    const endpoint = place ?? record.endpoint;
    const { inboundSpi } = record;
    const sa = { ...common, direction, isOfIke, endpoint, tunnel, inboundSpi, block };
    return { type: 'install-outbound', sa };
  }
  if (replayBitmap === undefined) throw new InvariantError('an inbound SA has no replay bitmap');
  const { replayWindowPackets } = record;
  const window = { replayWindowPackets, replayBitmap };
  return { type: 'install-inbound', sa: { ...common, direction, tellsFirstPacket: isOfIke, ...window } };
}
