import type { ReplicaId } from '@chatroom/election'
import type { StepRecord } from '@chatroom/replica'
import type { Position, StoredState } from '@chatroom/replication-log'
import type { Recorded } from '../../src/index.ts'
import { type Due, type Observed, observe } from './observed.ts'
import type { Rules } from './rules.ts'

/** What a disk may hold: after each persist, what the replica was. */
interface Held {
  readonly persist: number
  readonly term: number
  readonly votedFor: ReplicaId | null
  readonly last: Position
}

interface Running {
  before: Pick<StepRecord, 'role' | 'term' | 'admitted' | 'commitIndex' | 'campaign'> | null
  /** The last persist that is done. */
  done: number
  /** Observed and not yet taken, with what the replica was after that step; in order. */
  readonly waiting: (Due & { readonly after: StepRecord; readonly lastOfStep: boolean })[]
  /** Ascending; the first one is what the disk holds for certain. */
  held: Held[]
}

/** How a recorded run and the model differ; null: not at all. */
export type Difference = { readonly at: number; readonly words: string } | null

/**
 * Takes the recorded run through the model, step by step: whatever a replica did has to be something that the rules allow in the state that the steps before have
 * led to, and has to lead to what the replica was afterwards. A step takes effect when others can see it: when the persist is done that its messages wait for.
 */
export function replay(recorded: readonly Recorded[], rules: Rules): Difference {
  const running = new Map<ReplicaId, Running>()
  const started = new Set<ReplicaId>()
  for (const [at, event] of recorded.entries()) {
    const { replica } = event
    let words: string | null = null
    if (event.type === 'starts') {
      words = starts(rules, replica, event.stored, started.has(replica))
      started.add(replica)
      running.set(replica, begin(event.stored))
    } else {
      const program = running.get(replica)
      if (program === undefined) continue
      if (event.type === 'step') words = steps(rules, replica, program, event.step)
      else {
        words = ends(rules, replica, program, nextStart(recorded, at, replica))
        running.delete(replica)
      }
    }
    words ??= rules.broken()
    if (words !== null) return { at, words: `r${replica}: ${words}\n${rules.describe()}` }
  }
  return null
}

function begin({ hardState, last }: StoredState): Running {
  const { term, votedFor } = hardState
  return { before: null, done: 0, waiting: [], held: [{ persist: 0, term, votedFor, last }] }
}

function nextStart(recorded: readonly Recorded[], after: number, replica: ReplicaId): StoredState | null {
  for (let at = after; at < recorded.length; at++) {
    const event = recorded[at]
    if (event?.type === 'starts' && event.replica === replica) return event.stored
  }
  return null
}

function starts(
  rules: Rules,
  id: ReplicaId,
  { hardState, last }: StoredState,
  again: boolean,
): string | null {
  return (
    (again ? rules.restart(id) : null) ??
    rules.compare(id, { term: hardState.term, last }) ??
    rules.compareVote(id, hardState)
  )
}

function steps(rules: Rules, id: ReplicaId, program: Running, step: StepRecord): string | null {
  if (step.persist !== null) {
    const { term, votedFor, last } = step
    program.held.push({ persist: step.persist.number, term, votedFor, last })
  }
  const before = program.before ?? {
    role: 'follower',
    term: program.held[0]?.term ?? 0,
    admitted: step.admitted,
    commitIndex: 0,
    campaign: null,
  }
  program.before = step
  let words = step.persistDone > program.done ? persisted(rules, id, program, step.persistDone) : null
  const observed = observe(id, before, step)
  for (const [at, due] of observed.entries())
    program.waiting.push({ ...due, after: step, lastOfStep: at === observed.length - 1 })
  words ??= takeWhatIsDue(rules, id, program)
  return words
}

/** The disk has everything up to this persist. */
function persisted(rules: Rules, id: ReplicaId, program: Running, persist: number): string | null {
  program.done = persist
  const words = takeWhatIsDue(rules, id, program)
  const holds = program.held.findLast((held) => held.persist <= persist)
  if (holds === undefined) return words
  program.held = program.held.filter((held) => held.persist >= holds.persist)
  return words ?? rules.flush(id, holds.last.index)
}

function takeWhatIsDue(rules: Rules, id: ReplicaId, program: Running): string | null {
  const { waiting } = program
  for (let next = waiting[0]; next !== undefined && next.persist <= program.done; next = waiting[0]) {
    waiting.shift()
    const { observed, after, lastOfStep } = next
    const words = rules.take(id, observed) ?? (lastOfStep ? rules.compare(id, after) : null)
    if (words !== null) return `${JSON.stringify(observed)}: ${words}`
  }
  // The answer to a heartbeat vouches for what is on disk, and so leaves before those to entries that are on their way to it.
  for (const early of waiting.filter(
    ({ persist, observed }) => persist <= program.done && isHeartbeat(observed),
  )) {
    waiting.splice(waiting.indexOf(early), 1)
    const words = rules.take(id, early.observed)
    if (words !== null) return `${JSON.stringify(early.observed)}: ${words}`
  }
  return null
}

function isHeartbeat(observed: Observed): boolean {
  return observed.type === 'append' && observed.heartbeat
}

/** A write that nobody was told of may have reached the disk all the same: the next start shows it. */
function ends(rules: Rules, id: ReplicaId, program: Running, next: StoredState | null): string | null {
  if (next !== null) {
    const { hardState, last } = next
    const kept = program.held.find(
      (held) =>
        held.term === hardState.term &&
        held.votedFor === hardState.votedFor &&
        held.last.index === last.index &&
        held.last.term === last.term,
    )
    if (kept === undefined)
      return `its disk holds term ${hardState.term}, a vote for ${hardState.votedFor} and a log to ${last.index} of term ${last.term}, and that is none of what it gave to it`
    const words = kept.persist > program.done ? persisted(rules, id, program, kept.persist) : null
    if (words !== null) return words
  }
  return rules.crash(id)
}
