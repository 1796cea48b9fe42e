import { MemoryLog } from './memory-log.ts'
import { type FlushOutcome, MemoryStorage } from './memory-storage.ts'
import type { Storage } from './storage.ts'
import { StorageError } from './storage-error.ts'

export interface MemoryDiskOptions {
  /** The disk's identity. Default 'memory'. */
  readonly disk?: string
  /** Entries and snapshots hold at most so many bytes together (entries by `entryBytes`); more is refused as `full`. Default: no bound. */
  readonly capacityBytes?: number
  /**
   * Decides when a flush becomes durable: called once per group of batches, in order, never again before `done` was called. `done` may be called at
   * once or at any later time. Default: at once.
   */
  readonly complete?: (bytes: number, done: (outcome?: FlushOutcome) => void) => void
}

/**
 * A disk in memory that outlives the processes that use it: `open` is the start of a process on it, `crash` ends that process without notice. For
 * tests and simulators: it makes no choices of its own.
 */
export class MemoryDisk {
  readonly disk: string
  capacityBytes: number
  readonly #complete: (bytes: number, done: (outcome?: FlushOutcome) => void) => void
  readonly #log: MemoryLog = new MemoryLog()
  readonly #damaged: Set<number> = new Set()
  #replicaId: number | null = null
  #incarnation = 0
  #user: MemoryStorage | null = null

  constructor(options: MemoryDiskOptions = {}) {
    this.disk = options.disk ?? 'memory'
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
    this.#complete = options.complete ?? ((_bytes, done) => done())
  }

  /** A storage on this disk, for one process of this replica. Nothing happens before its own `open` is called. */
  open(replicaId: number): Storage {
    const storage: MemoryStorage = new MemoryStorage({
      log: this.#log,
      damaged: this.#damaged,
      complete: this.#complete,
      spaceLeft: () => this.capacityBytes - this.#log.bytes,
      start: () => {
        if (this.#user)
          throw new StorageError('locked', `disk ${this.disk} is in use by replica ${this.#replicaId}`)
        if (this.#replicaId !== null && this.#replicaId !== replicaId) {
          throw new StorageError(
            'other replica',
            `disk ${this.disk} belongs to replica ${this.#replicaId}, not to replica ${replicaId}`,
          )
        }
        this.#user = storage
        this.#replicaId = replicaId
        this.#incarnation++
        return { replicaId, disk: this.disk, incarnation: this.#incarnation }
      },
      end: () => {
        if (this.#user === storage) this.#user = null
      },
    })
    return storage
  }

  /**
   * Ends the process that uses the disk. Of what it was flushing the first few steps survive: a step is one hard state, one truncation, one entry, one
   * snapshot, in the order of the calls. `keepUnsynced` gets their number and answers how many survive; default: none. What waited behind that flush is lost.
   * Promises of the ended process never settle.
   *
   * A snapshot is a file with a name of its own: on a real disk its directory entry may be lost though all that was written beside it survives, or be there though
   * that is lost. `keepName` is asked for each that is under way, and then it is no step of the others. Default: it is one.
   */
  crash(
    options: { readonly keepUnsynced?: (steps: number) => number; readonly keepName?: () => boolean } = {},
  ): void {
    this.#user?.endWithoutNotice(options.keepUnsynced ?? (() => 0), options.keepName)
    this.#user = null
  }

  /** The entry at `index` can no longer be read from this disk, until it is written anew. */
  damage(index: number): void {
    this.#damaged.add(index)
  }
}
