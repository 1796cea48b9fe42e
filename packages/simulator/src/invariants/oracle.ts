import { type Member, type PlacedView, type ReplicaId, sameMember } from '@chatroom/election'
import type { Message, ReplicaEvent, ReplicaStatus } from '@chatroom/replica'
import {
  type Entry,
  origin,
  type PersistBatch,
  type Position,
  type StoredState,
} from '@chatroom/replication-log'
import { hashBytes } from '../kernel/random.ts'
import type { VirtualProcess } from '../world/virtual-process.ts'
import type { Applied } from '../world/watched-machine.ts'
import { TermLog } from './term-log.ts'
import type { Violations } from './violation.ts'

/** What is checked of one run of a replica's program. */
interface Watched {
  readonly process: VirtualProcess
  readonly status: () => ReplicaStatus
  /** What its program has given to the disk. */
  accepted: TermLog
  /** What the disk has confirmed. */
  durable: TermLog
  commitIndex: number
  term: number
  serving: boolean
  appliedTo: number
}

interface Place {
  readonly previousTerm: number
  readonly hash: number
}

interface Committed {
  readonly index: number
  readonly term: number
  /** Leaders of a later term than this one must have it. */
  readonly byTerm: number
}

/**
 * Knows what all replicas did, and what they may never do. Everything it knows comes from the ports: what was given to disks, what was sent, what was applied, what
 * was answered. It shares no code with what it checks.
 */
export class Oracle {
  readonly #violations: Violations
  readonly #mode: 'fail-stop' | 'majority'
  readonly #watched = new Map<ReplicaId, Watched>()
  /** Of every place of the log, by index and term. */
  readonly #places: Map<number, Place>[] = []
  readonly #leaders = new Map<number, VirtualProcess>()
  /** The view by which a candidate stands, by candidate and term. */
  readonly #standBy = new Map<string, PlacedView>()
  /** For whom a disk has voted, by disk and term. */
  readonly #votes = new Map<string, ReplicaId>()
  readonly #applied = new Map<number, Applied>()
  /** Terms of the entries up to which somebody said that the log is committed, by index. */
  readonly #committed = new Map<number, number>()
  #newestCommitted: Committed | null = null
  #acknowledged = 0

  constructor(violations: Violations, mode: 'fail-stop' | 'majority') {
    this.#violations = violations
    this.#mode = mode
  }

  /** Index of the last entry that was acknowledged to a client. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** The last entry that anybody took for committed: whatever a client was told, it has. */
  get newestCommitted(): Position {
    return this.#newestCommitted ?? origin
  }

  /** An operator has founded a new cluster from what was left: terms, views and what was acknowledged count from here. */
  newCluster(): void {
    this.#places.length = 0
    this.#leaders.clear()
    this.#standBy.clear()
    this.#votes.clear()
    this.#applied.clear()
    this.#committed.clear()
    this.#newestCommitted = null
    this.#acknowledged = 0
  }

