import { ChatError, type ChatErrorCode, type GrpcCode } from '@chatroom/client'

/** How a command ended. */
export type Outcome =
  | 'done'
  /** The servers, or this program, said no. */
  | 'refused'
  /** The command was not a command, or not used as it is meant. */
  | 'wrong usage'
  /** No server that could answer was reached in time. */
  | 'unreachable'

/** What a program that reads `--json` may find beside the fixed fields. */
type Field = string | number | boolean | null | readonly string[] | readonly Row[]
type Row = Readonly<Record<string, string | number | null>>

/** What is told of one command. */
export interface Result {
  readonly command: string
  readonly outcome: Outcome
  /** Name of a gRPC code. */
  readonly code: 'OK' | GrpcCode
  /** A sentence for people. */
  readonly message: string
  readonly fields: Readonly<Record<string, Field>>
  /** More for people, a line each: names, help. */
  readonly lines: readonly string[]
}

const unreachable: ReadonlySet<ChatErrorCode> = new Set(['no server', 'no leader', 'outcome unknown'])

export function done(
  command: string,
  message: string,
  fields: Result['fields'] = {},
  lines: readonly string[] = [],
): Result {
  return { command, outcome: 'done', code: 'OK', message, fields, lines }
}

/** The command was not used as it is meant. */
export function wrongUsage(command: string, message: string): Result {
  const fields = { reason: 'wrong usage' }
  return { command, outcome: 'wrong usage', code: 'INVALID_ARGUMENT', message, fields, lines: [] }
}

/** What an error means for the command. @throws whatever is no ChatError: a mistake in this program */
export function failed(command: string, error: unknown): Result {
  if (!(error instanceof ChatError)) throw error
  const { code, grpcCode, message } = error
  const outcome = unreachable.has(code) ? 'unreachable' : 'refused'
  return { command, outcome, code: grpcCode, message, fields: { reason: code }, lines: [] }
}
