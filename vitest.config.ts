import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import './scripts/generate.mjs'

// Unit tests run on the sources: nothing is built first, and a stack trace shows the line that was written.
// (No `module`: workers pass these on to Node, and under that some packages have files that only bundlers can load.)
const sources = ['@chatroom/source', 'node', 'development|production']

/**
 * How long a test, a hook or a poll may take: none of them measures anything, so it ends only what hangs. A machine whose disk is cold, or that is busy with
 * other work, needs many times what a quiet one does.
 */
const patienceMs = 120_000
const patience = {
  testTimeout: patienceMs,
  hookTimeout: patienceMs,
  expect: { poll: { timeout: patienceMs / 2 } },
}

/** Searches of the model and of simulated clusters: they know no time, no disk and no network but their own, and compute for minutes. */
const searchTests = ['packages/{model,simulator}/test/**/*.test.ts']

/** Files whose tests take that long. */
const long = /\/(simulator|model|launcher)\//

/** These first, so that at the end no processor waits for one of them: by itself vitest begins with the largest file when it knows nothing of earlier runs. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean => long.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

const unitTests = [
  '{packages,apps,examples}/*/{src,test}/**/*.test.ts',
  'bench/test/**/*.test.ts',
  'scripts/**/*.test.ts',
]
const pureTests = ['packages/{election,replica,replication-log,state-machine}/{src,test}/**/*.test.ts']
const roomTests = ['packages/chat-service/{src,test}/**/*.test.ts']

/** All processors: by itself vitest keeps one for its own process, which is half of what a machine with two has. */
const unit = { ...patience, maxWorkers: '100%' }

/** Where CI wants vitest's own count, as JSON; it prints the last line of its report from that. */
const report = process.env['CHATROOM_TEST_REPORT']

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/gen/**'],
      reportsDirectory: 'coverage',
      reporter: ['text-summary', 'json-summary', 'html'],
    },
    projects: [
      {
        ssr: { resolve: { conditions: sources, externalConditions: sources } },
        test: {
          name: 'unit',
          ...unit,
          include: unitTests,
          exclude: [...pureTests, ...roomTests, ...searchTests],
        },
      },
      {
        ssr: { resolve: { conditions: sources, externalConditions: sources } },
        test: { name: 'unit-searches', ...unit, include: searchTests },
      },
      // Nothing in these rooms is left changed by a test: files share a process, which has loaded their modules then.
      {
        ssr: { resolve: { conditions: sources, externalConditions: sources } },
        test: { name: 'unit-pure', ...unit, include: pureTests, isolate: false },
      },
      {
        ssr: { resolve: { conditions: sources, externalConditions: sources } },
        test: { name: 'unit-rooms', ...unit, include: roomTests, isolate: false },
      },
      {
        // Starts the built programs as processes of their own and kills them: one file at a time, so that files do not
        // take each other's processor in the middle of a time limit, and only after the unit tests.
        test: {
          name: 'e2e',
          ...patience,
          include: ['{apps,examples}/*/e2e/**/*.test.ts', 'bench/e2e/**/*.test.ts', 'e2e/**/*.test.ts'],
          globalSetup: ['./scripts/build-programs.mjs'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
