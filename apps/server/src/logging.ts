import { options } from '@chatroom/configuration'
import { ReplicaError } from '@chatroom/replica'
import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

/**
 * The log of one replica, on standard output: one line each, with a stable `event` name and fields of its own. Written at once, so that nothing is lost when the
 * process ends.
 */
export function createLogger(settings: {
  readonly replica: number
  readonly level: options.LogLevel
  readonly format: options.LogFormat
}): Logger {
  const { replica, level, format } = settings
  const base = { replica, pid: process.pid }
  const isTerminal = process.stdout.isTTY === true
  if (format === 'pretty' || (format === 'auto' && isTerminal)) {
    const stream = pretty({
      sync: true,
      colorize: isTerminal,
      ignore: 'pid,event',
      translateTime: 'SYS:HH:MM:ss.l',
    })
    return pino({ level, base }, stream)
  }
  return pino(
    { level, base, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 1, sync: true }),
  )
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
