const { readdirSync, readFileSync } = require('node:fs')
const path = require('node:path')

// Which arrows may exist between the rooms of the house. `pnpm boundaries` enforces it.

/** What each workspace package may import. Arrows point down only. */
const arrows = {
  'packages/state-machine': [],
  'packages/replication-log': [],
  'packages/election': [],
  'packages/configuration': [],
  'packages/certificates': [],
  'packages/tracing': [],
  'packages/replica': ['election', 'replication-log'],
  'packages/transport-grpc': ['election', 'replica', 'replication-log'],
  'packages/client': ['transport-grpc'],
  'packages/chat-service': ['replica', 'state-machine', 'transport-grpc'],
  // The rules once more, for a search: sharing code with what it checks would share its mistakes.
  'packages/model': [],
  'packages/simulator': ['election', 'replica', 'replication-log', 'state-machine'],
  'apps/server': [
    'chat-service',
    'configuration',
    'election',
    'replica',
    'replication-log',
    'state-machine',
    'tracing',
    'transport-grpc',
  ],
  'apps/cli-client': ['client', 'configuration', 'tracing'],
  'apps/chatctl': [
    'certificates',
    'configuration',
    'election',
    'replica',
    'replication-log',
    'state-machine',
    'transport-grpc',
  ],
  bench: ['client', 'election', 'replication-log', 'state-machine', 'transport-grpc'],
  'examples/bot': ['client'],
  'examples/simulated-counter': ['replica', 'simulator'],
  'examples/key-value': ['replica', 'replication-log', 'transport-grpc'],
}

/** Sources that run anywhere and always give the same answer: no `node:` module, no npm package but the one named. */
const pure = [
  { name: 'state-machine', path: '^packages/state-machine/src/', npm: '/@bufbuild/protobuf/' },
  { name: 'election', path: '^packages/election/src/' },
  {
    name: 'replication-log',
    path: '^packages/replication-log/src/',
    pathNot: '^packages/replication-log/src/(file|testing)/',
  },
  { name: 'replica-core', path: '^packages/replica/src/core/' },
  { name: 'model', path: '^packages/model/src/', pathNot: '^packages/model/src/program/' },
]

const test = '([.]test[.]ts$|/test/|/e2e/)'
/** The files that each package exports, as patterns; read from its package.json, so that the two cannot differ. */
const entryPoints = readdirSync(path.join(__dirname, 'packages')).flatMap((name) => {
  const manifest = JSON.parse(readFileSync(path.join(__dirname, 'packages', name, 'package.json'), 'utf8'))
  return Object.values(manifest.exports).map(
    (target) => `^packages/${name}/${target['@chatroom/source'].slice(2)}$`,
  )
})

module.exports = {
  forbidden: [
    ...Object.entries(arrows).map(([from, to]) => ({
      name: `arrows-of-${from.split('/').at(-1)}`,
      comment: `${from} may import ${to.length === 0 ? 'no other package' : to.join(', ')}.`,
      severity: 'error',
      from: { path: `^${from}/`, pathNot: test },
      to: {
        path: '^(packages|apps|examples|bench)/',
        pathNot: [from, ...to.map((name) => `packages/${name}`)].map((allowed) => `^${allowed}/`),
      },
    })),
    {
      name: 'entry-points-only',
      comment: 'Another package is imported by its name, through what its package.json exports.',
      severity: 'error',
      from: { path: '^(packages/[^/]+|apps/[^/]+|examples/[^/]+|bench)/' },
      to: { path: '^packages/', pathNot: ['^$1/', ...entryPoints] },
    },
    {
      name: 'by-name-not-by-path',
      comment: 'Another package is imported by its name, not by a relative path.',
      severity: 'error',
      from: { path: '^(packages/[^/]+|apps/[^/]+|examples/[^/]+|bench)/' },
      to: { path: '^(packages|apps|examples|bench)/', pathNot: '^$1/', dependencyTypes: ['local'] },
    },
    ...pure.flatMap(({ name, path, pathNot, npm }) => {
      const from = { path, pathNot: [test, ...(pathNot ? [pathNot] : [])] }
      return [
        {
          name: `pure-${name}-no-node`,
          comment:
            'A pure source imports no module of Node: time, randomness and completed I/O reach it as events.',
          severity: 'error',
          from,
          to: { dependencyTypes: ['core'] },
        },
        {
          name: `pure-${name}-no-npm`,
          comment:
            'A pure source imports no package from npm: what it decides must not change with a version of theirs.',
          severity: 'error',
          from,
          to: { path: 'node_modules/', pathNot: npm ? [npm] : [] },
        },
      ]
    }),
    {
      name: 'http2-knows-itself-only',
      comment: 'HTTP/2 knows nothing of gRPC, and nothing of Node but the kind of stream it runs over.',
      severity: 'error',
      from: { path: '^packages/transport-grpc/src/http2/', pathNot: test },
      to: { pathNot: ['^packages/transport-grpc/src/(http2/|linked-list[.]ts$)', '^stream$'] },
    },
    {
      name: 'replica-core-knows-rules-only',
      comment:
        "The replica's core is made of election and replication-log alone, and of their pure entry points.",
      severity: 'error',
      from: { path: '^packages/replica/src/core/', pathNot: test },
      to: { pathNot: ['^packages/replica/src/', '^packages/(election|replication-log)/src/index[.]ts$'] },
    },
    {
      name: 'replica-core-runs-no-shell',
      comment: 'From the rest of the replica its core takes types only, nothing that runs.',
      severity: 'error',
      from: { path: '^packages/replica/src/core/', pathNot: test },
      to: {
        path: '^packages/replica/src/',
        pathNot: '^packages/replica/src/core/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'client-never-reaches-the-core',
      comment: 'A chat program must not load the replication core, not even through somebody else.',
      severity: 'error',
      from: { path: '^packages/client/src/', pathNot: test },
      to: { path: '^packages/(replica|election|replication-log|state-machine)/', reachable: true },
    },
    {
      name: 'traces-only-when-asked-for',
      comment:
        'OpenTelemetry is loaded by packages/tracing/src/sdk, and that only by an import() at the moment when somebody wants traces; all others take types.',
      severity: 'error',
      from: { path: '/src/', pathNot: [test, '^packages/tracing/src/sdk/'] },
      to: {
        path: ['node_modules/@opentelemetry/', '^packages/tracing/src/sdk/'],
        dependencyTypesNot: ['type-only', 'dynamic-import'],
      },
    },
    {
      name: 'traces-loaded-in-one-place',
      severity: 'error',
      from: { path: '/src/', pathNot: [test, '^packages/tracing/src/'] },
      to: { path: 'node_modules/@opentelemetry/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-test-code-in-sources',
      severity: 'error',
      from: { path: '/src/', pathNot: [test, '/testing/'] },
      to: { path: [test, '^packages/[^/]+/src/testing/', 'node_modules/(vitest|fast-check)/'] },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or three.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared-dependencies-only',
      comment: 'A package.json names what its sources import.',
      severity: 'error',
      from: { path: '^((packages|apps)/[^/]+|bench)/src/', pathNot: [test, '/testing/'] },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: '^((packages|apps|examples)/[^/]+|bench)/dist/' },
    combinedDependencies: false,
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@chatroom/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.d.ts'],
      mainFields: ['module', 'main', 'types'],
    },
  },
}
