import type { ReplicaStatus } from '@chatroom/replica'
import type { Answer } from './status-polls.ts'

// Turns what replicas answer into the few lines that a person at the launcher wants to read. Pure: the time is an argument.

/** Milliseconds. */
export interface NarratorLimits {
  /** How long what the leader says about its view must stay the same before it is told. */
  readonly settle: number
  /** How long after another replica says that it leads the leader before may still turn out to have died. */
  readonly succession: number
  /** How long nobody may lead before it is told why. */
  readonly leaderless: number
  /** How long a replica may not answer before it is told. */
  readonly silent: number
}

const narratorLimits: NarratorLimits = { settle: 150, succession: 1_000, leaderless: 2_000, silent: 2_000 }

/** Who carries the chat, as the leader told it. */
interface Strength {
  readonly members: readonly number[]
  readonly crashes: number
}

/**
 * Another replica leads, and it is not known yet what became of the leader before. If that one died, the end of its process may be heard of last: its connections close
 * before the system reports its end, and of all that wakes the launcher at once Node hands out signals after what came from sockets.
 */
interface Succession {
  readonly from: number
  readonly since: number
  /** What became of it; `because` is null if it only leads no more. */
  lost: { readonly because: string | null; readonly at: number } | null
}

interface Known {
  /** The process that answered last or was started last; null if none is known to run. */
  pid: number | null
  /** The last status of that process. */
  status: ReplicaStatus | null
  /** Since when it has not answered; null while it does. */
  silentSince: number | null
  silenceTold: boolean
}

export interface Narrator {
  /** The launcher started this process; that it answers later is no news. */
  started(replica: number, pid: number): void
  /** The launcher saw its process end. The line itself is the launcher's. */
  died(replica: number, at: number): void
  /** A replica was asked. Returns the lines to print. */
  answered(replica: number, answer: Answer, at: number): string[]
  /** What has been told by other means (the first summary) is not told again. */
  toldAll(): void
  readonly leader: { readonly id: number; readonly term: number } | null
  /** Replicas that answer and of which the launcher started no process. */
  readonly foreign: readonly { readonly id: number; readonly pid: number }[]
  statusOf(replica: number): ReplicaStatus | null
}

