import { resolve as resolvePath } from 'node:path'
import type { Entry, Position } from '../entry.ts'
import { PersistOrder } from '../persist-order.ts'
import type {
  EntryCopy,
  PersistBatch,
  Remedy,
  SnapshotInfo,
  SnapshotWriter,
  Storage,
  StoredState,
} from '../storage.ts'
import { type Damage, StorageError } from '../storage-error.ts'
import { recordBytes } from './batch.ts'
import { mendEnd } from './end-mending.ts'
import type { FileSystem } from './file-system.ts'
import { LogScan } from './log-scan.ts'
import { mendLog } from './mending.ts'
import { nodeFileSystem } from './node-file-system.ts'
import { enterDirectory, findLog, findState, notOpen, type OpeningHome } from './opening.ts'
import { changesLog, type Pending, type PendingPersist, sameHardState, takeGroup } from './persist-queue.ts'
import { Salvage } from './salvage.ts'
import { SegmentedLog, type SegmentSizes } from './segmented-log.ts'
import { SnapshotFiles, type SnapshotHost } from './snapshot-files.ts'
import { mendWithSnapshot } from './snapshot-mending.ts'
import { checkHardState, type State, StateFiles } from './state-files.ts'
import { failureOf } from './storage-failure.ts'
import { ViewPositions } from './view-positions.ts'

export interface FileStorageOptions {
  /** Made if it does not exist. Belongs to one replica on one host. */
  readonly directory: string
  readonly replicaId: number
  /** A log file is closed at this size. Default 16 MiB, at least 4 KiB, at most 1 GiB. */
  readonly segmentBytes?: number
  /** A log file grows by so many zeros at a time, so that most appends overwrite. Default 512 KiB; 0: by exactly what is appended. */
  readonly preallocateBytes?: number
  /** Entries are checksummed, read and, if damaged, lost in batches of about this size. Default 256 KiB. */
  readonly batchBytes?: number
  /**
   * Entries are refused as `full` when log and snapshots would take more bytes than this (and one step of `preallocateBytes`, at times). Hard states
   * are not refused, and neither are snapshots: they are what frees space, and do not count while they are written. Default: as much as the disk has.
   */
  readonly quotaBytes?: number
  /** Told in words what was found damaged and was mended at opening. Default: nobody. */
  readonly report?: (notice: string) => void
  /** Default: this machine's. */
  readonly fileSystem?: FileSystem
}

/** While it is mended nobody else uses the storage, and a failure is told to the one who mends. */
const mendingHost: SnapshotHost = { check: () => undefined, fail: (error) => error }

/** Of the view that the snapshot names, and of those that the log holds. */
function viewPositions(views: readonly Entry[], snapshot: SnapshotInfo | null): Position[] {
  const before = snapshot === null ? [] : [snapshot.viewPosition]
  const [first] = views
  return [
    ...before.filter(({ index }) => first === undefined || index < first.index),
    ...views.map(({ index, term }) => ({ index, term })),
  ]
}

const maxPayloadBytes = 64 * 1024 * 1024
const segmentBytesRange = [4096, 1024 ** 3] as const

/** A storage in the files of a directory; the format is described in FORMAT.md. Nothing happens before its `open` is called. */
export function openFileStorage(options: FileStorageOptions): Storage {
  return new FileStorage(options)
}

class FileStorage implements Storage {
  readonly #home: OpeningHome
  readonly #sizes: SegmentSizes
  readonly #quotaBytes: number
  #snapshots: SnapshotFiles
  #phase: 'new' | 'opening' | 'open' | 'closing' | 'closed' = 'new'
  #failure: StorageError | null = null
  #release: (() => Promise<void>) | null = null
  #salvage: Salvage | null = null
  #state: StateFiles | null = null
  #log: SegmentedLog | null = null
  #order: PersistOrder | null = null
  #views: ViewPositions = new ViewPositions([])
  #queue: Pending[] = []
  #working: Promise<void> | null = null
  #closing: Promise<void> | null = null

