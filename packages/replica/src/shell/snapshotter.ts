import { encodeView, type Member, sameMember } from '@chatroom/election'
import { type SnapshotInfo, type SnapshotWriter, type Storage, StorageError } from '@chatroom/replication-log'
import type { Effect } from '../core/effects.ts'
import type { Event } from '../core/events.ts'
import { type Core, viewAt } from '../core/state.ts'
import { ReplicaError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { ReplicaObserver } from '../ports/observer.ts'
import type { StateMachine } from '../ports/state-machine.ts'
import type { Applier } from './applier.ts'
import type { MendingEvent } from './mending.ts'
import type { Persister } from './persister.ts'

/** How long whoever wants a snapshot that is not there waits before it asks again. */
const AGAIN_MS = 500

/** All that a replica had applied at one moment, durable on its disk. */
export interface SavedSnapshot {
  readonly clusterId: string
  readonly info: SnapshotInfo
  /** What the state machine wrote, in order. Stays readable while newer ones are taken. Throws a `StorageError` 'corrupt' if the disk has lost it meanwhile. */
  readonly chunks: AsyncIterable<Uint8Array>
}

type WriteSnapshot = Extract<Effect, { type: 'writeSnapshot' }>

interface Incoming {
  readonly info: Omit<SnapshotInfo, 'bytes'>
  /** Whose it is: another replica's snapshot of the same index is of the same state, but not the same bytes. */
  readonly from: Member
  readonly total: number
  offset: number
  readonly writer: SnapshotWriter
}

/** Takes snapshots of the own state, takes in those of a leader, and reads them out for followers. */
export class Snapshotter<Command, Reply> {
  readonly #machine: StateMachine<Command, Reply>
  readonly #storage: Storage
  readonly #persister: Persister
  readonly #applier: Applier<Command, Reply>
  readonly #clock: Clock
  readonly #observer: ReplicaObserver | undefined
  readonly #dispatch: (event: Event) => void
  readonly #failed: (error: unknown) => void
  readonly #emit: (event: MendingEvent) => void
  #newest: SnapshotInfo | null
  #incoming: Incoming | null = null
  /** The file for a leader's snapshot is being made: it is `#incoming` in a moment. */
  #opening = false
  #taking: Promise<void> | null = null
  /** A leader's snapshot is whole and takes the place of the state. */
  #installing = false

  constructor(parts: {
    machine: StateMachine<Command, Reply>
    storage: Storage
    persister: Persister
    applier: Applier<Command, Reply>
    clock: Clock
    observer: ReplicaObserver | undefined
    newest: SnapshotInfo | null
    dispatch: (event: Event) => void
    failed: (error: unknown) => void
    emit: (event: MendingEvent) => void
  }) {
    this.#machine = parts.machine
    this.#storage = parts.storage
    this.#persister = parts.persister
    this.#applier = parts.applier
    this.#clock = parts.clock
    this.#observer = parts.observer
    this.#newest = parts.newest
    this.#dispatch = parts.dispatch
    this.#failed = parts.failed
    this.#emit = parts.emit
  }

  /** Takes a snapshot if so many bytes were applied since the last one. */
  takeIfDue(core: Core, everyBytes: number): void {
    if (this.#taking !== null || this.#applier.bytesSinceSnapshot < everyBytes) return
    this.#begin(core)?.catch((error: unknown) => {
      // A full disk loses nothing: the log is still there, and the next snapshot is tried after as many bytes again.
      if (!isFull(error)) this.#failed(error)
    })
  }

  /**
   * All that is applied now, as a snapshot that is durable here: a new one, unless the newest has it all. Null if nothing is applied. Rejects with a `ReplicaError`
   * 'storage full', or 'not ready' while a leader's snapshot comes in.
   */
  async save(core: Core): Promise<SavedSnapshot | null> {
    const wanted = this.#applier.applied
    if (wanted === 0) return null
    for (;;) {
      if (this.#isReceiving)
        throw new ReplicaError('not ready', 'this replica is being brought up to date: try again later')
      const newest = this.#newest
      if (this.#taking === null && newest !== null && newest.index >= wanted) {
        const saved = await this.#open(newest, core)
        if (saved !== null) return saved
        continue
      }
      const taking = this.#taking ?? this.#begin(core)
      if (taking === null) return null
      try {
        await taking
      } catch (error) {
        if (!isFull(error)) this.#failed(error)
        throw new ReplicaError(
          isFull(error) ? 'storage full' : 'halted',
          `no snapshot could be taken: ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        )
      }
    }
  }

  /** A leader's snapshot is on its way here: the storage takes one at a time. */
  get #isReceiving(): boolean {
    return this.#incoming !== null || this.#opening || this.#installing
  }

  /** Null: there is nothing to take. */
  #begin(core: Core): Promise<void> | null {
    const { applied, time } = this.#applier
    const term = core.log.termAt(applied)
    if (applied === 0 || term === undefined || this.#isReceiving) return null
    this.#applier.bytesSinceSnapshot = 0
    const view = viewAt(core, applied)
    const info = {
      index: applied,
      term,
      time,
      view: encodeView(view),
      viewPosition: { index: view.index, term: view.term },
    }
    // The iterator is made now, so that it describes the state as of `applied`.
    const taking = this.#take(info, this.#machine.snapshot()).finally(() => {
      this.#taking = null
    })
    this.#taking = taking
    return taking.then(() => this.#dispatch({ type: 'snapshotTaken', index: info.index, time }))
  }

  async #take(info: Omit<SnapshotInfo, 'bytes'>, chunks: IterableIterator<Uint8Array>): Promise<void> {
    const begun = this.#clock.now()
    let writer: SnapshotWriter | null = null
    let bytes = 0
    try {
      writer = await this.#storage.createSnapshot(info)
      for (const chunk of chunks) {
        bytes += chunk.length
        await writer.write(chunk)
        // One chunk per turn of the event loop: a write that only fills a buffer would not let anything else run.
        await new Promise<void>((resolve) => this.#clock.soon(resolve))
      }
      await writer.commit()
    } catch (error) {
      chunks.return?.()
      await writer?.abort()
      throw error
    }
    this.#newest = { ...info, bytes }
    this.#observer?.snapshotTaken(this.#clock.now() - begun, bytes)
  }

  /** A part of the newest snapshot for a follower. */
  read(effect: Extract<Effect, { type: 'readSnapshot' }>, core: Core): void {
    const { peer, index, offset } = effect
    const newest = this.#newest
    const gone = { type: 'snapshotRead', peer, index, offset, data: new Uint8Array(0), total: 0 } as const
    // Never at once: the core would ask again at once.
    if (newest === null || newest.index !== index)
      return void this.#clock.after(AGAIN_MS, () => this.#dispatch(gone))
    this.#firstChunk(offset).then(
      (data) => this.#dispatch(this.#newest === newest ? { ...gone, data, total: newest.bytes } : gone),
      (error: unknown) => {
        if (!isDamaged(error)) return this.#failed(error)
        this.#replace(newest, core, error)
        this.#clock.after(AGAIN_MS, () => this.#dispatch(gone))
      },
    )
  }

  /** The file turned out damaged. The state in memory is whole: a new snapshot takes the place of the damaged one. */
  #replace(damaged: SnapshotInfo, core: Core, error: StorageError): void {
    if (this.#newest !== damaged) return
    this.#newest = null
    const damage = error.damage ?? { file: '', from: null, to: null }
    this.#emit({ type: 'damage found', damage, words: error.message })
    const done = (): void => {
      const words = 'a new snapshot took the place of the damaged one'
      if (this.#newest !== null) this.#emit({ type: 'damage mended', damage, words })
    }
    if (this.#taking !== null) return void this.#taking.then(done, () => undefined)
    this.#begin(core)?.then(done, (reason: unknown) => {
      if (!isFull(reason)) this.#failed(reason)
    })
  }

  /** Called only while nothing takes the place of the newest snapshot, so that this one is what is read. Null: it is damaged, and another is on its way. */
  async #open(info: SnapshotInfo, core: Core): Promise<SavedSnapshot | null> {
    const rest = this.#storage.readSnapshot(0)[Symbol.asyncIterator]()
    try {
      const first = await rest.next()
      return { info, clusterId: core.clusterId, chunks: this.#chunks(info, core, first, rest) }
    } catch (error) {
      if (!isDamaged(error)) throw error
      this.#replace(info, core, error)
      return null
    }
  }

  async *#chunks(
    info: SnapshotInfo,
    core: Core,
    first: IteratorResult<Uint8Array>,
    rest: AsyncIterator<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (let next = first; next.done !== true; next = await rest.next()) yield next.value
    } catch (error) {
      if (isDamaged(error)) this.#replace(info, core, error)
      throw error
    } finally {
      await rest.return?.()
    }
  }

  async #firstChunk(offset: number): Promise<Uint8Array> {
    for await (const chunk of this.#storage.readSnapshot(offset)) return chunk
    return new Uint8Array(0)
  }

  /** A part of the leader's snapshot. A part that does not continue what is there is answered with the offset that would. */
  write(effect: WriteSnapshot): void {
    this.#persister.exclusive(async () => {
      const { from, snapshot, view, time } = effect
      const answer = { type: 'snapshotWritten', from, snapshot, view, time } as const
      let incoming: Incoming | null
      try {
        incoming = await this.#continue(effect)
        if (incoming === null || incoming.offset < effect.total)
          return this.#dispatch({ ...answer, offset: incoming?.offset ?? 0, installed: false })
        this.#installing = true
        await incoming.writer.commit()
      } catch (error) {
        if (!isFull(error)) throw error
        await this.#incoming?.writer.abort()
        this.#incoming = null
        this.#installing = false
        // From the beginning again, a little later: there may be room by then.
        this.#clock.after(AGAIN_MS, () => this.#dispatch({ ...answer, offset: 0, installed: false }))
        throw error
      }
      this.#incoming = null
      this.#applier.hold()
      await restore(this.#machine, this.#storage, this.#clock, this.#observer)
      await this.#storage.resetToSnapshot()
      this.#newest = { ...incoming.info, bytes: effect.total }
      this.#installing = false
      this.#applier.jumpTo(incoming.info.index, effect.time)
      this.#dispatch({ ...answer, offset: effect.total, installed: true })
    })
  }

  async #continue(effect: WriteSnapshot): Promise<Incoming | null> {
    const { from, snapshot, view, time, total } = effect
    if (this.#incoming !== null && !isOf(this.#incoming, effect)) {
      await this.#incoming.writer.abort()
      this.#incoming = null
    }
    if (this.#incoming === null) {
      // Only one snapshot at a time: the leader asks again when this replica's own one is done.
      if (effect.offset !== 0 || this.#taking) return null
      const info = {
        ...snapshot,
        time,
        view: encodeView(view),
        viewPosition: { index: view.index, term: view.term },
      }
      this.#opening = true
      try {
        this.#incoming = { info, from, total, offset: 0, writer: await this.#storage.createSnapshot(info) }
      } finally {
        this.#opening = false
      }
    }
    if (effect.offset === this.#incoming.offset && effect.data.length > 0) {
      await this.#incoming.writer.write(effect.data)
      this.#incoming.offset += effect.data.length
    }
    return this.#incoming
  }
}

function isOf({ info, from, total }: Incoming, part: WriteSnapshot): boolean {
  const { index, term } = part.snapshot
  return info.index === index && info.term === term && total === part.total && sameMember(from, part.from)
}

function isFull(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'full'
}

function isDamaged(error: unknown): error is StorageError {
  return error instanceof StorageError && error.code === 'corrupt'
}

/** Makes the state machine's state that of the newest snapshot. */
export async function restore<Command, Reply>(
  machine: StateMachine<Command, Reply>,
  storage: Storage,
  clock: Clock,
  observer: Pick<ReplicaObserver, 'snapshotRestored'> | undefined,
): Promise<void> {
  const begun = clock.now()
  const sink = machine.restore()
  for await (const chunk of storage.readSnapshot(0)) sink.write(chunk)
  sink.finish()
  observer?.snapshotRestored(clock.now() - begun)
}
