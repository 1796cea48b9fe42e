import type { Outcome } from './result.ts'

/** The exit codes that `--help` documents. */
export const exitCodes: Readonly<Record<Outcome, number>> = {
  done: 0,
  refused: 1,
  'wrong usage': 2,
  unreachable: 3,
}

/** The exit code of a script: the highest of any of its commands. */
export function worse(code: number, outcome: Outcome): number {
  return Math.max(code, exitCodes[outcome])
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGPIPE: 13, SIGTERM: 15 } as const

/** The signals that log out and end the program; SIGPIPE when nobody reads its output any more. */
export type EndingSignal = keyof typeof signalNumbers

/** Those that come from outside. */
export const endingSignals: readonly EndingSignal[] = ['SIGHUP', 'SIGINT', 'SIGTERM']

/** What shells expect of a program that a signal ended. */
export function exitCodeOf(signal: EndingSignal): number {
  return 128 + signalNumbers[signal]
}
