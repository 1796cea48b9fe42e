import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { serverOf } from './processes.ts'
import { scenarios } from './scenarios/index.ts'
import type { Settings } from './scenarios/scenario.ts'
import { systems } from './systems/index.ts'

const names = systems.map(({ name }) => name)

export const usage = `Usage: pnpm bench [scenario…] [options]

Measures the chat on built code against the limits of what it is made of, on this machine. Nothing else has to be installed, and nothing else should run.

Scenarios (default: all, one after the other):
${scenarios.map(({ name, about }) => `  ${name.padEnd(18)}${about}`).join('\n')}

Options:
  --rounds N        rounds, in which the systems take turns; medians are shown (default: 3)
  --seconds N       how long a window of load lasts (default: 3)
  --systems A,B     throughput: of these (default: ${names.join(',')})
  --in-flight N,N   throughput, syncs, builds: so many messages in flight; traces: the last (default: 1,16,64,256)
  --kills N         failover, suspension: how often (default: 10)
  --accounts N      growth, memory, startup: accounts (default: 100000)
  --messages N      growth, memory, startup: waiting messages of 100 bytes (default: 100000)
  --readers N       memory: connected readers (default: 1000)
  --against DIR     builds: another checkout of this project, built
  --out FILE        write all figures as JSON
  --svg DIR         write plots of the throughput and of one failover
  --help            print this

Exit codes: 0 measured, whether or not targets are met; 1 something failed; 2 wrong usage.
`

export interface Invocation {
  readonly scenarios: readonly string[]
  readonly out: string | null
  readonly settings: Omit<Settings, 'progress'>
}

/** Null: `--help`. @throws TypeError if the command line is wrong */
export function readCommandLine(args: readonly string[]): Invocation | null {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { ...text, default: '3' },
      seconds: { ...text, default: '3' },
      systems: { ...text, default: names.join() },
      'in-flight': { ...text, default: '1,16,64,256' },
      kills: { ...text, default: '10' },
      accounts: { ...text, default: '100000' },
      messages: { ...text, default: '100000' },
      readers: { ...text, default: '1000' },
      against: text,
      out: text,
      svg: text,
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const known = scenarios.map(({ name }) => name)
  return {
    scenarios: positionals.length === 0 ? known : positionals.map((name) => oneOf('scenario', name, known)),
    out: values.out ?? null,
    settings: {
      rounds: whole('rounds', values.rounds),
      windowMs: positive('seconds', values.seconds) * 1_000,
      systems: values.systems.split(',').map((name) => oneOf('system', name, names)),
      inFlight: values['in-flight'].split(',').map((number) => whole('in-flight', number)),
      kills: whole('kills', values.kills),
      accounts: whole('accounts', values.accounts),
      messages: whole('messages', values.messages),
      readers: whole('readers', values.readers),
      against: values.against === undefined ? null : built(values.against),
      svg: values.svg ?? null,
    },
  }
}

function built(checkout: string): string {
  const server = serverOf(checkout)
  if (!existsSync(server))
    throw new TypeError(
      `--against needs a checkout that is built: there is no ${server}. Run "pnpm build" there.`,
    )
  return checkout
}

function oneOf(what: string, name: string, known: readonly string[]): string {
  if (!known.includes(name))
    throw new TypeError(`There is no ${what} "${name}". There are: ${known.join(', ')}.`)
  return name
}

function positive(option: string, given: string): number {
  const number = Number(given)
  if (!(number > 0 && number < Number.POSITIVE_INFINITY))
    throw new TypeError(`--${option} needs a number above 0, not "${given}".`)
  return number
}

function whole(option: string, given: string): number {
  const number = positive(option, given)
  if (!Number.isSafeInteger(number)) throw new TypeError(`--${option} needs whole numbers, not "${given}".`)
  return number
}
