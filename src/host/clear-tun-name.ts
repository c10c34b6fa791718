// The name of the second TUN, by which packets of BYPASS policies leave: as the first with "-clear", in 15 characters.

const LONGEST_STEM = 9;

export function clearTunNameOf(tunName: string): string {
  if (tunName.length <= LONGEST_STEM) return `${tunName}-clear`;
  // Two long names may begin alike; five digits tell them apart.
  let hash = 0;
  for (const byte of Buffer.from(tunName)) hash = (Math.imul(hash, 31) + byte) >>> 0;
  return `${tunName.slice(0, LONGEST_STEM - 5)}${hash.toString(16).padStart(5, '0').slice(-5)}-clear`;
}
