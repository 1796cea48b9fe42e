import type { Row } from '../report/row.ts'

/** What the command line says. */
export interface Settings {
  readonly rounds: number
  /** How long a window of load lasts, milliseconds. */
  readonly windowMs: number
  readonly systems: readonly string[]
  readonly inFlight: readonly number[]
  readonly kills: number
  readonly accounts: number
  readonly messages: number
  readonly readers: number
  /** Of a checkout whose servers are compared with these; null: none. */
  readonly against: string | null
  /** Where plots go; null for nowhere. */
  readonly svg: string | null
  readonly progress: (words: string) => void
}

export interface Scenario {
  readonly name: string
  readonly about: string
  run(settings: Settings): Promise<Row[]>
}
