import { encodeView } from '@chatroom/election'
import { type SnapshotInfo, type SnapshotWriter, type Storage, StorageError } from '@chatroom/replication-log'
import type { Effect } from '../core/effects.ts'
import type { Event } from '../core/events.ts'
import { type Core, viewAt } from '../core/state.ts'
import type { Clock } from '../ports/clock.ts'
import type { ReplicaObserver } from '../ports/observer.ts'
import type { StateMachine } from '../ports/state-machine.ts'
import type { Applier } from './applier.ts'
import type { Persister } from './persister.ts'

type WriteSnapshot = Extract<Effect, { type: 'writeSnapshot' }>

interface Incoming {
  readonly index: number
  readonly term: number
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
  #newest: { readonly index: number; readonly bytes: number } | null
  #incoming: Incoming | null = null
  #taking = false

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
  }

  /** Takes a snapshot if so many bytes were applied since the last one. */
  takeIfDue(core: Core, everyBytes: number): void {
    const { applied, bytesSinceSnapshot, time } = this.#applier
    if (this.#taking || this.#incoming !== null || bytesSinceSnapshot < everyBytes || applied === 0) return
    const term = core.log.termAt(applied)
    if (term === undefined) return
    this.#taking = true
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
    this.#take(info, this.#machine.snapshot()).then(
      () => {
        this.#taking = false
        this.#dispatch({ type: 'snapshotTaken', index: info.index, time })
      },
      (error: unknown) => {
        this.#taking = false
        // A full disk loses nothing: the log is still there, and the next snapshot is tried after as many bytes again.
        if (!(error instanceof StorageError && error.code === 'full')) this.#failed(error)
      },
    )
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
    } catch (error) {
      chunks.return?.()
      await writer?.abort()
      throw error
    }
    await writer.commit()
    this.#newest = { index: info.index, bytes }
    this.#observer?.snapshotTaken(this.#clock.now() - begun, bytes)
  }

  /** A part of the newest snapshot for a follower. */
  read(effect: Extract<Effect, { type: 'readSnapshot' }>): void {
    const { peer, index, offset } = effect
    const newest = this.#newest
    const gone = { type: 'snapshotRead', peer, index, offset, data: new Uint8Array(0), total: 0 } as const
    if (newest === null || newest.index !== index) return this.#dispatch(gone)
    this.#firstChunk(offset).then(
      (data) => this.#dispatch(this.#newest === newest ? { ...gone, data, total: newest.bytes } : gone),
      (error: unknown) => this.#failed(error),
    )
  }

  async #firstChunk(offset: number): Promise<Uint8Array> {
    for await (const chunk of this.#storage.readSnapshot(offset)) return chunk
    return new Uint8Array(0)
  }

  /** A part of the leader's snapshot. A part that does not continue what is there is answered with the offset that would. */
  write(effect: WriteSnapshot): void {
    this.#persister.exclusive(async () => {
      const incoming = await this.#continue(effect)
      const answer = {
        type: 'snapshotWritten',
        from: effect.from,
        snapshot: effect.snapshot,
        view: effect.view,
        time: effect.time,
      } as const
      if (incoming === null || incoming.offset < effect.total) {
        this.#dispatch({ ...answer, offset: incoming?.offset ?? 0, installed: false })
        return
      }
      this.#incoming = null
      await incoming.writer.commit()
      await restore(this.#machine, this.#storage, this.#clock, this.#observer)
      await this.#storage.resetToSnapshot()
      this.#newest = { index: incoming.index, bytes: effect.total }
      this.#applier.jumpTo(incoming.index, effect.time)
      this.#dispatch({ ...answer, offset: effect.total, installed: true })
    })
  }

  async #continue(effect: WriteSnapshot): Promise<Incoming | null> {
    const { snapshot, view, time } = effect
    if (
      this.#incoming !== null &&
      (this.#incoming.index !== snapshot.index || this.#incoming.term !== snapshot.term)
    ) {
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
      this.#incoming = {
        index: snapshot.index,
        term: snapshot.term,
        offset: 0,
        writer: await this.#storage.createSnapshot(info),
      }
    }
    if (effect.offset === this.#incoming.offset && effect.data.length > 0) {
      await this.#incoming.writer.write(effect.data)
      this.#incoming.offset += effect.data.length
    }
    return this.#incoming
  }
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
