import { createHash } from 'node:crypto'
import { dirname } from 'node:path'

/** One thing that a program did to a disk. Files are named by numbers, since a file can have several names in its life, or none. */
export type DiskOperation =
  | { readonly type: 'create'; readonly path: string; readonly file: number }
  | { readonly type: 'rename'; readonly from: string; readonly to: string; readonly file: number }
  | { readonly type: 'remove'; readonly path: string }
  | { readonly type: 'syncDirectory'; readonly directory: string }
  | { readonly type: 'write'; readonly file: number; readonly position: number; readonly bytes: Uint8Array }
  | { readonly type: 'truncate'; readonly file: number; readonly size: number }
  | { readonly type: 'sync'; readonly file: number }
  /** A sync that reported an error: what it was to make durable is lost, and no later sync brings it back unless it is written again. */
  | { readonly type: 'failedSync'; readonly file: number }

/** A disk as the next process finds it: contents by path. */
export type DiskImage = ReadonlyMap<string, Uint8Array>

type NameOperation = Extract<DiskOperation, { readonly type: 'create' | 'rename' | 'remove' }>

/** A part of what was not synced, which a power cut keeps or loses on its own. */
type Piece =
  | { readonly type: 'name'; readonly operation: NameOperation }
  | { readonly type: 'data'; readonly file: number; readonly position: number; readonly bytes: Uint8Array }
  | { readonly type: 'grow'; readonly file: number; readonly size: number }
  | { readonly type: 'truncate'; readonly file: number; readonly size: number }

/**
 * A disk that knows what of it is durable. Its model of a power cut: every sector that was written, every truncation, every growth of a file and every change of
 * a directory that no sync has covered is kept or lost independently of all others.
 */
export class DiskJournal {
  #names: Map<string, number> = new Map()
  #contents: Map<number, Uint8Array> = new Map()
  /** Sizes as a running program sees them. */
  readonly #sizes: Map<number, number> = new Map()
  readonly #sectorBytes: number
  #pieces: Piece[] = []
  #nextFile = 0

  /** `sectorBytes`: what the disk writes whole or not at all. */
  constructor(image: DiskImage = new Map(), sectorBytes = 512) {
    this.#sectorBytes = sectorBytes
    for (const [path, content] of [...image].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const file = this.newFile()
      this.#names.set(path, file)
      this.#contents.set(file, content)
      this.#sizes.set(file, content.length)
    }
  }

  /** Files that are durable, by path. */
  get names(): ReadonlyMap<string, number> {
    return this.#names
  }

  newFile(): number {
    return this.#nextFile++
  }

  apply(operation: DiskOperation): void {
    switch (operation.type) {
      case 'create':
        this.#nextFile = Math.max(this.#nextFile, operation.file + 1)
        this.#contents.set(operation.file, new Uint8Array(0))
        this.#sizes.set(operation.file, 0)
        this.#pieces.push({ type: 'name', operation })
        break
      case 'rename':
      case 'remove':
        this.#pieces.push({ type: 'name', operation })
        break
      case 'syncDirectory':
        this.#settle((piece) => piece.type === 'name' && directoryOf(piece.operation) === operation.directory)
        break
      case 'write':
        this.#write(operation.file, operation.position, operation.bytes)
        break
      case 'truncate':
        this.#sizes.set(operation.file, operation.size)
        this.#pieces.push(operation)
        break
      case 'sync':
        this.#settle((piece) => piece.type !== 'name' && piece.file === operation.file)
        break
      case 'failedSync':
        this.#pieces = this.#pieces.filter((piece) => piece.type === 'name' || piece.file !== operation.file)
        break
    }
  }

  /**
   * Every different disk that a power cut could leave now. Throws if there are more than 2^`maxPieces` combinations: a test says how large it
   * is, and nothing is sampled.
   */
  *crashes(maxPieces = 14): Generator<DiskImage> {
    const pieces = this.#pieces
    if (pieces.length > maxPieces) {
      throw new Error(
        `${pieces.length} unsynced pieces: more than the ${maxPieces} this test is prepared to try all combinations of`,
      )
    }
    const seen = new Set<string>()
    for (let choice = 0; choice < 2 ** pieces.length; choice++) {
      const image = this.#materialise((_piece, at) => (choice & (1 << at)) !== 0)
      const key = fingerprint(image)
      if (seen.has(key)) continue
      seen.add(key)
      yield image
    }
  }

