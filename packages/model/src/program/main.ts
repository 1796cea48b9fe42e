// `pnpm model`: searches the rules of one mode within bounds, with or without a mistake put into them.
import { parseArgs } from 'node:util'
import { describeAction } from '../describe-action.ts'
import { canServe } from '../fail-stop/liveness.ts'
import * as failStop from '../fail-stop/setting.ts'
import { describeState as describeFailStop } from '../fail-stop/state.ts'
import { likelihood as failStopLikelihood, failStopSystem } from '../fail-stop/system.ts'
import * as majority from '../majority/setting.ts'
import { describeState as describeMajority } from '../majority/state.ts'
import { likelihood as majorityLikelihood, majoritySystem } from '../majority/system.ts'
import { type Outcome, type Step, type System, search } from '../search.ts'
import { shortened, walk } from '../walk.ts'

const usage = `Usage: pnpm model [options]

Visits every state that a small cluster can reach by the rules of one mode, and tells the shortest way to one in which something is broken.

  --mode NAME        fail-stop (default) or majority
  --replicas N       (default: 3)
  --crashes N        (default: 2, of walks 5)
  --writes N         commands of clients (default: 1, of walks 3)
  --terms N          the greatest term (default: 3, of walks 8)
  --length N         entries of the longest log (default: 4, of walks 12)
  --limit N          ends the search after so many states (default: 5000000; about 2 kB each while they are open)
  --walk N           walks N times at random instead: deeper, but proves nothing
  --steps N          of each walk (default: 80)
  --seed N           of the walks (default: 1)
  --mistake NAME     puts a mistake into the rules
  --states           prints each state of what was found

  fail-stop:
  --new              begins with processes that have never met, not with a formed cluster
  --transfers N      leadership transfers (default: 0)
  --replacements N   disks replaced by empty ones (default: 0)
  --late             what a leader sent may arrive after its end
  --stale            a recovery may begin from old news of the others
  --liveness         also looks, in states that have no leader, for a way back to a whole cluster

  majority:
  --changes N        changes of the members (default: 0)

Mistakes of fail-stop: ${Object.keys(failStop.mistakes).join(', ')}.
Of fail-stop, and harmless to what is kept: ${Object.keys(failStop.precautions).join(', ')}.
Mistakes of majority: ${Object.keys(majority.mistakes).join(', ')}.

Exit codes: 0 nothing found, 1 something is broken, 2 wrong usage.
`

/** How often the line of progress is renewed, in milliseconds. */
const PROGRESS_MS = 1_000

const numbers = [
  'replicas',
  'crashes',
  'writes',
  'terms',
  'length',
  'limit',
  'walk',
  'steps',
  'seed',
  'transfers',
  'replacements',
  'changes',
] as const
const flags = ['states', 'new', 'late', 'stale', 'liveness', 'help'] as const

type Numbers = Record<(typeof numbers)[number], number>
type Flags = Record<(typeof flags)[number], boolean>

interface Wish extends Numbers, Flags {
  readonly mode: 'fail-stop' | 'majority'
  readonly mistake: string | null
}

function wishOf(args: readonly string[]): Wish {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(numbers.map((name) => [name, { type: 'string' as const }])),
      ...Object.fromEntries(flags.map((name) => [name, { type: 'boolean' as const }])),
      mode: { type: 'string', default: 'fail-stop' },
      mistake: { type: 'string' },
    },
    allowPositionals: false,
  })
  const given: Record<string, unknown> = values
  const number = (name: (typeof numbers)[number], otherwise: number): number => {
    const text = given[name]
    if (text === undefined) return otherwise
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`--${name}: give a whole number`)
    return value
  }
  const flag = (name: (typeof flags)[number]): boolean => given[name] === true
  const { mode, mistake } = values
  const walks = number('walk', 0) > 0
  if (mode !== 'fail-stop' && mode !== 'majority')
    throw new TypeError(`--mode ${mode}: give fail-stop or majority`)
  return {
    mode,
    mistake: mistake ?? null,
    replicas: number('replicas', 3),
    crashes: number('crashes', walks ? 5 : 2),
    writes: number('writes', walks ? 3 : 1),
    terms: number('terms', walks ? 8 : 3),
    length: number('length', walks ? 12 : 4),
    limit: number('limit', 5_000_000),
    walk: number('walk', 0),
    steps: number('steps', 80),
    seed: number('seed', 1),
    transfers: number('transfers', 0),
    replacements: number('replacements', 0),
    changes: number('changes', 0),
    states: flag('states'),
    new: flag('new'),
    late: flag('late'),
    stale: flag('stale'),
    liveness: flag('liveness'),
    help: flag('help'),
  }
}

