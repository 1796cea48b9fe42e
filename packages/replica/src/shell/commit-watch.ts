import type { ReplicaId } from '@chatroom/election'
import type { ReplicaObserver } from '../ports/observer.ts'

/** Batches that are watched at once: one more is not, and nothing is said of it. */
const MOST_BATCHES = 512
/** Milliseconds after which a commit counts for about a third of a new one in the averages. */
const FADES_IN_MS = 10_000

interface Batch {
  readonly last: number
  readonly commands: number
  readonly enteredAt: number
  /** Members that have it on disk, and the time of the newest of them. */
  readonly heldBy: Set<ReplicaId>
  heldAt: number
}

/** A member that commits wait for, and how long on average: from when all others had an entry to when it had it too. */
export interface SlowMember {
  readonly id: ReplicaId
  readonly delayMs: number
}

/** Watches on the leader how long batches of commands take to be committed, and whom they waited for last. Times in milliseconds. */
export class CommitWatch {
  readonly #observer: ReplicaObserver | undefined
  readonly #batches: Batch[] = []
  /** Batches, and by member the time they waited for it alone; both fade. */
  #weight = 0
  readonly #waits = new Map<ReplicaId, number>()
  #fadedAt = 0

  constructor(observer?: ReplicaObserver) {
    this.#observer = observer
  }

  /** The log got so many commands; the newest stands at `last`. */
  entered(last: number, commands: number, now: number): void {
    if (this.#batches.length < MOST_BATCHES)
      this.#batches.push({ last, commands, enteredAt: now, heldBy: new Set(), heldAt: now })
  }

  /** A member has everything up to `index` on disk. Called after what that commits was told by `committed`. */
  held(member: ReplicaId, index: number, now: number): void {
    for (const batch of this.#batches) {
      if (batch.last > index) return
      if (batch.heldBy.has(member)) continue
      batch.heldBy.add(member)
      batch.heldAt = now
    }
  }

  /** Everything up to `index` is committed. `members`: who had to have it; null where no member is waited for in particular. */
  committed(index: number, members: readonly ReplicaId[] | null, now: number): void {
    let done = 0
    for (const batch of this.#batches) {
      if (batch.last > index) break
      done++
      this.#observer?.committed(now - batch.enteredAt, batch.commands)
      if (members !== null) this.#blame(batch, members, now)
    }
    if (done > 0) this.#batches.splice(0, done)
  }

  /** Of these members the one that commits wait for most; null if none of them was waited for lately. */
  slowestOf(members: readonly ReplicaId[], now: number): SlowMember | null {
    // Alone, or without new commits, nobody is waited for: what was true once is no news.
    if (members.length < 2 || now - this.#fadedAt > 3 * FADES_IN_MS) return null
    let slowest: SlowMember | null = null
    for (const [id, waited] of this.#waits) {
      if (!members.includes(id)) continue
      const delayMs = waited / this.#weight
      if (delayMs > (slowest?.delayMs ?? 0)) slowest = { id, delayMs }
    }
    return slowest
  }

  /** Leadership ended. */
  forget(): void {
    this.#batches.length = 0
    this.#waits.clear()
    this.#weight = 0
  }

  /** What completed the commit has not been told by `held` yet. If more than one is missing, what was waited for has left the view. */
  #blame(batch: Batch, members: readonly ReplicaId[], now: number): void {
    let last: ReplicaId | null = null
    for (const member of members) {
      if (batch.heldBy.has(member)) continue
      if (last !== null) return
      last = member
    }
    if (last === null || members.length < 2) return
    const ms = now - batch.heldAt
    this.#observer?.waitedFor(last, ms)
    const fading = Math.exp((this.#fadedAt - now) / FADES_IN_MS)
    this.#fadedAt = now
    this.#weight = this.#weight * fading + 1
    for (const [member, waited] of this.#waits) this.#waits.set(member, waited * fading)
    this.#waits.set(last, (this.#waits.get(last) ?? 0) + ms)
  }
}