  /** What only a sync made sure of, or everything that was written. */
  image(what: 'durable' | 'written'): DiskImage {
    return this.#materialise(() => what === 'written')
  }

  #write(file: number, position: number, bytes: Uint8Array): void {
    const end = position + bytes.length
    const size = this.#sizes.get(file) ?? 0
    if (end > size) {
      this.#pieces.push({ type: 'grow', file, size: end })
      this.#sizes.set(file, end)
    }
    let at = position
    while (at < end) {
      const next = Math.min(end, at - (at % this.#sectorBytes) + this.#sectorBytes)
      const part = bytes.slice(at - position, next - position)
      // Zeros beyond the end of the file: whether they were written or the file only grew cannot be told.
      const invisible = at >= size && part.every((byte) => byte === 0)
      if (!invisible) this.#pieces.push({ type: 'data', file, position: at, bytes: part })
      at = next
    }
  }

  #settle(covered: (piece: Piece) => boolean): void {
    const after = this.#take(covered)
    this.#names = after.names
    this.#contents = after.contents
    this.#pieces = this.#pieces.filter((piece) => !covered(piece))
  }

  #materialise(kept: (piece: Piece, at: number) => boolean): DiskImage {
    const { names, contents } = this.#take(kept)
    return new Map([...names].map(([path, file]) => [path, contents.get(file) ?? new Uint8Array(0)]))
  }

  /** The disk after some of what was not synced. Contents are never changed in place: images share them. */
  #take(kept: (piece: Piece, at: number) => boolean): {
    names: Map<string, number>
    contents: Map<number, Uint8Array>
  } {
    const names = new Map(this.#names)
    const contents = new Map(this.#contents)
    const drafts = new Map<number, GrowingBytes>()
    for (const [at, piece] of this.#pieces.entries()) {
      if (!kept(piece, at)) continue
      if (piece.type === 'name') rename(names, piece.operation)
      else {
        const draft =
          drafts.get(piece.file) ?? new GrowingBytes(contents.get(piece.file) ?? new Uint8Array(0))
        drafts.set(piece.file, draft)
        if (piece.type === 'data') draft.write(piece.bytes, piece.position)
        else if (piece.type === 'grow') draft.resize(Math.max(draft.size, piece.size))
        else draft.resize(piece.size)
      }
    }
    for (const [file, draft] of drafts) contents.set(file, draft.content())
    return { names, contents }
  }
}

/** Bytes that can be overwritten, grow and shrink. */
export class GrowingBytes {
  /** Its first `size` bytes count; the rest are zero. */
  buffer: Uint8Array
  size: number

  constructor(content: Uint8Array) {
    this.buffer = new Uint8Array(content)
    this.size = content.length
  }

  write(data: Uint8Array, position: number): void {
    this.resize(Math.max(this.size, position + data.length))
    this.buffer.set(data, position)
  }

  resize(size: number): void {
    if (size > this.buffer.length) {
      const larger = new Uint8Array(Math.max(size, this.buffer.length * 2))
      larger.set(this.buffer)
      this.buffer = larger
    }
    if (size < this.size) this.buffer.fill(0, size, this.size)
    this.size = size
  }

  content(): Uint8Array {
    return this.buffer.slice(0, this.size)
  }
}

/** A name for the whole content of a disk. */
export function fingerprint(image: DiskImage): string {
  const hash = createHash('sha1')
  for (const [path, content] of [...image].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('base64')
}

function directoryOf(operation: NameOperation): string {
  return dirname(operation.type === 'rename' ? operation.to : operation.path)
}

function rename(names: Map<string, number>, operation: NameOperation): void {
  if (operation.type === 'create') names.set(operation.path, operation.file)
  else if (operation.type === 'remove') names.delete(operation.path)
  else {
    // The new name means this file even if the change that gave it the old one was lost.
    if (names.get(operation.from) === operation.file) names.delete(operation.from)
    names.set(operation.to, operation.file)
  }
}
