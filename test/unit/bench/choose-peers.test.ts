import { describe, expect, it } from 'vitest';
import { choosePeers } from '../../../scripts/bench/choose-peers.ts';
import { allPeers } from '../../../scripts/bench/peers/all-peers.ts';
import { type Availability, type Peer } from '../../../scripts/bench/peers/peer.ts';

function peer(name: string, availability: Availability = { kind: 'available', version: '1' }): Peer {
  return {
    name,
    probe: () => Promise.resolve(availability),
    start: () => Promise.reject(new Error('not started here')),
  };
}

const absent = peer('openvpn', { kind: 'missing', reason: 'openvpn is missing', mend: 'install it' });
const peers = [peer('plain'), peer('isthmus-native'), peer('isthmus-portable'), absent];

describe('choosePeers', () => {
  it('takes all that are here and names the rest with the mend', async () => {
    const { chosen, complaints } = await choosePeers(peers, []);
    expect(chosen.map((one) => one.peer.name)).toEqual(['plain', 'isthmus-native', 'isthmus-portable']);
    expect(complaints).toEqual(['openvpn is left out: openvpn is missing; mend: install it']);
  });

  it('takes names by their beginnings, in the order of the report', async () => {
    const { chosen, complaints } = await choosePeers(peers, ['isthmus', 'pl']);
    expect(chosen.map((one) => one.peer.name)).toEqual(['plain', 'isthmus-native', 'isthmus-portable']);
    expect(complaints).toEqual([]);
  });

  it('names what no peer begins with', async () => {
    const { chosen, complaints } = await choosePeers(peers, ['native']);
    expect(chosen).toEqual([]);
    expect(complaints[0]).toMatch(/^native: no such peer; the peers are plain, isthmus-native/);
  });
});

describe('allPeers', () => {
  it('has the names that reports are read by', () => {
    expect(allPeers(process.execPath, [1]).map(({ name }) => name)).toEqual([
      'plain',
      'isthmus-native',
      'isthmus-portable',
      'wireguard-go-backports',
      'wireguard-go-debian12',
      'strongswan-aesni',
      'openvpn',
    ]);
  });
});
