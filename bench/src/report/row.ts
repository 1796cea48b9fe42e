import { median } from '../arithmetic.ts'

/** One figure. */
export interface Row {
  readonly scenario: string
  readonly what: string
  /** The median, if there were several runs. */
  readonly value: number
  readonly unit: string
  readonly runs: number
  readonly min: number
  readonly max: number
  /** What it should be; absent where there is no target. */
  readonly target?: Target
  /** What else was measured, by name. */
  readonly note?: Readonly<Record<string, number>>
}

export interface Target {
  readonly is: 'at least' | 'at most'
  readonly bound: number
}

export function row(
  scenario: string,
  what: string,
  unit: string,
  values: readonly number[],
  target?: Target,
): Row {
  return {
    scenario,
    what,
    value: median(values),
    unit,
    runs: values.length,
    min: Math.min(...values),
    max: Math.max(...values),
    ...(target === undefined ? {} : { target }),
  }
}

export function atLeast(bound: number): Target {
  return { is: 'at least', bound }
}

export function atMost(bound: number): Target {
  return { is: 'at most', bound }
}

export function isMet(value: number, { is, bound }: Target): boolean {
  return is === 'at least' ? value >= bound : value <= bound
}
