import { chainHolds, packageManagerChain } from './ancestry.ts'

/** How often the processes above the launcher are looked at, ms. */
const ancestryPeriod = 500
/** A second Ctrl-C that follows sooner is the first one, told twice: by the terminal and by a program in between. */
const sameRequestMs = 300

/**
 * Calls `stop` once, for the first of SIGINT, SIGTERM, SIGHUP and the end of the package manager that runs this process; and `kill` for a SIGINT after that.
 * Returns what ends the watch; after a SIGHUP it then ends the process, as one expects of a terminal that is gone, and because Node itself aborts when it
 * cannot give a terminal back.
 */
export function watchStopRequests(
  stop: () => void,
  kill: () => void,
  now: () => number = Date.now,
): () => void {
  let since: number | null = null
  let hungUp = false
  const request = (): void => {
    if (since !== null) return
    since = now()
    stop()
  }
  const interrupt = (): void => {
    if (since !== null && now() - since > sameRequestMs) kill()
    request()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', request)
  const hangUp = (): void => {
    hungUp = true
    request()
  }
  process.on('SIGHUP', hangUp)
  const parent = process.ppid
  const chain = packageManagerChain(parent)
  let looking = false
  const look = async (): Promise<void> => {
    if (looking) return
    looking = true
    if (!(await chainHolds(await chain))) request()
    looking = false
  }
  const timer = setInterval(() => void look(), ancestryPeriod)
  return () => {
    clearInterval(timer)
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', request)
    process.off('SIGHUP', hangUp)
    if (hungUp) process.kill(process.pid, 'SIGHUP')
  }
}
