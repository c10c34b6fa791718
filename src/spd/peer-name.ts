// What peers are called in the SPD and the SAD. A policy names an entry of the PAD; where that is for several identities
// that come from anywhere (RFC 4301 §4.4.3.1), each is a peer of its own in the SAD, with its own place and its own SPIs.

/** Stands in no name of an entry. */
const SEPARATOR = ' ';

export function peerWithIdentity(entry: string, identity: string): string {
  return `${entry}${SEPARATOR}${identity}`;
}

/** Name of the PAD entry that a peer of the SAD belongs to. */
export function entryOfPeer(peer: string): string {
  const end = peer.indexOf(SEPARATOR);
  return end < 0 ? peer : peer.slice(0, end);
}
