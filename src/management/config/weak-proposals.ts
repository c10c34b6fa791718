// Proposals that are allowed by name and weaker than what one would choose today: a warning for each. RFC 8221 §5,
// RFC 8247 §2.

import { ESP_TRANSFORMS, type EspTransform } from '../../crypto/esp-transform.ts';
import { EncryptionId, GroupId } from '../../wire/ike/iana.ts';
import type { ConfigFile } from './config-file.ts';
import { espChoices, type NegotiatedProposal } from './negotiated-proposal.ts';
import type { Path } from './unproven.ts';

const FULL_ICV_BYTES = 16;

export interface WeakProposal {
  /** In the file. */
  readonly at: Path;
  /** `"modp2048 …" is weak: …` */
  readonly text: string;
}

/** In the order of the file. */
export function describeWeakProposals({
  peers,
  policies,
}: Pick<ConfigFile, 'peers' | 'policies'>): readonly WeakProposal[] {
  const describe = (weakness: string | undefined, text: string, at: Path): WeakProposal[] =>
    weakness === undefined ? [] : [{ at, text: `"${text}" is weak: ${weakness}` }];
  const ofPeers = peers.flatMap(({ ike }, peer) =>
    (ike?.proposals ?? []).flatMap((proposal, index) =>
      describe(weakGroup(proposal), proposal.text, ['peers', peer, 'ike', 'proposals', index]),
    ),
  );
  const ofPolicies = policies.flatMap(({ sa }, policy) => {
    const path = ['policies', policy, 'sa'];
    const own = sa?.proposal && weakTransform(sa.proposal.transform);
    return [
      ...describe(own, sa?.proposal?.transform.name ?? '', [...path, 'proposal']),
      ...(sa?.proposals ?? []).flatMap((proposal, index) =>
        describe(weakestTransform(proposal) ?? weakGroup(proposal), proposal.text, [
          ...path,
          'proposals',
          index,
        ]),
      ),
    ];
  });
  return [...ofPeers, ...ofPolicies];
}

function weakGroup({ accepted }: NegotiatedProposal): string | undefined {
  const [first, ...others] = accepted.groups;
  return first?.id === GroupId.MODP_2048 && others.length === 0
    ? 'modp2048 alone has 112 bits; put x25519 or ecp256 before it'
    : undefined;
}

function weakestTransform(proposal: NegotiatedProposal): string | undefined {
  return espChoices(proposal)
    .map(({ transform }) => ESP_TRANSFORMS.find(({ name }) => name === transform))
    .map((transform) => transform && weakTransform(transform))
    .find((weakness) => weakness !== undefined);
}

function weakTransform({ encryptionId, icvBytes }: EspTransform): string | undefined {
  if (encryptionId === EncryptionId.ENCR_NULL || encryptionId === EncryptionId.ENCR_NULL_AUTH_AES_GMAC)
    return 'it encrypts nothing';
  return icvBytes < FULL_ICV_BYTES ? `its integrity check value has ${icvBytes} bytes, not 16` : undefined;
}
