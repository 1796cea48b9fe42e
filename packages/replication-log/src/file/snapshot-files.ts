import { join } from 'node:path'
import type { SnapshotInfo, SnapshotWriter } from '../storage.ts'
import { StorageError } from '../storage-error.ts'
import type { FileSystem, OpenFile } from './file-system.ts'
import {
  chunkBytes,
  isSnapshotWhole,
  newFrame,
  readChunk,
  readSnapshotEnds,
  SnapshotEncoder,
  type SnapshotOnDisk,
  snapshotIndex,
  snapshotName,
} from './snapshot-format.ts'
import { codeOf, corrupt, failureOf } from './storage-failure.ts'

/** A snapshot is made durable in steps of this size, so that the log's own fdatasync never waits for all of it. */
const syncBytes = 4 * 1024 * 1024
const keptSnapshots = 2

interface KeptSnapshot extends SnapshotOnDisk {
  readonly name: string
}

/** What the storage decides for the snapshots. */
export interface SnapshotHost {
  /** Throws if the storage does not work any more. */
  check(): void
  /** The storage can no longer be trusted. Returns the error to throw. */
  fail(error: StorageError): StorageError
}

/** The newest two snapshots of a directory, newest first. */
export class SnapshotFiles {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #host: SnapshotHost
  #kept: readonly KeptSnapshot[] = []
  /** Names of files that turned out damaged or superfluous: removed with the next snapshot. */
  #condemned: string[] = []
  #damagedIndex: number | null = null
  #writing = false
  #pendingBytes = 0

  constructor(fileSystem: FileSystem, directory: string, host: SnapshotHost) {
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#host = host
  }

  get newest(): SnapshotInfo | null {
    return this.#kept[0]?.info ?? null
  }

  /** The newest snapshot that was found damaged and is newer than `newest`; null if there is none. */
  get damagedIndex(): number | null {
    return this.#damagedIndex
  }

  /** Entries up to here may go: even if the newest snapshot turns out damaged, the one before it and the log give the same state. */
  get compactableIndex(): number {
    return this.#kept[1]?.info.index ?? 0
  }

  /** Of the one that is being written. */
  get bytesUnderWay(): number {
    return this.#pendingBytes
  }

  get bytes(): number {
    return this.#kept.reduce((sum, each) => sum + each.fileBytes, this.#pendingBytes)
  }

