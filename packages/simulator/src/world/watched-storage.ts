import type {
  Damage,
  Entry,
  PersistBatch,
  Remedy,
  SnapshotInfo,
  SnapshotWriter,
  Storage,
  StoredState,
} from '@chatroom/replication-log'
import type { Timeline } from '../kernel/timeline.ts'
import type { VirtualDisk } from './virtual-disk.ts'
import type { VirtualProcess } from './virtual-process.ts'

/** What a storage is asked to do, for whoever checks it. */
export interface StorageWatcher {
  opened(stored: StoredState): void
  persisting(batch: PersistBatch): void
  persisted(batch: PersistBatch): void
  snapshotInstalled(info: Omit<SnapshotInfo, 'bytes'>): void
  compacted(index: number): void
}

/** The replica's `Storage` port on a virtual disk, for one process: it takes time, it is seen by the watcher, and it stops with its process. */
export class WatchedStorage implements Storage {
  readonly #process: VirtualProcess
  readonly #disk: VirtualDisk
  readonly #timeline: Timeline
  readonly #inner: Storage
  readonly #watcher: StorageWatcher
  #newest: Omit<SnapshotInfo, 'bytes'> | null = null

  constructor(process: VirtualProcess, disk: VirtualDisk, timeline: Timeline, watcher: StorageWatcher) {
    this.#process = process
    this.#disk = disk
    this.#timeline = timeline
    this.#watcher = watcher
    this.#inner = disk.open(process)
  }

  async open(options: { readonly tailBytes: number }): Promise<StoredState> {
    await this.#turn()
    const stored = await this.#inner.open(options)
    this.#watcher.opened(stored)
    return stored
  }

  async mend(damage: Damage, using: Remedy): Promise<boolean> {
    await this.#turn()
    return await this.#inner.mend(damage, using)
  }

  async persist(batch: PersistBatch): Promise<void> {
    if (!this.#process.mayAct()) return never()
    this.#watcher.persisting(batch)
    await this.#inner.persist(batch)
    if (!this.#process.alive) return never()
    this.#watcher.persisted(batch)
  }

  async read(from: number, maxBytes: number): Promise<Entry[]> {
    await this.#turn()
    return await this.#inner.read(from, maxBytes)
  }

  async createSnapshot(info: Omit<SnapshotInfo, 'bytes'>): Promise<SnapshotWriter> {
    await this.#turn()
    const writer = await this.#inner.createSnapshot(info)
    return {
      write: async (chunk) => {
        await this.#turn()
        await writer.write(chunk)
      },
      commit: async () => {
        if (!this.#process.mayAct()) return never()
        this.#disk.naming()
        await writer.commit()
        this.#newest = info
      },
      abort: async () => {
        if (!this.#process.mayAct()) return never()
        await writer.abort()
      },
    }
  }

  async *readSnapshot(offset: number): AsyncIterable<Uint8Array> {
    for await (const chunk of this.#inner.readSnapshot(offset)) {
      await this.#turn()
      yield chunk
    }
  }

  async resetToSnapshot(): Promise<void> {
    if (!this.#process.mayAct()) return never()
    await this.#inner.resetToSnapshot()
    if (this.#newest !== null) this.#watcher.snapshotInstalled(this.#newest)
  }

  async compact(index: number): Promise<void> {
    if (!this.#process.mayAct()) return never()
    await this.#inner.compact(index)
    this.#watcher.compacted(index)
  }

  size(): number {
    return this.#inner.size()
  }

  async close(): Promise<void> {
    if (!this.#process.mayAct()) return never()
    await this.#inner.close()
  }

  /** The time one access takes; never ends in a process that has. */
  #turn(): Promise<void> {
    if (!this.#process.mayAct()) return never()
    return new Promise((resolve) => {
      this.#timeline.after(this.#disk.accessMs(), () => this.#process.deliver(resolve))
    })
  }
}

/** What a dead process waits for. */
function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}
