import type { ReplicaId } from '@chatroom/election'
import { MemoryDisk, type Storage } from '@chatroom/replication-log'
import type { Range } from '../faults/conditions.ts'
import type { Random } from '../kernel/random.ts'
import type { Timeline } from '../kernel/timeline.ts'
import type { VirtualProcess } from './virtual-process.ts'

/** A disk with a speed, that can fill up, fail, lose what was not flushed, rot and be replaced. */
export class VirtualDisk {
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #replica: ReplicaId
  readonly #name: string
  #generation = 0
  #memory: MemoryDisk
  #process: VirtualProcess | null = null
  /** An operator's program uses it, outside of the virtual time. */
  #atOnce = false
  /** Milliseconds of one flush, at the least and usually at the most. */
  flushMs: Range
  /** A slow disk: flushes take so many times as long. */
  slowness = 1
  full = false
  /** The next flush fails. */
  failsNext = false
  /** A flush of the present process failed: it must stop itself. */
  failed = false
  /** The next file that gets a name here loses it: its process ends before the directory is flushed. */
  losesNextName = false
  /** Names that crashes have taken from files. */
  namesLost = 0
  readonly #names: Random

  constructor(options: {
    timeline: Timeline
    random: Random
    /** For the names of files. */
    names: Random
    replica: ReplicaId
    name: string
    flushMs: Range
  }) {
    this.#names = options.names
    this.flushMs = options.flushMs
    this.#timeline = options.timeline
    this.#random = options.random
    this.#replica = options.replica
    this.#name = options.name
    this.#memory = this.#newDisk()
  }

  /** The identity of the disk that is in now. */
  get name(): string {
    return this.#memory.disk
  }

  /** The storage of a process that starts on this disk. */
  open(process: VirtualProcess): Storage {
    this.#process = process
    this.#atOnce = false
    this.failed = false
    return this.#memory.open(this.#replica)
  }

  /** The storage for an operator's program while no replica runs on it; the disk is as it should be. */
  openForOperator(): Storage {
    this.#process = null
    this.full = false
    this.failsNext = false
    this.#atOnce = true
    return this.#memory.open(this.#replica)
  }

  /**
   * Its process ended: of the flush that was under way any first part may have reached the disk; or all or nothing of it, where writes are not torn. Whether a new
   * file has its name is another question: the directory is flushed by itself.
   */
  crash({ torn }: { torn: boolean }): void {
    this.#process = null
    this.#memory.crash({
      keepUnsynced: (steps) => (torn ? this.#random.below(steps + 1) : this.#random.chance(0.5) ? steps : 0),
      ...(torn && { keepName: () => this.#keepsName() }),
    })
  }

  /** A file is about to get its name. */
  naming(): void {
    const process = this.#process
    if (this.losesNextName && process !== null)
      this.#timeline.after(0, () => process.kill('power cut before the directory was flushed'))
  }

  #keepsName(): boolean {
    if (!this.losesNextName && this.#names.chance(0.5)) return true
    this.losesNextName = false
    this.namesLost++
    return false
  }

  /** Another disk in its place, empty. */
  replace(): void {
    this.#generation++
    this.#memory = this.#newDisk()
    this.full = false
  }

  /** A bit flips in an entry. */
  damage(index: number): void {
    this.#memory.damage(index)
  }

  /** How long a small read or write takes. */
  accessMs(): number {
    return this.#random.between(0.01, 0.5) * this.slowness
  }

  #newDisk(): MemoryDisk {
    return new MemoryDisk({
      disk: `${this.#name}${this.#generation === 0 ? '' : `'${this.#generation}`}`,
      complete: (bytes, done) => this.#flush(bytes, done),
    })
  }

  #flush(_bytes: number, done: (outcome?: 'full' | 'failed') => void): void {
    if (this.#atOnce) return done()
    const process = this.#process
    if (process === null) return
    const [least, most] = this.flushMs
    let ms = this.#random.between(least, most) * this.slowness
    if (this.#random.chance(0.01)) ms += this.#random.between(0, most * 20)
    this.#timeline.after(ms, () =>
      process.deliver(() => {
        if (this.failsNext) {
          this.failsNext = false
          this.failed = true
          done('failed')
        } else done(this.full ? 'full' : undefined)
      }),
    )
  }
}
