// `pnpm simulate`: runs seeds, tells how it goes, and for each failure how to see it again.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import type { StateMachine } from '@chatroom/replica'
import { describeFault, faultKinds } from '../faults/fault.ts'
import { type Profile, profiles } from '../faults/profile.ts'
import { hashText } from '../kernel/random.ts'
import { chatWorkload } from '../workloads/chat-workload.ts'
import { registerWorkload } from '../workloads/register-workload.ts'
import type { Workload } from '../workloads/workload.ts'
import { type CampaignOptions, countFrom, runCampaign, type Summary } from './campaign.ts'
import { SeedWorkers, serveSeeds } from './seed-workers.ts'
import { shrink } from './shrink.ts'
import { type SimulationResult, simulate } from './simulate.ts'

const names = profiles.map(({ name }) => name).join(', ')
const usage = `Usage: pnpm simulate [options]

Runs a whole cluster with its clients on a virtual clock, network and disk, once for each seed, under faults.

  --mode NAME       profile: ${names} (default: all, one after the other)
  --workload NAME   chat or registers (default: chat)
  --seeds N         how many seeds of each profile (default: 100)
  --from N          the first seed (default: 1)
  --from-text TEXT  a first seed made from a text: other seeds for every commit, and the same ones for the same
  --seconds N       of each profile: begins no seed after so long (default: no limit)
  --jobs N          how many seeds at a time, each on a processor of its own (default: as many as there are)
  --soak            go on until stopped, a few seeds of each profile in turn
  --hashes          print nothing but the hash of each seed's trace, to compare two machines
  --trace           print everything that happens; with --seeds 1
  --keep N,N,…      only these faults of the seed's schedule
  --shrink          cut each failing run down to the faults it needs
  --help            print this

Exit codes: 0 nothing found, 1 an invariant was broken, 2 wrong usage.
`

/** How often the line of progress is renewed, milliseconds. */
const PROGRESS_MS = 2_000
const SHRINK_RUNS = 200
/** Seeds that are under way or waiting for each thread: a long one keeps no thread idle. */
const SEEDS_A_THREAD = 8
/** Seeds of each profile in one round of a soak. */
const SOAK_SEEDS = 50

interface Settings {
  readonly profiles: readonly Profile[]
  readonly workload: string
  readonly count: number
  readonly from: number
  readonly seconds: number
  readonly jobs: number
  readonly soak: boolean
  readonly trace: boolean
  readonly hashes: boolean
  readonly shrink: boolean
  readonly keep: ReadonlySet<number> | null
}

function settingsOf(args: readonly string[]): Settings | null {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const options = {
    mode: text,
    workload: text,
    seeds: text,
    from: text,
    'from-text': text,
    seconds: text,
    keep: text,
    jobs: text,
    soak: flag,
  } as const
  const { values } = parseArgs({
    args: [...args],
    options: { ...options, trace: flag, hashes: flag, shrink: flag, help: flag },
    allowPositionals: false,
  })
  if (values.help) return null
  const { mode, workload = 'chat', keep, seconds, jobs, 'from-text': fromText } = values
  const chosen = profiles.filter(({ name }) => mode === undefined || name === mode)
  if (chosen.length === 0) throw new TypeError(`--mode ${mode}: give one of ${names}`)
  if (!['chat', 'registers'].includes(workload))
    throw new TypeError(`--workload ${workload}: give chat or registers`)
  return {
    profiles: chosen,
    workload,
    count: wholeNumber('seeds', values.seeds ?? (values.soak ? String(SOAK_SEEDS) : '100')),
    from: fromText === undefined ? wholeNumber('from', values.from ?? '1') : seedFrom(fromText),
    seconds: seconds === undefined ? Number.POSITIVE_INFINITY : wholeNumber('seconds', seconds),
    jobs: jobs === undefined ? availableParallelism() : Math.max(1, wholeNumber('jobs', jobs)),
    soak: values.soak,
    trace: values.trace,
    hashes: values.hashes,
    shrink: values.shrink,
    keep: keep === undefined ? null : new Set(keep.split(',').map((item) => wholeNumber('keep', item))),
  }
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (text === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new TypeError(`--${option} ${text}: give a whole number of 0 or more`)
  }
  return value
}

/** Beyond the seeds that people choose by hand. */
function seedFrom(text: string): number {
  return 1_000_000 + (hashText(text) >>> 0)
}

/** Round after round over all profiles, each with new seeds; ends when it is stopped. */
async function soak(settings: Settings, workers: SeedWorkers | null): Promise<never> {
  let failures = 0
  for (let { from } = settings; ; from += settings.count) {
    failures += await runAll({ ...settings, from }, workers)
    print(
      `soak: seeds ${from} to ${from + settings.count - 1} of each profile are done, ${failures} failures so far`,
    )
    if (failures > 0) process.exitCode = 1
  }
}

async function runAll(settings: Settings, workers: SeedWorkers | null): Promise<number> {
  let failures = 0
  for (const profile of settings.profiles) {
    failures +=
      settings.workload === chatWorkload.name
        ? await runProfile(settings, workers, profile, chatWorkload)
        : await runProfile(settings, workers, profile, registerWorkload)
  }
  return failures
}

