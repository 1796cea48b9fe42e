import { dirname } from 'node:path'
import type { FileSystem, OpenFile, ProcessIdentity } from '../file/index.ts'
import { type DiskImage, DiskJournal, type DiskOperation, GrowingBytes } from './disk-journal.ts'

/** What a test may let go wrong: an operation on the disk, or a read of a file. */
export type FaultableOperation = DiskOperation | { readonly type: 'read'; readonly path: string }

export interface FaultFileSystemOptions {
  /** What the disk holds. Default: nothing. */
  readonly image?: DiskImage
  /** What an ended process did to the disk since, without syncing all of it: its power has not failed. Default: nothing. */
  readonly operations?: readonly DiskOperation[]
  /** What the disk writes whole or not at all. Default 512. */
  readonly sectorBytes?: number
  /** Number of the process; locks of other processes are left-over. Default 1. */
  readonly pid?: number
  /** Directories that exist from the beginning; their files are created in them. Default: none. */
  readonly directories?: readonly string[]
}

/**
 * A file system in memory that records every operation, so that a test can have every disk that a power cut could have left, at any moment, and that fails when told to.
 */
export class FaultFileSystem implements FileSystem {
  readonly process: ProcessIdentity
  /** Everything done so far, in order; the unit in which tests count time. */
  readonly operations: DiskOperation[] = []
  /** Files together take at most so many bytes; a write beyond fails with `ENOSPC` after its first part. */
  capacityBytes: number = Number.POSITIVE_INFINITY
  /** Answers with the code of the error an operation shall fail with (`EIO`, …), or null. A failed sync loses what it was to make durable. */
  fault: ((operation: FaultableOperation) => string | null) | null = null
  readonly #journal: DiskJournal
  readonly #directories: Set<string>
  readonly #names: Map<string, number> = new Map()
  readonly #contents: Map<number, GrowingBytes> = new Map()

  constructor(options: FaultFileSystemOptions = {}) {
    this.process = { pid: options.pid ?? 1, start: 'test' }
    this.#journal = new DiskJournal(options.image, options.sectorBytes)
    this.#directories = new Set(options.directories)
    for (const [path, file] of this.#journal.names) {
      this.#names.set(path, file)
      this.#contents.set(file, new GrowingBytes(options.image?.get(path) ?? new Uint8Array(0)))
      this.#directories.add(dirname(path))
    }
    for (const operation of options.operations ?? []) this.replay(operation)
  }

  /** Every different disk that a power cut could leave now. */
  crashes(maxPieces?: number): Generator<DiskImage> {
    return this.#journal.crashes(maxPieces)
  }

  image(what: 'durable' | 'written'): DiskImage {
    return this.#journal.image(what)
  }

  /** Changes a byte under the feet of whoever has the file open. */
  flip(path: string, offset: number, mask = 1): void {
    const content = this.#contentOf(path)
    content.buffer[offset] = (content.buffer[offset] ?? 0) ^ mask
  }

  isRunning(process: ProcessIdentity): boolean {
    return process.pid === this.process.pid
  }

  async list(directory: string): Promise<readonly string[] | null> {
    if (!this.#directories.has(directory)) return null
    return [...this.#names.keys()]
      .filter((path) => dirname(path) === directory)
      .map((path) => path.slice(directory.length + 1))
  }

  async makeDirectory(directory: string): Promise<void> {
    this.#directories.add(directory)
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile> {
    const there = this.#names.get(path)
    if (mode === 'create') {
      if (there !== undefined) throw systemError('EEXIST', path)
      const file = this.#journal.newFile()
      this.#do({ type: 'create', path, file })
      return this.#handle(path, file)
    }
    if (there === undefined) throw systemError('ENOENT', path)
    return this.#handle(path, there)
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#names.get(from)
    if (file === undefined) throw systemError('ENOENT', from)
    this.#do({ type: 'rename', from, to, file })
  }

  async remove(path: string): Promise<void> {
    if (!this.#names.has(path)) throw systemError('ENOENT', path)
    this.#do({ type: 'remove', path })
  }

  async syncDirectory(directory: string): Promise<void> {
    this.#do({ type: 'syncDirectory', directory })
  }

  #handle(path: string, file: number): OpenFile {
    const content = (): GrowingBytes => this.#contents.get(file) ?? new GrowingBytes(new Uint8Array(0))
    const write = async (bytes: Uint8Array, position: number): Promise<void> =>
      this.#write(path, file, bytes, position)
    const sync = async (): Promise<void> => this.#do({ type: 'sync', file })
    return {
      size: async () => content().size,
      read: async (into, length, position) => {
        const code = this.fault?.({ type: 'read', path })
        if (code) throw systemError(code, path)
        const part = content().buffer.subarray(position, Math.min(position + length, content().size))
        into.set(part)
        return part.length
      },
      write,
      writeDurably: async (bytes, position) => {
        await write(bytes, position)
        await sync()
      },
      sync,
      truncate: async (size) => this.#do({ type: 'truncate', file, size }),
      close: async () => undefined,
    }
  }

  #write(path: string, file: number, bytes: Uint8Array, position: number): void {
    const used = [...new Set(this.#names.values())].reduce(
      (sum, each) => sum + (this.#contents.get(each)?.size ?? 0),
      0,
    )
    const size = this.#contents.get(file)?.size ?? 0
    const fits = Math.max(0, Math.max(0, size - position) + this.capacityBytes - used)
    if (fits > 0) this.#do({ type: 'write', file, position, bytes: new Uint8Array(bytes.subarray(0, fits)) })
    if (fits < bytes.length) throw systemError('ENOSPC', path)
  }

  #do(operation: DiskOperation): void {
    const code = this.fault?.(operation)
    if (code) {
      if (operation.type === 'sync') this.replay({ ...operation, type: 'failedSync' })
      throw systemError(code, operation.type)
    }
    this.replay(operation)
  }

  /** Does what another process did, as if this one had. */
  replay(operation: DiskOperation): void {
    this.operations.push(operation)
    this.#journal.apply(operation)
    switch (operation.type) {
      case 'create':
        this.#names.set(operation.path, operation.file)
        this.#contents.set(operation.file, new GrowingBytes(new Uint8Array(0)))
        break
      case 'rename':
        this.#names.delete(operation.from)
        this.#names.set(operation.to, operation.file)
        break
      case 'remove':
        this.#names.delete(operation.path)
        break
      case 'write':
        this.#contents.get(operation.file)?.write(operation.bytes, operation.position)
        break
      case 'truncate':
        this.#contents.get(operation.file)?.resize(operation.size)
        break
      case 'sync':
      case 'failedSync':
      case 'syncDirectory':
        break
    }
  }

  #contentOf(path: string): GrowingBytes {
    const content = this.#contents.get(this.#names.get(path) ?? -1)
    if (!content) throw systemError('ENOENT', path)
    return content
  }
}

function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}
