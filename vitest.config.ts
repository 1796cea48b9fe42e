import { defineConfig } from 'vitest/config'

// One process runs the unit tests of every package, on the sources: nothing is built first.
const conditions = ['@chatroom/source', 'node', 'import', 'module', 'default']

export default defineConfig({
  test: {
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/gen/**'],
      reportsDirectory: 'coverage',
      reporter: ['text-summary', 'json-summary', 'html'],
    },
    projects: [
      {
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: {
          name: 'unit',
          include: ['{packages,apps,examples}/*/{src,test}/**/*.test.ts'],
          setupFiles: [],
        },
      },
      {
        // Starts the built programs as processes of their own and kills them: slow, and one file at a time, so that
        // files do not steal each other's processor in the middle of a time limit.
        test: {
          name: 'e2e',
          include: ['{apps,examples}/*/e2e/**/*.test.ts', 'e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          globalSetup: ['./scripts/built.ts'],
        },
      },
    ],
  },
})
