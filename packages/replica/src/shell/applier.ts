import type { Entry, ReplicatedLog, Storage } from '@chatroom/replication-log'
import type { Clock } from '../ports/clock.ts'
import { applyPayload, type StateMachine } from '../ports/state-machine.ts'

/** Entries applied before other work gets a turn. */
const SLICE_ENTRIES = 500
/** With so many a follower's entries wait no longer for others to be applied with. */
const GATHERED_ENTRIES = 32
/** Bytes read from the storage at a time when entries are no longer in memory. */
const READ_BYTES = 1024 * 1024

interface Looker {
  readonly index: number
  look(): void
  tooLate(): void
}

export interface ApplierEvents<Reply> {
  replied(entry: Entry, reply: Reply): void
  /** Everything up to here is applied. */
  applied(index: number): void
  failed(error: unknown): void
}

/** Applies committed entries in order, in slices, so that a long replay does not silence the replica. */
export class Applier<Command, Reply> {
  readonly #machine: StateMachine<Command, Reply>
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #events: ApplierEvents<Reply>
  readonly #log: () => Pick<ReplicatedLog, 'entryAt'>
  #applied: number
  #target: number
  #running = false
  #stopped = false
  #held = false
  /** Those who want to look at the state as of an index, ascending. */
  readonly #lookers: Looker[] = []
  /** Bytes of payload applied since a snapshot was taken or installed. */
  bytesSinceSnapshot = 0
  /** `time` of the last applied entry. */
  time = 0

  constructor(
    machine: StateMachine<Command, Reply>,
    storage: Storage,
    clock: Clock,
    log: () => Pick<ReplicatedLog, 'entryAt'>,
    applied: number,
    events: ApplierEvents<Reply>,
  ) {
    this.#machine = machine
    this.#storage = storage
    this.#clock = clock
    this.#log = log
    this.#applied = applied
    this.#target = applied
    this.#events = events
  }

  get applied(): number {
    return this.#applied
  }

  applyUpTo(index: number): void {
    this.#target = Math.max(this.#target, index)
    if (!this.#running && !this.#held) this.#slice()
  }

  /**
   * As `applyUpTo`, where nobody waits for a reply: with `applyGathered`, or after the work at hand once there are many. To apply one entry costs several times what each of many
   * costs, and a processor that the leader may share.
   */
  applyWithOthers(index: number): void {
    this.#target = Math.max(this.#target, index)
    if (this.#running || this.#held || this.#target - this.#applied < GATHERED_ENTRIES) return
    this.#running = true
    this.#clock.soon(() => this.#slice())
  }

  /** What `applyWithOthers` left. */
  applyGathered(): void {
    if (!this.#running && !this.#held && this.#applied < this.#target) this.#slice()
  }

  /** A snapshot is taking the place of the state: nothing is applied to it before `jumpTo`. */
  hold(): void {
    this.#held = true
  }

  /** A snapshot was installed: the state is that of `index` now. */
  jumpTo(index: number, time: number): void {
    this.#held = false
    this.#running = false
    this.#applied = index
    this.#target = Math.max(this.#target, index)
    this.time = time
    this.bytesSinceSnapshot = 0
    this.#tellLookers()
  }

  /** Calls `look` when `index` is the last applied entry, at once if it is, or `tooLate` if that is over. One of them, once, unless the returned function is called before. */
  lookAt(looker: Looker): () => void {
    const later = this.#lookers.findIndex(({ index }) => index > looker.index)
    this.#lookers.splice(later < 0 ? this.#lookers.length : later, 0, looker)
    this.#tellLookers()
    return () => {
      const at = this.#lookers.indexOf(looker)
      if (at >= 0) this.#lookers.splice(at, 1)
    }
  }

  #tellLookers(): void {
    for (
      let first = this.#lookers[0];
      first !== undefined && first.index <= this.#applied;
      first = this.#lookers[0]
    ) {
      this.#lookers.shift()
      if (first.index === this.#applied) first.look()
      else first.tooLate()
    }
  }

  stop(): void {
    this.#stopped = true
  }

  #slice(): void {
    if (this.#stopped || this.#held) return
    this.#running = false
    let left = SLICE_ENTRIES
    try {
      while (this.#applied < this.#target && left-- > 0) {
        const entry = this.#log().entryAt(this.#applied + 1)
        if (entry === undefined) {
          this.#running = true
          this.#replay()
          break
        }
        this.#apply(entry)
      }
    } catch (error) {
      this.#stopped = true
      this.#events.failed(error)
      return
    }
    const more = !this.#running && this.#applied < this.#target
    if (more) this.#running = true
    this.#events.applied(this.#applied)
    if (more) this.#clock.soon(() => this.#slice())
  }

  #apply(entry: Entry): void {
    if (entry.kind === 'command') {
      const { index, term, time } = entry
      const reply = applyPayload(this.#machine, entry.payload, { index, term, time })
      this.#applied = entry.index
      this.#events.replied(entry, reply)
    }
    this.#applied = entry.index
    this.time = entry.time
    this.bytesSinceSnapshot += entry.payload.length
    if (this.#lookers.length > 0) this.#tellLookers()
  }

  /** Entries that are on disk only: after a restart, mostly. */
  #replay(): void {
    const from = this.#applied + 1
    this.#storage.read(from, READ_BYTES).then(
      (entries) => {
        if (this.#stopped || this.#held) return
        try {
          // A snapshot may have been installed meanwhile.
          for (const entry of entries)
            if (entry.index === this.#applied + 1 && entry.index <= this.#target) this.#apply(entry)
        } catch (error) {
          this.#stopped = true
          return this.#events.failed(error)
        }
        this.#clock.soon(() => this.#slice())
      },
      (error: unknown) => {
        if (!this.#stopped) this.#events.failed(error)
      },
    )
  }
}
