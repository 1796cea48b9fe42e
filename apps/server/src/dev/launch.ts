import type { Cluster } from '@chatroom/configuration'
import { nextPause } from './backoff.ts'
import type { ChildCommand } from './child-command.ts'
import { complaintOf, limitComplaints } from './complaints.ts'
import { createNarrator } from './narrator.ts'
import { CannotStart, preflight, tryToListen } from './preflight.ts'
import { openReplicaLog, type ReplicaLog } from './replica-log.ts'
import { type Ending, type ReplicaProcess, startReplica } from './replica-process.ts'
import type { Screen } from './screen.ts'
import { type Answer, type AskStatus, pollStatus, type StatusPolls } from './status-polls.ts'
import { watchStopRequests } from './stop-requests.ts'
import { type Hints, summaryLines } from './words.ts'

export interface LaunchOptions {
  readonly cluster: Cluster
  /** How to start a replica; `--id N` follows. */
  readonly command: ChildCommand
  readonly ask: AskStatus
  readonly restart: boolean
  readonly screen: Screen
  readonly hints: Hints
  /** The data directory as the user gave it. */
  readonly shownDirectory: string
  /** How to call pnpm where it is not installed; null where it is. */
  readonly pnpmInstead: string | null
}

/** Milliseconds. */
const limits = {
  /** For replicas of a launcher that was killed to end. */
  leftBehind: 3_000,
  /** For a replica to stop when asked, before it is killed. */
  grace: 10_000,
  /** Between two looks at the logs. */
  logs: 250,
  /** After a leader is known, for the others to be counted, before the summary is printed. */
  gathering: 1_500,
  /** All answer and nobody leads: the summary says what they wait for. */
  leaderless: 3_000,
  /** Not all answer. */
  speechless: 30_000,
} as const

/** Complaints shown of one replica in ten seconds. */
const complaintsShown = 10

interface Place {
  readonly log: ReplicaLog
  process: ReplicaProcess | null
  /** The pause before its last restart; 0 before the first. */
  pause: number
  restart: NodeJS.Timeout | null
  lastComplaint: string | null
}

/** The replicas by id, as far as they were started, and who leads them. */
interface Cast {
  readonly places: Place[]
  leader: () => number | null
}

/** Starts all replicas of a cluster and stays until it is told to stop. Resolves with the exit code, when no replica that it started runs any more. */
export async function launch(options: LaunchOptions): Promise<number> {
  const { cluster, screen } = options
  const stopping = new AbortController()
  const cast: Cast = { places: [], leader: () => null }
  let exitCode = 0
  const unwatch = watchStopRequests(
    () => {
      screen.event('stopping.')
      stopping.abort()
    },
    () => {
      exitCode = 130
      for (const { process } of cast.places) process?.kill()
    },
  )
  let release: (() => void) | null = null
  try {
    screen.line(`Starting ${cluster.members.length} replicas…`)
    release = await preflight(cluster, {
      shownDirectory: options.shownDirectory,
      replicaAt: async (address) => (await options.ask(address, 1_000)).status?.pid ?? null,
      patience: limits.leftBehind,
      signal: stopping.signal,
    })
    if (!stopping.signal.aborted) await supervise(options, cast, stopping.signal)
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error
    screen.error(error.message)
    exitCode = 1
  } finally {
    await stopAll(cast)
    for (const { log } of cast.places) log.close()
    release?.()
    unwatch()
  }
  return exitCode
}

/** The leader last: alone, it finds nobody to hand leadership to, and need not wait for one who stops as well. */
async function stopAll({ places, leader }: Cast): Promise<void> {
  const last = leader()
  const stop = async (which: (id: number) => boolean): Promise<void> => {
    await Promise.all(
      places.flatMap(({ process }, id) => (which(id) ? (process?.stop(limits.grace) ?? []) : [])),
    )
  }
  await stop((id) => id !== last)
  await stop((id) => id === last)
}