export function createNarrator(replicas: number, limits: NarratorLimits = narratorLimits): Narrator {
  const known: Known[] = Array.from({ length: replicas }, () => ({
    pid: null,
    status: null,
    silentSince: null,
    silenceTold: false,
  }))
  const own = new Map<number, number>()
  /** The process of each replica that the launcher saw end last: an answer of it may still have been on its way. */
  const ended = new Map<number, number>()
  let leader: { id: number; term: number } | null = null
  let toldLeader: { id: number; term: number } | null = null
  let leaderless: { at: number; because: string | null; told: string | null } | null = null
  /** The leader is not told of yet, since nobody has told what became of the one before. */
  let succession: Succession | null = null
  let told: Strength | null = null
  let coming: { strength: Strength; since: number } | null = null

  const lose = (replica: number, because: string | null, at: number): void => {
    if (succession?.from === replica) succession.lost ??= { because, at }
    if (leader?.id !== replica) return
    leader = null
    succession = null
    leaderless = { at, because, told: null }
  }

  const leads = (status: ReplicaStatus, at: number): string[] => {
    if (leader !== null && leader.id !== status.id) succession = { from: leader.id, since: at, lost: null }
    const before = succession?.lost ?? leaderless
    leader = { id: status.id, term: status.term }
    leaderless = null
    const isNews = toldLeader?.id !== status.id || toldLeader.term !== status.term
    if (!isNews) succession = null
    if (!isNews || isToWait(succession, at)) return []
    succession = null
    toldLeader = leader
    const after = before?.because ? `, ${at - before.at} ms after ${before.because}` : ' now'
    return [`replica ${status.id} leads${after} (term ${status.term}).`]
  }

  const isToWait = (to: Succession | null, at: number): boolean =>
    to !== null && to.lost === null && at - to.since < limits.succession

  /** Who carries the chat, told once it has stopped changing. */
  const strength = (status: ReplicaStatus, at: number): string[] => {
    const now = strengthOf(status)
    if (!status.viewInForce || (told !== null && same(told, now))) {
      coming = null
      return []
    }
    if (coming === null || !same(coming.strength, now)) coming = { strength: now, since: at }
    if (at - coming.since < limits.settle) return []
    const joined = now.members.filter((id) => told !== null && !told.members.includes(id))
    told = now
    coming = null
    return [strengthWords(now, joined)]
  }

  const waits = (at: number): string[] => {
    if (leaderless === null || at - leaderless.at < limits.leaderless) return []
    const words = known.flatMap(({ status, silentSince }) =>
      status === null || silentSince !== null
        ? []
        : status.waiting.slice(0, 1).map((w) => `replica ${status.id}: ${w.words}`),
    )
    const text = known.every(({ pid }) => pid === null)
      ? 'no replica runs.'
      : words.length === 0
        ? 'nobody leads, and no replica says why.'
        : `nobody leads (${words.join('; ')}).`
    if (leaderless.told === text) return []
    leaderless.told = text
    return [text]
  }

  const spoke = (replica: number, state: Known, status: ReplicaStatus, at: number): string[] => {
    const lines: string[] = []
    if (state.pid !== status.pid) {
      const byHand = own.get(replica) !== status.pid
      lines.push(`replica ${replica} is back (pid ${status.pid}${byHand ? ', started by hand' : ''}).`)
      if (state.pid !== null) lose(replica, `replica ${replica} ended`, at)
    } else if (state.silenceTold) lines.push(`replica ${replica} answers again.`)
    known[replica] = { pid: status.pid, status, silentSince: null, silenceTold: false }
    if (status.serving && (leader === null || status.term >= leader.term)) lines.push(...leads(status, at))
    else if (!status.serving) lose(replica, null, at)
    if (leader?.id === replica && succession === null) lines.push(...strength(status, at))
    return [...lines, ...waits(at)]
  }

  const silence = (replica: number, state: Known, refused: boolean, reason: string, at: number): string[] => {
    if (state.pid === null) return waits(at)
    if (refused && state.status !== null && own.get(replica) !== state.pid) {
      known[replica] = { pid: null, status: null, silentSince: null, silenceTold: false }
      lose(replica, `replica ${replica} ended`, at)
      return [`replica ${replica} (pid ${state.pid}, started by hand) ended.`, ...waits(at)]
    }
    state.silentSince ??= at
    if (state.status === null || state.silenceTold || at - state.silentSince < limits.silent) return waits(at)
    state.silenceTold = true
    lose(replica, `replica ${replica} fell silent`, state.silentSince)
    return [`replica ${replica} (pid ${state.pid}) does not answer: ${reason}.`, ...waits(at)]
  }

  return {
    started: (replica, pid) => {
      own.set(replica, pid)
      ended.delete(replica)
      known[replica] = { pid, status: null, silentSince: null, silenceTold: false }
    },
    died: (replica, at) => {
      const pid = own.get(replica)
      if (pid !== undefined) ended.set(replica, pid)
      own.delete(replica)
      known[replica] = { pid: null, status: null, silentSince: null, silenceTold: false }
      lose(replica, `replica ${replica} died`, at)
    },
    answered: (replica, answer, at) => {
      const state = known[replica]
      if (state === undefined) return []
      if (answer.status !== null && answer.status.pid === ended.get(replica)) return []
      return answer.status === null
        ? silence(replica, state, answer.refused, answer.reason, at)
        : spoke(replica, state, answer.status, at)
    },
    toldAll: () => {
      succession = null
      const status = leader === null ? null : (known[leader.id]?.status ?? null)
      toldLeader = leader
      coming = null
      told = status && strengthOf(status)
    },
    get leader() {
      return leader
    },
    get foreign() {
      return known.flatMap(({ pid, status }, id) =>
        pid === null || status === null || own.get(id) === pid ? [] : [{ id, pid }],
      )
    },
    statusOf: (replica) => known[replica]?.status ?? null,
  }
}

/** In fail-stop mode the members of the view; in majority mode, where the dead stay voters, those of them that the leader reaches. */
function strengthOf(status: ReplicaStatus): Strength {
  const { mode, view, id, peers, crashesTolerated } = status
  const reached = new Set([id, ...peers.filter((peer) => peer.connected).map((peer) => peer.id)])
  const members = view.members.map((member) => member.id)
  return {
    members: mode === 'majority' ? members.filter((member) => reached.has(member)) : members,
    crashes: crashesTolerated,
  }
}

function same(a: Strength, b: Strength): boolean {
  return a.crashes === b.crashes && a.members.join() === b.members.join()
}

function strengthWords({ members, crashes }: Strength, joined: readonly number[]): string {
  const list = (ids: readonly number[]): string => `replica${ids.length === 1 ? '' : 's'} ${ids.join(', ')}`
  const first = joined.length === 0 ? '' : `${list(joined)} count${joined.length === 1 ? 's' : ''} again; `
  const carry =
    members.length === 1 ? `${list(members)} carries the chat alone` : `${list(members)} carry the chat`
  return `${first}${carry}; ${crashWords(crashes)}.`
}

/** `2 more may crash` */
export function crashWords(crashes: number): string {
  return `${crashes === 0 ? 'no' : crashes} more may crash`
}
