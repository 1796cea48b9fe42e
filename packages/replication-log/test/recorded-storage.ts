import { isDeepStrictEqual } from 'node:util'
import type { Entry, HardState, PersistBatch, Position, SnapshotInfo, Storage } from '../src/index.ts'
import type { FaultFileSystem } from '../src/testing/index.ts'

/** What a storage holds, as far as its user can tell. */
export interface Content {
  readonly hardState: HardState
  /** Position before the first entry. */
  readonly before: Position
  readonly entries: readonly Entry[]
  readonly snapshot: { readonly position: Position; readonly bytes: string } | null
}

const origin: Position = { index: 0, term: 0 }
const nothing: Content = {
  hardState: { term: 0, votedFor: null, clusterId: '' },
  before: origin,
  entries: [],
  snapshot: null,
}

/**
 * Uses a storage and notes after which operation of the disk it had been asked for what, and after which one it had promised what. The promises are kept
 * in a simple model of its own.
 */
export class RecordedStorage {
  #storage: Storage
  readonly #open: () => Storage
  readonly #fileSystem: FaultFileSystem
  /** What the storage may hold after the first, second, … step that it was asked for. */
  readonly #contents: Content[] = [nothing]
  /** For each number of operations at which something changed: how many steps were asked for, and promised, from then on. */
  readonly #asked: { operations: number; steps: number }[] = [{ operations: 0, steps: 0 }]
  /** The incarnations that were told of. */
  readonly #opened: { operations: number; steps: number }[] = []
  readonly #promised: { operations: number; steps: number }[] = [{ operations: 0, steps: 0 }]

  constructor(fileSystem: FaultFileSystem, open: () => Storage) {
    this.#open = open
    this.#storage = open()
    this.#fileSystem = fileSystem
  }

  async open(): Promise<void> {
    const { identity } = await this.#storage.open({ tailBytes: 0 })
    this.#opened.push({ operations: this.#fileSystem.operations.length, steps: identity.incarnation })
  }

  async close(): Promise<void> {
    await this.#storage.close()
  }

  async restart(): Promise<void> {
    await this.close()
    this.#storage = this.#open()
    await this.open()
  }

  async persist(batch: PersistBatch): Promise<void> {
    if (batch.hardState) this.#step({ hardState: batch.hardState })
    const { truncateFrom } = batch
    if (truncateFrom !== undefined) {
      this.#step({ entries: this.#last().entries.filter((entry) => entry.index < truncateFrom) })
    }
    for (const entry of batch.entries) this.#step({ entries: [...this.#last().entries, entry] })
    await this.#promise(this.#storage.persist(batch))
  }

  async snapshot(info: Omit<SnapshotInfo, 'bytes'>, bytes: string): Promise<void> {
    const writer = await this.#storage.createSnapshot(info)
    await writer.write(new TextEncoder().encode(bytes))
    this.#step({ snapshot: { position: { index: info.index, term: info.term }, bytes } })
    await this.#promise(writer.commit())
  }

  async reset(): Promise<void> {
    this.#step(afterReset(this.#last()))
    await this.#promise(this.#storage.resetToSnapshot())
  }

  /** The storage may give up entries up to here. */
  compact(index: number): Promise<void> {
    return this.#storage.compact(index)
  }

  /** Which contents are allowed after so many operations: equal texts, equal demands. */
  demands(operations: number): string {
    const [promised, asked] = this.#range(operations)
    return `${promised}-${asked}-${lastBefore(this.#opened, operations)}`
  }

  /** Null if a storage that was opened after so many operations may hold this; otherwise what is wrong. */
  objection(operations: number, found: Content & { readonly incarnation: number }): string | null {
    const incarnation = lastBefore(this.#opened, operations)
    if (found.incarnation <= incarnation)
      return `incarnation ${incarnation} was told of before, now ${found.incarnation}`

    const [promised, asked] = this.#range(operations)
    const allowed = this.#contents.slice(promised, asked + 1)
    if (allowed.some((content) => holds(found, afterReset(content)))) return null
    return `promised ${describe(this.#contents[promised])}; asked for ${describe(this.#contents[asked])}; found ${describe(found)}`
  }

  #range(operations: number): [promised: number, asked: number] {
    return [lastBefore(this.#promised, operations), lastBefore(this.#asked, operations)]
  }

  #last(): Content {
    return this.#contents.at(-1) ?? nothing
  }

  #step(change: Partial<Content>): void {
    this.#contents.push({ ...this.#last(), ...change })
    this.#asked.push({ operations: this.#fileSystem.operations.length, steps: this.#contents.length - 1 })
  }

  async #promise(done: Promise<void>): Promise<void> {
    const steps = this.#contents.length - 1
    await done
    this.#promised.push({ operations: this.#fileSystem.operations.length, steps })
  }
}

function lastBefore(marks: readonly { operations: number; steps: number }[], operations: number): number {
  return marks.findLast((each) => each.operations <= operations)?.steps ?? 0
}

/** What opening makes of it: a snapshot that the log does not lead to has replaced the log. */
function afterReset(content: Content): Content {
  const to = content.snapshot?.position
  if (!to || termAt(content, to.index) === to.term) return content
  return { ...content, before: to, entries: [] }
}

function termAt(content: Content, index: number): number | undefined {
  if (index === content.before.index) return content.before.term
  return content.entries.find((entry) => entry.index === index)?.term
}

/** Whether `found` is `expected`, but perhaps without entries that a snapshot has taken in. */
function holds(found: Content, expected: Content): boolean {
  const compacted = found.before.index
  return (
    isDeepStrictEqual(found.hardState, expected.hardState) &&
    isDeepStrictEqual(found.snapshot, expected.snapshot) &&
    compacted >= expected.before.index &&
    (compacted === expected.before.index || compacted <= (expected.snapshot?.position.index ?? 0)) &&
    termAt(expected, compacted) === found.before.term &&
    isDeepStrictEqual(
      found.entries,
      expected.entries.filter((entry) => entry.index > compacted),
    )
  )
}

export function describe(content: Content | undefined): string {
  if (!content) return 'nothing'
  const { hardState, before, entries, snapshot } = content
  const terms = entries.map((entry) => `${entry.index}.${entry.term}`).join(' ')
  return `term ${hardState.term} vote ${hardState.votedFor}, after ${before.index}.${before.term}: [${terms}], snapshot ${snapshot?.position.index ?? 'none'}`
}

/** Opens a storage and reads all of it. */
export async function readAll(storage: Storage): Promise<Content & { readonly incarnation: number }> {
  const state = await storage.open({ tailBytes: 1_000_000 })
  const entries: Entry[] = []
  for (
    let next = state.before.index + 1;
    next <= state.last.index;
    next = (entries.at(-1)?.index ?? next) + 1
  ) {
    entries.push(...(await storage.read(next, 1_000_000)))
  }
  if (!isDeepStrictEqual(state.tail, entries)) throw new Error('the tail differs from what can be read')
  const parts: Uint8Array[] = []
  if (state.snapshot) for await (const part of storage.readSnapshot(0)) parts.push(part)
  const snapshot = state.snapshot && {
    position: { index: state.snapshot.index, term: state.snapshot.term },
    bytes: Buffer.concat(parts).toString(),
  }
  const { before, hardState } = state
  return { incarnation: state.identity.incarnation, hardState, before, entries, snapshot }
}