/** Returns when the signal is aborted, or throws `CannotStart`; either way the caller ends the processes. */
async function supervise(options: LaunchOptions, cast: Cast, stopping: AbortSignal): Promise<void> {
  const { cluster, screen, hints } = options
  const { places } = cast
  const narrator = createNarrator(cluster.members.length)
  cast.leader = () => narrator.leader?.id ?? null
  const mayComplain = limitComplaints(complaintsShown, 10_000)
  const startedAt = Date.now()
  let summaryTold = false
  let over = false
  let leaderSince: number | null = null
  let completeSince: number | null = null
  let polls: StatusPolls | null = null
  let fail: (error: CannotStart) => void = () => undefined

  const readLog = (id: number, place: Place): void => {
    for (const line of place.log.readLines()) {
      const complaint = complaintOf(line)
      if (complaint === null) continue
      place.lastComplaint = complaint
      const show = summaryTold && !stopping.aborted ? mayComplain(id, Date.now()) : 'hide'
      if (show !== 'hide') screen.event(`replica ${id}: ${complaint}`)
      if (show === 'last') screen.event(`replica ${id}: more in ${place.log.path}`)
    }
  }

  const start = (id: number, place: Place): void => {
    const command = { ...options.command, arguments: [...options.command.arguments, '--id', String(id)] }
    const process = startReplica(command, place.log.fd)
    place.process = process
    place.lastComplaint = null
    narrator.started(id, process.pid)
    void process.ended.then((ending) => ended(id, place, process, ending))
  }

  const ended = (id: number, place: Place, process: ReplicaProcess, ending: Ending): void => {
    if (stopping.aborted || over) return
    place.process = null
    readLog(id, place)
    if (!summaryTold && ending.failed) {
      over = true
      fail(
        new CannotStart(
          place.lastComplaint ?? `replica ${id}: ${ending.words}; its log is ${place.log.path}`,
        ),
      )
      return
    }
    narrator.died(id, Date.now())
    const why =
      ending.failed && place.lastComplaint !== null ? `${ending.words}, ${place.lastComplaint}` : ending.words
    const next = options.restart ? restartSoon(id, place, process) : `Bring it back: ${hints.server(id)}`
    screen.event(`replica ${id} (pid ${process.pid}) died: ${why.replace(/\.$/, '')}. ${next}`)
    polls?.hurry()
  }

  const restartSoon = (id: number, place: Place, last: ReplicaProcess): string => {
    place.pause = nextPause(place.pause, Date.now() - last.startedAt)
    place.restart = setTimeout(() => void restart(id, place), place.pause)
    return `Starting it again in ${place.pause / 1_000} s.`
  }

  const restart = async (id: number, place: Place): Promise<void> => {
    const member = cluster.members[id]
    // Somebody may have brought it back by hand meanwhile.
    if (member === undefined || (await tryToListen(member.peerAddress)) !== null || stopping.aborted) return
    start(id, place)
    polls?.hurry()
  }

  const answered = (id: number, answer: Answer): void => {
    const now = Date.now()
    const lines = narrator.answered(id, answer, now)
    if (summaryTold) {
      for (const line of lines) screen.event(line)
      return
    }
    leaderSince = narrator.leader === null ? null : (leaderSince ?? now)
    if (isTimeForSummary(now)) tellSummary()
  }

  const isTimeForSummary = (now: number): boolean => {
    const running = places.flatMap((place, id) => (place.process === null ? [] : [id]))
    const statuses = running.flatMap((id) => narrator.statusOf(id) ?? [])
    if (statuses.length < running.length) return now - startedAt > limits.speechless
    completeSince ??= now
    if (leaderSince === null) return now - completeSince > limits.leaderless
    const leader = statuses.find(({ id }) => id === narrator.leader?.id)
    // Each was asked at a moment of its own: what the leader says of the others they have to say themselves, or the table contradicts the sentence above it.
    const allCount = statuses.every(({ id, role }) => id === leader?.id || role === 'follower')
    return (
      (leader?.crashesTolerated === running.length - 1 && allCount) || now - leaderSince > limits.gathering
    )
  }

  const tellSummary = (): void => {
    summaryTold = true
    const statuses = cluster.members.map(({ id }) => narrator.statusOf(id))
    const pids = places.map((place) => place.process?.pid ?? 0)
    for (const line of summaryLines({ ...options, statuses, pids })) screen.line(line)
    narrator.toldAll()
  }

  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  const stopped = new Promise<void>((done) =>
    stopping.addEventListener('abort', () => done(), { once: true }),
  )
  let logTimer: NodeJS.Timeout | null = null
  try {
    for (const { id } of cluster.members) {
      const log = openReplicaLog(`${cluster.dataDirectory}/replica-${id}.log`)
      places.push({ log, process: null, pause: 0, restart: null, lastComplaint: null })
    }
    for (const [id, place] of places.entries()) start(id, place)
    const addresses = cluster.members.map((member) => member.peerAddress.text)
    polls = pollStatus(addresses, options.ask, answered)
    logTimer = setInterval(() => {
      for (const [id, place] of places.entries()) readLog(id, place)
    }, limits.logs)
    await Promise.race([stopped, failed])
  } finally {
    if (logTimer !== null) clearInterval(logTimer)
    for (const { restart: timer } of places) if (timer !== null) clearTimeout(timer)
    await polls?.stop()
    for (const { id, pid } of narrator.foreign) {
      screen.event(
        `replica ${id} (pid ${pid}) was started by hand and goes on; stop it where it was started.`,
      )
    }
  }
}
