// Who may import whom. Each rule's comment is its reason; ARCHITECTURE.md draws the same picture.
// test/architecture/ runs these rules over fixtures that break them.

/** A folder that may import only the named folders of src/ (and itself). */
const only = (name, folder, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: `(^|/)src/${folder}/` },
  to: { path: '(^|/)src/', pathNot: `(^|/)src/(${[folder, ...allowed].join('|')})/` },
});

/** A folder that must not import what `to` says. */
const never = (name, from, to, comment) => ({ name, comment, severity: 'error', from, to });

const path = (...folders) => ({ path: `(^|/)src/(${folders.join('|')})` });

module.exports = {
  forbidden: [
    only(
      'base-is-the-ground',
      'base',
      [],
      'base holds values that everything uses (addresses, units, errors, log); it can be read with nothing else in mind.',
    ),
    only(
      'wire-knows-formats-only',
      'wire',
      ['base'],
      'wire says where bytes stand in a packet. What they mean for a policy or an SA is decided elsewhere.',
    ),
    only(
      'crypto-knows-algorithms-only',
      'crypto',
      ['base'],
      'crypto takes bytes and gives bytes, so that each algorithm can be held against its vectors alone.',
    ),
    only(
      'spd-is-a-database',
      'spd',
      ['base', 'wire', 'crypto'],
      'RFC 4301 §4.4: the SPD is read by the data plane and written by management and IKE; it depends on none of them.',
    ),
    only(
      'sad-is-a-database',
      'sad',
      ['base', 'wire', 'crypto', 'spd'],
      'RFC 4301 §4.4: the SAD is read by the data plane and written by IKE. An SA carries the selectors of its SPD entry, so it may know spd; never the other way round.',
    ),
    only(
      'pki-judges-certificates-only',
      'pki',
      ['base', 'crypto'],
      'pki says whether a certificate is good at a given time. For whom it counts is written in the PAD, and what follows is up to IKE.',
    ),
    only(
      'pad-is-a-database',
      'pad',
      ['base', 'wire', 'crypto', 'pki', 'spd'],
      'RFC 4301 §4.4.3: the PAD links the SPD to IKE and belongs to neither.',
    ),
    only(
      'ike-decides-and-does-nothing',
      'ike',
      ['base', 'wire', 'crypto', 'pki', 'spd', 'pad'],
      'IKE is a function of messages, time and configuration; SAD, sockets and timers are effects that the gateway executes. So two engines can be joined in memory, and every loss and collision is an ordinary test.',
    ),
    never(
      'dataplane-knows-no-other-plane',
      path('dataplane/'),
      path('ike/', 'management/', 'host/', 'state/', 'pad/', 'gateway[./]', 'main\\.ts'),
      'A worker gets plain commands and gives plain events. It never waits for IKE, a file or the network configuration, so a packet never waits for them either.',
    ),
    never(
      'packet-decisions-do-no-io',
      {
        path: '(^|/)src/(wire|spd|sad|pad|ike)/|(^|/)src/dataplane/(inbound|outbound|packet-path|mss-clamp|ecn)\\.ts',
      },
      { path: '^(node:)?(fs|fs/promises|net|dgram|child_process|timers|timers/promises|http|https|tls)$' },
      'Decisions are functions of a packet, the databases and the given time; devices, files and clocks are handed in, so that every decision can be tested in memory.',
    ),
    never(
      'engines-do-not-know-the-data-plane',
      {
        path: '(^|/)src/dataplane/portable/',
        // The loop that drives the portable engine lives beside it.
        pathNot: '/portable/(portable-data-plane|event-loop-driver)\\.ts$',
      },
      { path: '(^|/)src/(spd|sad|pad)/|(^|/)src/dataplane/(inbound|outbound|worker|data-plane|native/)' },
      'An engine moves bytes as the job rows say. Where it knew policies or SAs, the two engines could decide differently.',
    ),
    never(
      'management-owns-nothing',
      path('management/'),
      path('dataplane/', 'ike/', 'gateway[./]', 'main\\.ts'),
      'Management reads configuration and snapshots and sends commands. The gateway wires it to the planes; the CLI stays usable where no data plane can run.',
    ),
    never(
      'state-keeps-files-only',
      path('state/'),
      path('dataplane/', 'ike/', 'management/', 'host/', 'spd/', 'pad/', 'gateway[./]', 'main\\.ts'),
      'state makes reservations outlive a restart. It must be right on its own: a number given twice breaks a key.',
    ),
    never(
      'host-configures-the-system-only',
      path('host/'),
      path('dataplane/', 'ike/', 'state/', 'gateway[./]', 'main\\.ts'),
      'host sets addresses, routes and rules as it is told; what they follow from is decided above it.',
    ),
    never(
      'only-the-gateway-knows-all-planes',
      { path: '(^|/)src/', pathNot: '(^|/)src/(gateway[./]|main\\.ts$)' },
      path('gateway[./]', 'main\\.ts'),
      'There is one place where the planes meet. A second one would be a second order of starting and stopping.',
    ),
    never(
      'page-runs-in-a-browser',
      path('management/http/page/'),
      {
        path: '(^|/)src/|^node:',
        pathNot: '(^|/)src/management/(http/page/|http/page-state\\.ts|vici/extensions/)',
      },
      'The status page is served to browsers: of the gateway it knows the types of what it is told, and no code.',
    ),
    never(
      'no-cycles',
      {},
      { circular: true },
      'Two files that import each other are one file with a line drawn through it.',
    ),
    never(
      'no-orphans',
      { orphan: true, path: '(^|/)src/', pathNot: '(^|/)src/(main|management/http/page/main)\\.ts$' },
      {},
      'What nothing imports is dead. Delete it, or import it.',
    ),
    never(
      'shipped-code-stands-alone',
      { path: '(^|/)src/' },
      { path: '(^|/)(test|scripts)/' },
      'The package holds neither tests nor scripts.',
    ),
    never(
      'shipped-code-needs-no-development-packages',
      { path: '(^|/)src/' },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
      'A user installs the dependencies, not the development dependencies.',
    ),
    never(
      'imports-resolve',
      {},
      { couldNotResolve: true },
      'A module that is not found is found out by a user otherwise.',
    ),
    never(
      'scripts-do-not-import-tests',
      { path: '^scripts/' },
      { path: '^test/' },
      'The lab and the benchmark run where no test tools are installed.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    // An `import type` binds two files as much as a value does.
    tsPreCompilationDeps: true,
    moduleSystems: ['es6', 'cjs'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