  constructor(options: FileStorageOptions) {
    const segmentBytes = options.segmentBytes ?? 16 * 1024 * 1024
    const [least, most] = segmentBytesRange
    if (!Number.isInteger(segmentBytes) || segmentBytes < least || segmentBytes > most) {
      throw new StorageError(
        'invalid',
        `segmentBytes is ${segmentBytes}: give a whole number from ${least} to ${most}`,
      )
    }
    this.#home = {
      fileSystem: options.fileSystem ?? nodeFileSystem,
      directory: resolvePath(options.directory),
      replicaId: options.replicaId,
      report: options.report ?? (() => undefined),
    }
    this.#sizes = {
      segmentBytes,
      preallocateBytes: options.preallocateBytes ?? 512 * 1024,
      batchBytes: options.batchBytes ?? 256 * 1024,
    }
    this.#quotaBytes = options.quotaBytes ?? Number.POSITIVE_INFINITY
    this.#snapshots = this.#newSnapshots()
  }

  async open(options: { readonly tailBytes: number }): Promise<StoredState> {
    if (this.#phase !== 'new') throw new StorageError('invalid', 'a storage is opened once; make another one')
    this.#phase = 'opening'
    this.#snapshots = this.#newSnapshots()
    try {
      this.#release = await enterDirectory(this.#home)
      const stored = await this.#load(options.tailBytes)
      this.#phase = 'open'
      return stored
    } catch (error) {
      await this.#letGo()
      this.#phase = 'new'
      throw failureOf(`cannot open ${this.#home.directory}`, error)
    }
  }

  async mend(_damage: Damage, using: Remedy): Promise<boolean> {
    if (this.#phase !== 'new')
      throw new StorageError('invalid', 'a storage is mended after its opening was refused')
    this.#phase = 'opening'
    try {
      this.#release = await enterDirectory(this.#home)
      const snapshots = new SnapshotFiles(this.#home.fileSystem, this.#home.directory, mendingHost)
      if (typeof using === 'object' && 'chunks' in using)
        return await mendWithSnapshot(this.#home, using, snapshots)
      if (typeof using === 'object' && 'end' in using) return await mendEnd(this.#home, using, snapshots)
      return await mendLog(this.#home, using, async () => {
        await snapshots.scan(() => undefined)
        return snapshots.newest
      })
    } catch (error) {
      throw failureOf(`cannot mend ${this.#home.directory}`, error)
    } finally {
      await this.#letGo()
      this.#phase = 'new'
    }
  }

  async salvage(from: number, maxBytes: number): Promise<EntryCopy> {
    if (!this.#salvage) throw notOpen()
    return await this.#salvage.read(from, maxBytes)
  }

  async persist(batch: PersistBatch): Promise<void> {
    this.#check()
    if (batch.hardState) checkHardState(batch.hardState)
    let bytes = 0
    for (const entry of batch.entries) {
      if (entry.payload.length > maxPayloadBytes) {
        throw new StorageError(
          'invalid',
          `entry ${entry.index} has ${entry.payload.length} bytes; at most ${maxPayloadBytes} are allowed`,
        )
      }
      bytes += recordBytes(entry)
    }
    this.#open().order.accept(batch)
    return new Promise((resolve, reject) => {
      this.#enqueue({ kind: 'persist', batch, recordBytes: bytes, resolve, reject })
    })
  }

  async read(from: number, maxBytes: number): Promise<Entry[]> {
    this.#check()
    const { log } = this.#open()
    const { before } = log.index
    if (from <= before.index) {
      throw new StorageError(
        'compacted',
        `entry ${from} was given up: the log begins after entry ${before.index}`,
      )
    }
    return log.read(from, maxBytes)
  }

  async createSnapshot(info: Omit<SnapshotInfo, 'bytes'>): Promise<SnapshotWriter> {
    this.#check()
    return this.#snapshots.create(info)
  }

  async *readSnapshot(offset: number): AsyncIterable<Uint8Array> {
    this.#check()
    yield* this.#snapshots.read(offset)
  }

  resetToSnapshot(): Promise<void> {
    return this.#task(() => this.#resetToSnapshot())
  }

  compact(index: number): Promise<void> {
    return this.#task(async () => {
      const { log, order } = this.#open()
      await log.removeThrough(Math.min(index, this.#snapshots.compactableIndex))
      order.compacted(log.index.before.index)
      this.#views.compacted(log.index.before.index)
    })
  }

  size(): number {
    return (this.#log?.bytes ?? 0) + (this.#state?.bytes ?? 0) + this.#snapshots.bytes
  }

  close(): Promise<void> {
    this.#closing ??= this.#sealAndLetGo()
    return this.#closing
  }

  async #sealAndLetGo(): Promise<void> {
    if (this.#phase === 'open' && !this.#failure) {
      const sealed = this.#task(async () => {
        await this.#writeMark(true)
      })
      this.#phase = 'closing'
      await sealed.catch((error: unknown) =>
        this.#home.report(`closing ${this.#home.directory}: ${String(error)}`),
      )
    }
    await this.#letGo()
  }

  #newSnapshots(): SnapshotFiles {
    return new SnapshotFiles(this.#home.fileSystem, this.#home.directory, {
      check: () => this.#check(),
      fail: (error) => this.#fail(error),
    })
  }

  async #load(tailBytes: number): Promise<StoredState> {
    const { fileSystem, directory, replicaId } = this.#home
    const found = await findState(this.#home)
    const scan = new LogScan(found.disk, found.state.durable)
    this.#salvage = new Salvage(this.#home, found, scan)
    await findLog(this.#home, found, this.#snapshots, scan)
    this.#salvage = null
    const log = await SegmentedLog.open(fileSystem, directory, found, scan, this.#sizes)
    this.#log = log
    const state = await StateFiles.open(fileSystem, directory, found)
    this.#state = state
    this.#order = new PersistOrder(log.index.before, log.index.last)
    this.#views = new ViewPositions(viewPositions(scan.views, this.#snapshots.newest))
    await this.#resetToSnapshot()
    const incarnation = found.state.incarnation + 1
    await this.#writeState({
      incarnation,
      hardState: found.state.hardState,
      durable: log.end,
      view: this.#views.newest,
    })
    const { before, last, termStarts } = log.index
    const firstView = scan.views.findIndex((view) => view.index > before.index)
    return {
      identity: { replicaId, disk: found.disk, incarnation },
      hardState: found.state.hardState,
      snapshot: this.#snapshots.newest,
      before,
      last,
      termStarts: [...termStarts],
      views: firstView === -1 ? [] : scan.views.slice(firstView),
      tail: await log.readTail(tailBytes),
    }
  }

  #enqueue(pending: Pending): void {
    this.#queue.push(pending)
    this.#working ??= this.#work()
  }

  async #task(run: () => Promise<void>): Promise<void> {
    this.#check()
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'task', run, resolve, reject }))
  }

  /** Does what is queued, one group after the other; what is asked for meanwhile forms the next group. */
  async #work(): Promise<void> {
    const { state } = this.#open()
    // What else is asked for in this turn goes into the same group.
    await Promise.resolve()
    for (;;) {
      const next = this.#failure ? null : takeGroup(this.#queue, state.state.hardState)
      if (!next) break
      const group = Array.isArray(next) ? next : [next]
      try {
        if (Array.isArray(next)) await this.#write(next)
        else await next.run()
        for (const done of group) done.resolve()
      } catch (error) {
        const failure = failureOf(`cannot write to ${this.#home.directory}`, error)
        if (failure.code === 'full') this.#refuse(group, failure)
        else {
          const final = this.#fail(failure)
          for (const each of group) each.reject(final)
        }
      }
    }
    this.#working = null
  }

  async #write(group: readonly PendingPersist[]): Promise<void> {
    const { log, state } = this.#open()
    const head = group[0]?.batch
    const last = log.index.last.index
    const truncateFrom = Math.min(head?.truncateFrom ?? last + 1, last + 1)
    const hardState =
      head?.hardState && !sameHardState(head.hardState, state.state.hardState) ? head.hardState : null
    const parts = group.map((each) => each.batch.entries).filter((entries) => entries.length > 0)
    if (parts.length === 0 && truncateFrom > last) {
      if (hardState) await this.#writeState({ ...state.state, hardState, durable: log.end })
      return
    }
    const bytes = group.reduce((sum, each) => sum + each.recordBytes, 0)
    if (log.needsNewSegment(bytes)) await this.#startSegment()
    const growth = log.encode(
      { first: truncateFrom, parts, recordBytes: bytes, reset: false },
      hardState ? state.nextSequence : state.state.sequence,
    )
    this.#claim(growth)
    if (hardState) {
      await log.reserve()
      await this.#writeState({ ...state.state, hardState, durable: log.end })
    }
    await log.append()
    // Nobody is told of a view before the state knows of it: if it is lost some day, that is noticed, and so is all that may have been confirmed under it.
    if (this.#views.follow(truncateFrom, parts)) await this.#writeMark()
  }

  async #resetToSnapshot(): Promise<void> {
    const { log, order, state } = this.#open()
    const snapshot = this.#snapshots.newest
    if (!snapshot || log.index.termAt(snapshot.index) === snapshot.term) return
    await this.#startSegment()
    log.encode(
      { first: snapshot.index + 1, previousTerm: snapshot.term, parts: [], recordBytes: 0, reset: true },
      state.state.sequence,
    )
    await log.append()
    order.reset(snapshot)
    this.#views = new ViewPositions([snapshot.viewPosition])
    await this.#writeMark()
    await log.removeThrough(snapshot.index)
  }

  /** The state tells of the new segment before the segment is used: if its file is lost some day, that is noticed. */
  async #startSegment(): Promise<void> {
    const { log, state } = this.#open()
    this.#claim(this.#sizes.preallocateBytes)
    await log.startSegment()
    await this.#writeState({ ...state.state, durable: log.end })
  }

  /** All that the log holds now was durable, and its newest view is this one. */
  async #writeMark(closed = false): Promise<void> {
    const { log, state } = this.#open()
    await this.#writeState({ ...state.state, durable: log.end, view: this.#views.newest }, closed)
  }

  async #writeState(change: Omit<State, 'sequence' | 'closed'>, closed = false): Promise<void> {
    try {
      await this.#open().state.write(change, closed)
    } catch (error) {
      // Not even `full` leaves things as they were here: the two copies may differ now.
      throw new StorageError(
        'failed',
        `cannot write the state in ${this.#home.directory}: ${String(error)}`,
        { cause: error },
      )
    }
  }

  /** The group found no space, and what was to follow it has nothing to follow. Hard states need no space: they stay queued. */
  #refuse(group: readonly Pending[], failure: StorageError): void {
    const { log, order } = this.#open()
    const following = this.#queue.filter((each) => each.kind === 'persist' && changesLog(each.batch))
    this.#queue = this.#queue.filter((each) => !following.includes(each))
    order.revert(log.index.last)
    for (const each of [...group, ...following]) each.reject(failure)
  }

  #fail(error: StorageError): StorageError {
    this.#failure ??=
      error.code === 'failed'
        ? error
        : new StorageError(
            'failed',
            `${error.message}; the storage refuses everything until it is opened anew`,
            { cause: error },
          )
    for (const each of this.#queue.splice(0)) each.reject(this.#failure)
    return this.#failure
  }

  #claim(bytes: number): void {
    // A snapshot under way is going to take the place of another, and of the log before it.
    const held = this.size() - this.#snapshots.bytesUnderWay
    if (bytes > 0 && held + bytes > this.#quotaBytes) {
      throw new StorageError(
        'full',
        `${this.#home.directory} holds ${held} bytes and may hold ${this.#quotaBytes}: raise the quota, or wait for a snapshot`,
      )
    }
  }

  #check(): void {
    if (this.#failure) throw this.#failure
    if (this.#phase !== 'open') throw notOpen()
  }

  #open(): { readonly log: SegmentedLog; readonly state: StateFiles; readonly order: PersistOrder } {
    if (!this.#log || !this.#state || !this.#order) throw notOpen()
    return { log: this.#log, state: this.#state, order: this.#order }
  }

  async #letGo(): Promise<void> {
    this.#phase = 'closed'
    await this.#working
    await this.#log?.close()
    await this.#state?.close()
    this.#log = null
    this.#state = null
    await this.#release?.()
    this.#release = null
  }
}
