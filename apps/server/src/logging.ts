import { options } from '@chatroom/configuration'
import { ReplicaError } from '@chatroom/replica'
import { type Logger, pino, type SerializedError } from 'pino'
import { writtenStack } from './stack-traces.ts'

export type { Logger } from 'pino'

/** Bytes of log lines that wait while they cannot be written; what is more is lost. */
const unwrittenBytes = 1024 * 1024

/**
 * The log of one replica, on standard output: one line each, with a stable `event` name and fields of its own. Written at once, so that nothing is lost when the
 * process ends.
 */
export async function createLogger(settings: {
  readonly replica: number
  readonly level: options.LogLevel
  readonly format: options.LogFormat
}): Promise<Logger> {
  const { replica, level, format } = settings
  const common = { level, base: { replica, pid: process.pid }, serializers: { err: errorWithWrittenStack } }
  const isTerminal = process.stdout.isTTY === true
  // What cannot be written waits, within this bound, for the next line that can.
  const destination = pino.destination({ dest: 1, sync: true, maxLength: unwrittenBytes })
  // Nobody can be told by the log. A chat that goes on is worth more than its log.
  destination.once('error', (error: NodeJS.ErrnoException) => {
    process.stderr.write(
      `The log cannot be written (${error.code ?? error.message}); the replica goes on without it.\n`,
    )
  })
  destination.on('error', () => undefined)
  if (format === 'pretty' || (format === 'auto' && isTerminal)) {
    const { default: pretty } = await import('pino-pretty')
    const stream = pretty({
      destination,
      colorize: isTerminal,
      ignore: 'pid,event',
      translateTime: 'SYS:HH:MM:ss.l',
    })
    return pino(common, stream)
  }
  return pino({ ...common, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

function errorWithWrittenStack(error: Error): SerializedError {
  const told = pino.stdSerializers.err(error)
  // What is logged as an error need not be one.
  if (typeof told.stack === 'string') told.stack = writtenStack(told.stack)
  return told
}

/**
 * Sets the level, if one is given, and gives the one that is set. The change itself is logged whatever the level.
 * @throws ReplicaError 'invalid configuration' for what is no level
 */
export function changeLevel(log: Logger, level?: string): string {
  if (level === undefined) return log.level
  const checked = options.logLevel.schema.safeParse(level)
  if (!checked.success)
    throw new ReplicaError('invalid configuration', checked.error.issues[0]?.message ?? 'no such level')
  const before = log.level
  log.level = 'info'
  log.info(
    { event: 'log.level', from: before, to: checked.data },
    `the log level is ${checked.data} now, it was ${before}`,
  )
  log.level = checked.data
  return log.level
}