async function runProfile<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  settings: Settings,
  workers: SeedWorkers | null,
  profile: Profile,
  workload: Workload<Command, Reply, Machine>,
): Promise<number> {
  const campaign = {
    profile,
    workload,
    seeds: countFrom(settings.from, settings.count),
    ...(workers !== null && {
      elsewhere: {
        run: (seed: number) => workers.run({ profile: profile.name, workload: workload.name, seed }),
        atOnce: workers.threads * SEEDS_A_THREAD,
      },
    }),
  }
  if (settings.hashes) return printHashes(campaign)
  print(`${profile.name}: ${profile.words}`)
  const began = performance.now()
  let told = began
  const tell = (summary: Summary): void =>
    print(progress(summary, performance.now() - began, workers?.threads ?? 1))
  if (settings.trace || settings.keep !== null) return runOne(settings, profile, workload)
  const summary = await runCampaign({
    ...campaign,
    after: async (result, soFar) => {
      if (result.violation !== null) {
        tellFailure(settings, profile, result)
        if (settings.shrink) await tellShrunk(settings, profile, workload, result.seed)
      }
      if (performance.now() - began > settings.seconds * 1_000) return false
      if (performance.now() - told < PROGRESS_MS) return true
      told = performance.now()
      tell(soFar)
      return true
    },
  })
  workers?.forget()
  tell(summary)
  tellCoverage(summary)
  return summary.failures.length
}

async function printHashes<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  campaign: CampaignOptions<Command, Reply, Machine>,
): Promise<number> {
  const { failures } = await runCampaign({
    ...campaign,
    after: ({ seed, traceHash, traceLength }) => {
      print(
        `${campaign.profile.name} ${campaign.workload.name} ${seed}: ${traceHash} of ${traceLength} events`,
      )
      return true
    },
  })
  return failures.length
}

async function runOne<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  settings: Settings,
  profile: Profile,
  workload: Workload<Command, Reply, Machine>,
): Promise<number> {
  const result = await simulate({
    seed: settings.from,
    profile,
    workload,
    ...(settings.keep !== null && { keep: settings.keep }),
    ...(settings.trace && { print }),
  })
  print(`trace ${result.traceHash}, ${result.traceLength} events, ${result.virtualMs} virtual ms`)
  if (result.violation !== null) tellFailure(settings, profile, result)
  return result.violation === null ? 0 : 1
}

function tellFailure(settings: Settings, profile: Profile, { seed, violation }: SimulationResult): void {
  print(`seed ${seed}, after ${violation?.at} virtual ms: ${violation?.invariant}: ${violation?.words}`)
  print(
    `  again: pnpm simulate --mode ${profile.name} --workload ${settings.workload} --from ${seed} --seeds 1 --trace`,
  )
}

async function tellShrunk<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  settings: Settings,
  profile: Profile,
  workload: Workload<Command, Reply, Machine>,
  seed: number,
): Promise<void> {
  const shrunk = await shrink({ seed, profile, workload }, { runs: SHRINK_RUNS })
  if (shrunk === null) return
  print(
    `  needs ${shrunk.keep.length} faults, ${shrunk.clients} clients, ${shrunk.faultyMs} virtual ms (${shrunk.runs} runs):`,
  )
  for (const fault of shrunk.result.faults) {
    if (shrunk.keep.includes(fault.number)) print(`    ${describeFault(fault)}`)
  }
  const keep = shrunk.keep.join(',')
  print(
    `  again: pnpm simulate --mode ${profile.name} --workload ${settings.workload} --from ${seed} --keep ${keep} --trace`,
  )
}

function progress(
  { seeds, virtualMs, acknowledged, failures }: Summary,
  ms: number,
  threads: number,
): string {
  const rate = (seeds / ms) * 1_000
  return `  ${seeds} seeds, ${rate.toFixed(1)} a second, ${(virtualMs / ms).toFixed(0)} cluster-minutes a minute${threads > 1 ? ` on ${threads} threads` : ''}, ${acknowledged} commands acknowledged, ${failures.length} failures`
}

function tellCoverage({ counts }: Summary): void {
  const missing = faultKinds.filter((kind) => !counts.has(`fault: ${kind}`))
  const reached = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
  print(`  reached: ${reached.map(([kind, count]) => `${kind} ${count}`).join(', ')}`)
  if (missing.length > 0) print(`  faults not in this profile, or not drawn: ${missing.join(', ')}`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main(args: readonly string[]): Promise<void> {
  const settings = settingsOf(args)
  if (settings === null) return void process.stdout.write(usage)
  const { jobs, trace, keep, count } = settings
  const alone = jobs === 1 || trace || keep !== null || count === 1
  const workers = alone ? null : new SeedWorkers(new URL(import.meta.url), jobs)
  if (settings.soak) await soak(settings, workers)
  else if ((await runAll(settings, workers)) > 0) process.exitCode = 1
  await workers?.close()
}

// Replicas refuse a great deal, and nobody looks at where: the stack of each refusal would cost more than what is refused.
if (!process.argv.includes('--trace')) Error.stackTraceLimit = 0
if (isMainThread) {
  try {
    await main(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  }
} else serveSeeds()