  processStarts(process: VirtualProcess, status: () => ReplicaStatus, stored: StoredState): void {
    this.#watched.set(process.replica, {
      process,
      status,
      accepted: TermLog.of(stored),
      durable: TermLog.of(stored),
      commitIndex: 0,
      term: 0,
      serving: false,
      appliedTo: stored.snapshot?.index ?? 0,
    })
    if (stored.snapshot !== null) this.#snapshotIs(process, stored.snapshot, stored.hardState.term)
  }

  /**
   * What a snapshot ends with is committed, though nobody need have said so: a view or an empty entry, which nobody applies; or what a new cluster was founded on. The commands in it were looked at when they
   * were applied.
   */
  #snapshotIs(process: VirtualProcess, { index, term }: Position, inTerm: number): void {
    const known = this.#committed.get(index)
    if (known !== undefined && known !== term)
      this.#fail(
        'committed entries stay',
        `r${process.replica} has a snapshot up to entry ${index} of term ${term}, and one of term ${known} is committed there`,
      )
    if (known === undefined) this.#committed.set(index, term)
    if (index > this.newestCommitted.index)
      this.#newestCommitted = { index, term, byTerm: Math.max(term, inTerm) }
  }

  processEnded(process: VirtualProcess): void {
    if (this.#watched.get(process.replica)?.process === process) this.#watched.delete(process.replica)
  }

  persisting(process: VirtualProcess, batch: PersistBatch): void {
    const watched = this.#of(process)
    if (watched === undefined) return
    let previousTerm =
      batch.entries[0] === undefined
        ? 0
        : batch.truncateFrom === batch.entries[0].index || batch.truncateFrom === undefined
          ? watched.accepted.termAt(batch.entries[0].index - 1)
          : undefined
    for (const entry of batch.entries) {
      this.#checkPlace(process, entry, previousTerm)
      previousTerm = entry.term
    }
    watched.accepted.write(batch)
  }

  persisted(process: VirtualProcess, batch: PersistBatch): void {
    this.#of(process)?.durable.write(batch)
  }

  snapshotInstalled(process: VirtualProcess, at: { index: number; term: number }): void {
    const watched = this.#of(process)
    watched?.accepted.resetTo(at.index, at.term)
    watched?.durable.resetTo(at.index, at.term)
    if (watched !== undefined) watched.appliedTo = Math.max(watched.appliedTo, at.index)
  }

  compacted(process: VirtualProcess, index: number): void {
    this.#of(process)?.accepted.compact(index)
    this.#of(process)?.durable.compact(index)
  }

  sent(process: VirtualProcess, to: Member, message: Message): void {
    if (message.type === 'append' || message.type === 'snapshotChunk') this.#leads(process, message.term)
    const watched = this.#of(process)
    if (message.type === 'voteRequest' && !message.pre) {
      this.#standBy.set(`${process.replica} ${message.term}`, message.view)
      this.#voted(watched, process.replica, message.term)
    }
    if (message.type === 'voteReply' && message.granted && !message.pre)
      this.#voted(watched, to.id, message.term)
    if (watched !== undefined && 'commit' in message && message.commit.index > 0)
      this.#committedUpTo(watched, message.commit.index, message.commit.term)
    if (message.type !== 'append') return
    const term = watched?.accepted.termAt(message.commitIndex)
    if (watched !== undefined && term !== undefined && message.commitIndex > 0)
      this.#committedUpTo(watched, message.commitIndex, term)
  }

  reported(process: VirtualProcess, event: ReplicaEvent): void {
    if (event.type === 'role' && event.role === 'leader') this.#becameLeader(process)
    if (event.type === 'admitted') this.#admitted(process, event.view)
    this.look(process)
  }

  /** Looks at what the replica says of itself. */
  look(process: VirtualProcess): void {
    const watched = this.#of(process)
    if (watched === undefined) return
    const status = watched.status()
    if (status.commitIndex < watched.commitIndex)
      this.#fail(
        'commit index never goes back',
        `r${process.replica} said ${watched.commitIndex} and now says ${status.commitIndex}`,
      )
    watched.commitIndex = status.commitIndex
    if (status.term < watched.term)
      this.#fail(
        'term never goes back',
        `r${process.replica} was in term ${watched.term} and is in ${status.term}`,
      )
    watched.term = status.term
    watched.serving = status.serving
    if (status.serving) this.#leads(process, status.term)
    if (!status.serving || this.#mode !== 'fail-stop') return
    for (const other of this.#watched.values()) {
      if (other !== watched && other.serving)
        this.#fail(
          'at most one serving leader',
          `r${process.replica} serves in term ${status.term}, and r${other.process.replica} in term ${other.term}`,
        )
    }
  }

  applied(process: VirtualProcess, applied: Applied): void {
    const watched = this.#of(process)
    if (watched === undefined) return
    const { index, term } = applied
    if (index <= watched.appliedTo)
      this.#fail('applied in order', `r${process.replica} applies ${index} after ${watched.appliedTo}`)
    watched.appliedTo = index
    if (watched.durable.last < index || !watched.durable.holds(index, term))
      this.#fail(
        'applied after durable',
        `r${process.replica} applies ${index} of term ${term}, which its disk has not confirmed`,
      )
    this.#committedUpTo(watched, index, term)
    const known = this.#applied.get(index)
    if (known === undefined) {
      this.#applied.set(index, applied)
      return
    }
    if (known.term !== term || known.commandHash !== applied.commandHash || known.time !== applied.time)
      this.#fail(
        'state machine safety',
        `r${process.replica} applies another entry at ${index} (term ${term}) than was applied before (term ${known.term})`,
      )
    else if (known.replyHash !== applied.replyHash)
      this.#fail(
        'apply is deterministic',
        `r${process.replica} answers entry ${index} otherwise than another replica`,
      )
  }

  /** A client reads a state with everything up to `applied`; when it asked, everything up to `acknowledged` had been acknowledged. */
  read(process: VirtualProcess, applied: number, acknowledged: number): void {
    if (applied < acknowledged)
      this.#fail(
        'reads see what was acknowledged before',
        `r${process.replica} answers a read as of entry ${applied}, asked after entry ${acknowledged} was acknowledged`,
      )
  }

  /** A client was told that its command at this place took effect. */
  acknowledgedAt(process: VirtualProcess, index: number, term: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, index)
    const view = this.#of(process)?.status().view
    if (view === undefined) return
    let holders = 0
    for (const member of view.members) {
      const watched = this.#watched.get(member.id)
      if (watched === undefined || watched.durable.holds(index, term)) holders++
      else if (this.#mode === 'fail-stop' && sameMember(member, watched.status()))
        this.#fail(
          'acknowledged after durable',
          `entry ${index} is acknowledged, but the disk of r${member.id}, a member of the view, does not hold it`,
        )
    }
    if (holders * 2 <= view.members.length)
      this.#fail(
        'acknowledged after durable',
        `entry ${index} is acknowledged and on ${holders} disks of ${view.members.length}`,
      )
  }

  /** Somebody takes the log for committed up to here. */
  #committedUpTo(watched: Watched, index: number, term: number): void {
    const known = this.#committed.get(index)
    if (known !== undefined && known !== term)
      this.#fail(
        'committed entries stay',
        `r${watched.process.replica} takes entry ${index} of term ${term} for committed, which was one of term ${known}`,
      )
    if (known !== undefined) return
    this.#committed.set(index, term)
    if (index <= (this.#newestCommitted?.index ?? 0)) return
    const status = watched.status()
    this.#newestCommitted = { index, term, byTerm: Math.max(term, status.term) }
    // Nobody knew more until now: so it was counted, and counting is for entries of the own term only.
    // Undefined: its own disk was not given that much yet.
    const counted = watched.accepted.termAt(status.commitIndex)
    if (status.role === 'leader' && counted !== undefined && counted !== status.term)
      this.#fail(
        'committed by an entry of the own term',
        `r${watched.process.replica}, leader of term ${status.term}, takes everything up to entry ${status.commitIndex} of term ${counted} for committed`,
      )
  }

  /** A disk votes once in a term: for itself when it stands, or for whom it grants its vote. */
  #voted(watched: Watched | undefined, candidate: ReplicaId, term: number): void {
    if (watched === undefined) return
    const { id, disk } = watched.status()
    const counted = this.#standBy.get(`${candidate} ${term}`)?.members.find((member) => member.id === id)
    if (counted !== undefined && counted.disk !== '' && counted.disk !== disk)
      this.#fail(
        'votes of the disks that count',
        `r${id} votes for r${candidate} in term ${term} with the disk ${disk}, and the view counts on ${counted.disk}`,
      )
    const key = `${disk} ${term}`
    const known = this.#votes.get(key)
    if (known === undefined) this.#votes.set(key, candidate)
    else if (known !== candidate)
      this.#fail(
        'one vote per term',
        `r${watched.process.replica} votes for r${candidate} in term ${term}, and has voted for r${known}`,
      )
  }

  /** Fail-stop: who takes itself for admitted is named by a view that somebody has counted as committed. */
  #admitted(process: VirtualProcess, view: PlacedView): void {
    const watched = this.#of(process)
    const status = watched?.status()
    if (watched === undefined || status === undefined) return
    const { index, term } = view
    // What a leader counts it may not have told anybody yet.
    if (status.role === 'leader') this.#committedUpTo(watched, index, term)
    const known = this.#committed.get(index) ?? term
    if (
      !view.members.some((member) => sameMember(member, status)) ||
      index > this.newestCommitted.index ||
      known !== term
    )
      this.#fail(
        'admitted by a committed view',
        `r${status.id} takes itself for admitted by view ${index} of term ${term}, and committed is the log up to ${this.newestCommitted.index}`,
      )
  }

  #becameLeader(process: VirtualProcess): void {
    const watched = this.#of(process)
    if (watched === undefined) return
    const { term } = watched.status()
    const newest = this.#newestCommitted
    if (newest !== null && term > newest.byTerm && !watched.accepted.holds(newest.index, newest.term))
      this.#fail(
        'leader completeness',
        `r${process.replica} leads in term ${term} without the committed entry ${newest.index} of term ${newest.term}`,
      )
  }

  #leads(process: VirtualProcess, term: number): void {
    const known = this.#leaders.get(term)
    if (known === undefined) this.#leaders.set(term, process)
    else if (known !== process)
      this.#fail(
        'election safety',
        `r${process.replica} (process ${process.pid}) leads in term ${term}, and so did r${known.replica} (process ${known.pid})`,
      )
  }

  #checkPlace(process: VirtualProcess, entry: Entry, previousTerm: number | undefined): void {
    const { index, term } = entry
    let places = this.#places[index]
    if (places === undefined) {
      places = new Map()
      this.#places[index] = places
    }
    const hash = hashBytes(entry.payload, entry.time | 0) ^ entry.kind.length
    const known = places.get(term)
    if (known === undefined) {
      if (previousTerm !== undefined) places.set(term, { previousTerm, hash })
      return
    }
    if (known.hash !== hash)
      this.#fail(
        'log matching',
        `r${process.replica} writes another entry at ${index} of term ${term} than somebody before`,
      )
    if (previousTerm !== undefined && known.previousTerm !== previousTerm)
      this.#fail(
        'log matching',
        `r${process.replica} has entry ${index} of term ${term} after one of term ${previousTerm}, somebody else after one of term ${known.previousTerm}`,
      )
  }

  #of(process: VirtualProcess): Watched | undefined {
    const watched = this.#watched.get(process.replica)
    return watched?.process === process ? watched : undefined
  }

  #fail(invariant: string, words: string): void {
    this.#violations.add(invariant, words)
  }
}