/** A mistake of the table, or an error that says which there are. */
function mistakeOf<Name extends string>(
  name: string | null,
  table: Readonly<Record<Name, string>>,
): Name | null {
  if (name === null || isOneOf(name, table)) return name
  throw new TypeError(`--mistake ${name}: give one of ${Object.keys(table).join(', ')}`)
}

function isOneOf<Name extends string>(name: string, table: Readonly<Record<Name, string>>): name is Name {
  return Object.hasOwn(table, name)
}

function runFailStop(wish: Wish): number {
  const { replicas: size, crashes, writes, terms, length, transfers, replacements } = wish
  const mistake = mistakeOf(wish.mistake, { ...failStop.mistakes, ...failStop.precautions })
  const bounds = { size, formed: !wish.new, crashes, writes, terms, length, transfers, replacements }
  const system = failStopSystem({
    ...bounds,
    lateAppends: wish.late,
    staleNews: wish.stale,
    newsFromTheLiving: false,
    mistake,
  })
  const stuck = (state: Parameters<typeof describeFailStop>[0]): string | null => {
    if (!wish.liveness || state.replicas.some((replica) => replica.role === 'leader')) return null
    return canServe(system.healed, state) === 'no' ? 'nobody can ever serve again' : null
  }
  return run(wish, system, describeFailStop, failStopLikelihood, stuck)
}

function runMajority(wish: Wish): number {
  const { replicas: size, crashes, writes, terms, length, changes } = wish
  const mistake = mistakeOf(wish.mistake, majority.mistakes)
  const system = majoritySystem({ size, crashes, writes, terms, length, changes, mistake })
  return run(wish, system, describeMajority, majorityLikelihood, () => null)
}

function run<State, Action extends { readonly type: string; readonly id: number }>(
  wish: Wish,
  system: System<State, Action>,
  describe: (state: State) => string,
  weight: (action: Action) => number,
  inspect: (state: State) => string | null,
): number {
  const tell = (what: string, trace: readonly Step<State, Action>[]): void => {
    console.log(`Broken: ${what}. After ${trace.length} steps:`)
    for (const [at, { action, state }] of trace.entries()) {
      console.log(`${at + 1}. ${describeAction(action)}`)
      if (wish.states || at === trace.length - 1) console.log(describe(state))
    }
  }
  if (wish.walk > 0) {
    const outcome = walk(system, {
      seed: wish.seed,
      walks: wish.walk,
      steps: wish.steps,
      weight,
      inspect,
    })
    console.log(`${outcome.walks} walks, ${outcome.steps} steps`)
    if (outcome.type === 'nothing') return 0
    const isBad = (state: State): boolean => (system.broken(state) ?? inspect(state)) !== null
    tell(outcome.what, shortened(system, outcome.trace, isBad))
    return 1
  }
  const outcome = search(system, { limit: wish.limit, inspect, progress: progressLine() })
  if (outcome.type === 'broken') tell(outcome.what, outcome.trace)
  console.log(summary(outcome))
  return outcome.type === 'broken' ? 1 : 0
}

function summary<State, Action>(outcome: Outcome<State, Action>): string {
  const states = `${outcome.states.toLocaleString('en')} states`
  switch (outcome.type) {
    case 'exhausted':
      return `Every state was visited: ${states}, none broken, ${outcome.depth} steps deep.`
    case 'limit':
      return `Stopped at the limit: ${states}, none broken, up to ${outcome.depth} steps deep.`
    case 'broken':
      return `Found after ${states}.`
  }
}

function progressLine(): (found: number, depth: number, open: number) => void {
  let toldAt = Date.now()
  return (found, depth, open) => {
    if (Date.now() - toldAt < PROGRESS_MS) return
    toldAt = Date.now()
    console.error(
      `${depth} steps deep: ${found.toLocaleString('en')} states, ${open.toLocaleString('en')} of them new`,
    )
  }
}

function main(args: readonly string[]): number {
  try {
    const wish = wishOf(args)
    if (wish.help) {
      console.log(usage)
      return 0
    }
    return wish.mode === 'fail-stop' ? runFailStop(wish) : runMajority(wish)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(`${error.message}\n\n${usage}`)
    return 2
  }
}

process.exitCode = main(process.argv.slice(2))
