import { type Entry, type HardState, type Storage, StorageError } from '@chatroom/replication-log'
import type { Effect } from '../core/effects.ts'
import type { Clock } from '../ports/clock.ts'
import type { ReplicaObserver } from '../ports/observer.ts'

type Persist = Extract<Effect, { type: 'persist' }>

/** How long to wait before a full disk is tried again, or a quota looked at again. */
const FULL_RETRY_MS = 500

export interface PersisterEvents {
  /** Everything up to this persist effect is durable. */
  persisted(persist: number): void
  /** The storage broke a promise or failed for good. */
  failed(error: unknown): void
  /** The disk is full, or has room again. */
  full(full: boolean): void
  readonly observer?: Pick<ReplicaObserver, 'persisted'>
  /** The storage is given everything up to this persist effect, so many entries. Again after it was full. */
  readonly writing?: (persist: number, entries: number) => void
}

/**
 * Does persist effects in their order, one call of the storage at a time: what arrives while one is under way goes into the next (group commit). A full
 * disk is tried again until there is room; nothing later overtakes.
 */
export class Persister {
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #events: PersisterEvents
  readonly #quotaBytes: number
  #waiting: Persist[] = []
  #jobs: (() => Promise<void>)[] = []
  #busy = false
  #isWriting = false
  #afterWrite: () => void = () => undefined
  #full = false
  /** What the storage was asked for last it had no room for. */
  #refused = false
  #weighing = false
  #stopped = false

  /** `quotaBytes`: with more than this the storage counts as full; what is asked for is written all the same, as long as it can be. */
  constructor(
    storage: Storage,
    clock: Clock,
    events: PersisterEvents,
    quotaBytes: number = Number.POSITIVE_INFINITY,
  ) {
    this.#storage = storage
    this.#clock = clock
    this.#events = events
    this.#quotaBytes = quotaBytes
  }

  /** Persists that wait for the one under way. */
  get waiting(): number {
    return this.#waiting.length
  }

  persist(effect: Persist): void {
    this.#waiting.push(effect)
    this.#next()
  }

  /** Calls `run` when the write under way is over, or at once if there is none; of several, the last one only. */
  afterWrite(run: () => void): void {
    if (this.#isWriting) this.#afterWrite = run
    else run()
  }

  /** As `persist`, after the work at hand. */
  persistSoon(effect: Persist): void {
    this.#waiting.push(effect)
    if (this.#waiting.length === 1) this.#clock.soon(() => this.#next())
  }

  /** Runs between two persists, when everything asked for before is durable. A job that finds the disk full is over, and must have left things as they were. */
  exclusive(job: () => Promise<void>): void {
    this.#jobs.push(job)
    this.#next()
  }

  /** Nothing is begun any more. */
  stop(): void {
    this.#stopped = true
  }

  #next(): void {
    if (this.#busy || this.#stopped) return
    if (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      this.#busy = true
      this.#write(batch)
      return
    }
    const job = this.#jobs.shift()
    if (job === undefined) return
    this.#busy = true
    job().then(
      () => {
        this.#refused = false
        this.#weigh()
        this.#done()
      },
      (error: unknown) => {
        if (!isFull(error)) return this.#events.failed(error)
        this.#refused = true
        this.#weigh()
        this.#done()
      },
    )
  }

  #write(batch: readonly Persist[]): void {
    const merged = merge(batch)
    const { observer, writing } = this.#events
    writing?.(batch.at(-1)?.persist ?? 0, merged.entries.length)
    const begun = observer === undefined ? 0 : this.#clock.now()
    this.#isWriting = true
    this.#storage.persist(merged).then(
      () => {
        this.#refused = false
        this.#weigh()
        observer?.persisted(this.#clock.now() - begun)
        const last = batch.at(-1)
        if (last !== undefined && !this.#stopped) this.#events.persisted(last.persist)
        this.#written()
        this.#done()
      },
      (error: unknown) => {
        if (isFull(error)) {
          this.#refused = true
          this.#weigh()
          this.#written()
          this.#clock.after(FULL_RETRY_MS, () => {
            if (!this.#stopped) this.#write(batch)
          })
          return
        }
        this.#events.failed(error)
      },
    )
  }

  #written(): void {
    this.#isWriting = false
    const run = this.#afterWrite
    this.#afterWrite = () => undefined
    if (!this.#stopped) run()
  }

  /** Full or not? Over its quota it is looked at again, since not only what is written here takes room and gives it back. */
  #weigh(): void {
    const over = this.#storage.size() > this.#quotaBytes
    const full = over || this.#refused
    if (full !== this.#full) {
      this.#full = full
      if (!this.#stopped) this.#events.full(full)
    }
    if (!over || this.#weighing) return
    this.#weighing = true
    this.#clock.after(FULL_RETRY_MS, () => {
      this.#weighing = false
      if (!this.#stopped) this.#weigh()
    })
  }

  #done(): void {
    this.#busy = false
    this.#next()
  }
}

function isFull(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'full'
}

/** Several persists as one, with the same end: the latest hard state, the lowest truncation, the entries that survive the later truncations. */
function merge(batch: readonly Persist[]): {
  hardState?: HardState
  truncateFrom?: number
  entries: readonly Entry[]
} {
  const [only] = batch
  if (batch.length === 1 && only !== undefined) return shape(only.hardState, only.truncateFrom, only.entries)
  let hardState: HardState | null = null
  let truncateFrom: number | null = null
  let entries: Entry[] = []
  for (const persist of batch) {
    hardState = persist.hardState ?? hardState
    const cut = persist.truncateFrom
    if (cut !== null) {
      truncateFrom = Math.min(cut, truncateFrom ?? cut)
      entries = entries.filter((entry) => entry.index < cut)
    }
    for (const entry of persist.entries) entries.push(entry)
  }
  return shape(hardState, truncateFrom, entries)
}

function shape(
  hardState: HardState | null,
  truncateFrom: number | null,
  entries: readonly Entry[],
): { hardState?: HardState; truncateFrom?: number; entries: readonly Entry[] } {
  // Nearly all of them are such; objects that are put together from others cost V8 several times what this does.
  if (hardState === null && truncateFrom === null) return { entries }
  return { ...(hardState !== null && { hardState }), ...(truncateFrom !== null && { truncateFrom }), entries }
}
