import { defineConfig } from 'vitest/config'
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

/** Where CI wants vitest's own count, as JSON; it prints the last line of its report from that. */
const report = process.env['CHATROOM_TEST_REPORT']

export default defineConfig({
  test: {
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
          ...patience,
          include: [
            '{packages,apps,examples}/*/{src,test}/**/*.test.ts',
            'bench/test/**/*.test.ts',
            'scripts/**/*.test.ts',
          ],
        },
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