  /** Finds the newest two whole snapshots. Reads every byte of them: a damaged one must be known while the log still makes up for it. Changes nothing. */
  async scan(report: (notice: string) => void): Promise<void> {
    const names = ((await this.#fileSystem.list(this.#directory)) ?? [])
      .filter((name) => snapshotIndex(name) !== null)
      .sort()
      .reverse()
    const kept: KeptSnapshot[] = []
    for (const name of names) {
      const snapshot = kept.length < keptSnapshots ? await this.#inspect(name) : null
      if (snapshot) {
        kept.push(snapshot)
        continue
      }
      this.#condemned.push(name)
      if (kept.length === 0) {
        this.#damagedIndex ??= snapshotIndex(name)
        report(`${name} is damaged`)
      }
    }
    this.#kept = kept
  }

  /** Only the snapshots that a log that begins after `before` can continue. */
  keepFrom(before: number): void {
    const useless = this.#kept.filter((each) => each.info.index < before)
    this.#kept = this.#kept.filter((each) => each.info.index >= before)
    this.#condemned.push(...useless.map((each) => each.name))
  }

  async create(info: Omit<SnapshotInfo, 'bytes'>): Promise<SnapshotWriter> {
    if (this.#writing)
      throw new StorageError('invalid', 'a snapshot is being written: commit or abort it first')
    const newest = this.newest
    if (newest && newest.index > info.index) {
      throw new StorageError(
        'invalid',
        `a snapshot at entry ${newest.index} exists: one at entry ${info.index} would be older`,
      )
    }
    this.#writing = true
    const name = snapshotName(info)
    const temporary = join(this.#directory, `${name}.tmp`)
    let file: OpenFile
    try {
      file = await this.#fileSystem.open(temporary, 'create')
    } catch (error) {
      this.#writing = false
      throw failureOf(`cannot create ${temporary}`, error)
    }
    const encoder = new SnapshotEncoder(file, info)
    let unsynced = 0
    let over = false
    const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
      this.#host.check()
      if (over) throw new StorageError('invalid', `${name} was committed or aborted`)
      try {
        return await work()
      } catch (error) {
        const failure = failureOf(`cannot write ${name}`, error)
        throw failure.code === 'full' ? failure : this.#host.fail(failure)
      }
    }
    return {
      write: (chunk) =>
        guarded(async () => {
          this.#pendingBytes += chunk.length
          await encoder.write(chunk)
          unsynced += chunk.length
          if (unsynced < syncBytes) return
          unsynced = 0
          await file.sync()
        }),
      commit: () =>
        guarded(async () => {
          await encoder.finish()
          await file.sync()
          const snapshot = await readSnapshotEnds(file, name)
          if (!snapshot) throw new Error('its header or trailer does not read back as it was written')
          over = true
          await file.close()
          await this.#fileSystem.rename(temporary, join(this.#directory, name))
          await this.#fileSystem.syncDirectory(this.#directory)
          await this.#adopt({ ...snapshot, name })
        }),
      abort: async () => {
        if (over) return
        over = true
        this.#writing = false
        this.#pendingBytes = 0
        await file.close()
        await this.#fileSystem.remove(temporary)
      },
    }
  }

  async *read(offset: number): AsyncIterable<Uint8Array> {
    const snapshot = this.#kept[0]
    if (!snapshot) throw new StorageError('no snapshot', 'there is no snapshot to read')
    const { name } = snapshot
    const damaged = (): StorageError => {
      this.#condemn(snapshot)
      return corrupt(`${name} is damaged; the snapshot before it and the log, or a new one, make up for it`, {
        file: name,
        from: null,
        to: null,
      })
    }
    const file = await this.#fileSystem.open(join(this.#directory, name), 'read')
    try {
      const sums = { value: 0 }
      const first = Math.floor(offset / chunkBytes)
      for (let number = first; number < snapshot.chunks; number++) {
        this.#host.check()
        const chunk = await readChunk(file, snapshot, number, newFrame(), sums)
        if (!chunk) throw damaged()
        const skip = number === first ? offset - first * chunkBytes : 0
        if (skip < chunk.length)
          yield new Uint8Array(chunk.buffer, chunk.byteOffset + skip, chunk.length - skip)
      }
      if (first === 0 && sums.value !== snapshot.sums) throw damaged()
    } catch (error) {
      throw codeOf(error) === 'EIO' ? damaged() : error
    } finally {
      await file.close()
    }
  }

  /** It was whole once and is not any more: nothing may be given up for its sake. */
  #condemn(snapshot: KeptSnapshot): void {
    if (!this.#kept.includes(snapshot)) return
    this.#kept = this.#kept.filter((each) => each !== snapshot)
    this.#condemned.push(snapshot.name)
  }

  async #inspect(name: string): Promise<KeptSnapshot | null> {
    try {
      const file = await this.#fileSystem.open(join(this.#directory, name), 'read')
      try {
        const snapshot = await readSnapshotEnds(file, name)
        return snapshot && (await isSnapshotWhole(file, snapshot)) ? { ...snapshot, name } : null
      } finally {
        await file.close()
      }
    } catch (error) {
      if (codeOf(error) === 'EIO') return null
      throw failureOf(`cannot read ${join(this.#directory, name)}`, error, 'unreadable')
    }
  }

  /** The newest snapshot is this one; what is older than the one before it goes. */
  async #adopt(snapshot: KeptSnapshot): Promise<void> {
    const others = this.#kept.filter((each) => each.name !== snapshot.name)
    this.#kept = [snapshot, ...others.slice(0, keptSnapshots - 1)]
    const gone = [...others.slice(keptSnapshots - 1).map((each) => each.name), ...this.#condemned]
    this.#condemned = []
    this.#damagedIndex = null
    this.#pendingBytes = 0
    this.#writing = false
    for (const name of gone) {
      if (name !== snapshot.name) await this.#fileSystem.remove(join(this.#directory, name))
    }
    if (gone.length > 0) await this.#fileSystem.syncDirectory(this.#directory)
  }
}
