#!/usr/bin/env node
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { type Invocation, readCommandLine, usage } from './command-line.ts'
import type { Row } from './report/row.ts'
import { table } from './report/table.ts'
import { scenarios } from './scenarios/index.ts'

async function run({ scenarios: wanted, out, settings }: Invocation): Promise<void> {
  const rows: Row[] = []
  for (const scenario of scenarios.filter(({ name }) => wanted.includes(name))) {
    const progress = (words: string): void => void process.stderr.write(`${scenario.name}: ${words}\n`)
    rows.push(...(await scenario.run({ ...settings, progress })))
  }
  process.stdout.write(`${table(rows)}\n`)
  if (out === null) return
  const conditions = {
    at: new Date().toISOString(),
    node: process.version,
    processors: availableParallelism(),
    model: cpus()[0]?.model ?? '',
    settings,
  }
  writeFileSync(out, `${JSON.stringify({ conditions, rows }, null, 2)}\n`)
}

async function main(): Promise<number> {
  let invocation: Invocation | null
  try {
    invocation = readCommandLine(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    process.stderr.write(`${error.message}\nTry: pnpm bench --help\n`)
    return 2
  }
  if (invocation === null) process.stdout.write(usage)
  else await run(invocation)
  return 0
}

// An interrupt ends the servers too, and removes their files: both happen when this process exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exit(await main())
