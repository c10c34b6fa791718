// Isthmus as site A and strongSwan as site B, or whatever else the test says, in a sandbox of their own.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Setting } from '../../../scripts/lab/site-files.ts';
import { siteAddresses } from '../../../scripts/topology/plan.ts';
import { STORIES, type StoryName } from '../../../src/ike/stories.ts';
import { TwoSites } from '../../system/two-sites.ts';
import { Charon } from './charon.ts';

const SECRET = 'a shared secret of the tests';
const { gwA, gwB } = siteAddresses;

export interface PeerOptions {
  /** Settings of the configuration of Isthmus, beside the usual ones. */
  readonly settings?: readonly Setting[];
  /** IKE and ESP proposals, in the notation that both have. */
  readonly proposal?: string;
  readonly espProposal?: string;
  /** Of strongSwan: lines of the connection, and of its child. */
  readonly connection?: string;
  readonly child?: string;
  /** More connections of strongSwan, by name; their child is `net`, too. */
  readonly others?: Readonly<Record<string, OtherConnection>>;
  readonly secret?: string;
  readonly charonSettings?: string;
  /** Rules of nftables in the router between the two, from the start. */
  readonly wanRules?: string;
  /** Where strongSwan looks for Isthmus. */
  readonly remoteAddresses?: string;
  /** Instead of a secret: what both sides prove themselves with. */
  readonly proofs?: Proofs;
}

/** A connection like the first one, but for this. */
export interface OtherConnection {
  /** Lines of the sections local and remote, and of the child. */
  readonly local?: string;
  readonly remote?: string;
  readonly child?: string;
}

/** Files of both sides, and the configuration that names them. */
export interface Proofs {
  /** By their paths beside the configuration of Isthmus. */
  readonly files: Readonly<Record<string, string>>;
  /** `local` and `remote` of the peer's `ike`. */
  readonly ike: Readonly<Record<'local' | 'remote', unknown>>;
  /** By their paths in the directory of swanctl. */
  readonly charonFiles: Readonly<Record<string, string>>;
  /** Lines of the sections local and remote. */
  readonly charonLocal: string;
  readonly charonRemote: string;
}

const DEFAULT_IKE = 'aes256gcm16-prfsha384-ecp256';
const DEFAULT_ESP = 'aes256gcm16-x25519';

export class PeerSite {
  readonly sites: TwoSites;
  readonly charon: Charon;

  private constructor(sites: TwoSites, charon: Charon) {
    this.sites = sites;
    this.charon = charon;
  }

  static async build(options: PeerOptions = {}): Promise<PeerSite> {
    const { settings = [], proposal = DEFAULT_IKE, espProposal = DEFAULT_ESP, proofs } = options;
    const ike = proofs?.ike ?? { local: { psk: { file: 'keys/psk' } } };
    const sites = await TwoSites.build('native', undefined, { sites: [SITE_A], keys: [] });
    try {
      if (options.wanRules !== undefined)
        await sites.topology.runOrThrow('wan', ['nft', '-f', '-'], { input: options.wanRules });
      await mkdir(join(sites.directory, 'keys'), { recursive: true });
      await writeFile(join(sites.directory, 'keys', 'psk'), `${SECRET}\n`, { mode: 0o600 });
      for (const [path, text] of Object.entries(proofs?.files ?? {}))
        await writeFile(join(sites.directory, path), text, { mode: 0o600 });
      await sites.configure('gwA', [
        [['peers', 0, 'ike'], { ...ike, proposals: [proposal] }],
        [['policies', 0, 'sa', 'manual'], undefined],
        [['policies', 0, 'sa', 'proposal'], undefined],
        [['policies', 0, 'sa', 'proposals'], [espProposal]],
        ...settings,
      ]);
      const charon = await Charon.start(sites.topology, 'gwB', join(sites.directory, 'strongswan'), {
        configuration: swanctlConf({ ...options, proposal, espProposal }),
        settings: options.charonSettings ?? '',
        files: proofs?.charonFiles ?? {},
      });
      await sites.start('gwA');
      return new PeerSite(sites, charon);
    } catch (error) {
      await sites.close();
      throw error;
    }
  }

  /** Waits until Isthmus has told a story of an IKE SA so many times. */
  async told(story: StoryName, times = 1): Promise<void> {
    await this.sites.logged('gwA', STORIES[story].sentence, times);
  }

  /** All that the last line with a story says, once it was told. */
  line(story: StoryName): Promise<unknown> {
    return this.sites.logLine('gwA', STORIES[story].sentence);
  }

  async close(): Promise<void> {
    await this.charon.stop();
    await this.sites.close();
  }
}

const SITE_A = { place: 'gwA', example: 'site-a.yaml', settings: [] } as const;

function swanctlConf(options: PeerOptions): string {
  const { child = '', secret = SECRET, proofs, others = {} } = options;
  const local = proofs?.charonLocal ?? `auth = psk\n id = ${gwB.outside.ipv4}`;
  const remote = proofs?.charonRemote ?? `auth = psk\n id = ${gwA.outside.ipv4}`;
  const first = { local, remote, child };
  const connections = Object.entries({ peer: first, ...others }).map(
    ([name, other]) => `  ${name} {\n${connectionLines(options, { ...first, ...other })}  }\n`,
  );
  return `connections {
${connections.join('')}}
secrets {
  ike-peer {
    id-1 = ${gwA.outside.ipv4}
    id-2 = ${gwB.outside.ipv4}
    secret = "${secret}"
  }
}
`;
}

function connectionLines(
  { proposal = '', espProposal = '', connection = '', remoteAddresses = gwA.outside.ipv4 }: PeerOptions,
  { local, remote, child }: Required<OtherConnection>,
): string {
  return `    version = 2
    local_addrs = ${gwB.outside.ipv4}
    remote_addrs = ${remoteAddresses}
    proposals = ${proposal}
    mobike = no
    ${connection}
    local {
      ${local}
    }
    remote {
      ${remote}
    }
    children {
      net {
        mode = tunnel
        local_ts = 10.0.2.0/24
        remote_ts = 10.0.1.0/24
        esp_proposals = ${espProposal}
        start_action = none
        ${child}
      }
    }
`;
}
