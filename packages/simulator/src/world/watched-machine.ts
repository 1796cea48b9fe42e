import type { EntryContext, SnapshotSink, StateMachine } from '@chatroom/replica'
import { hashValue } from '../kernel/hash-value.ts'
import { hashBytes } from '../kernel/random.ts'
import type { VirtualProcess } from './virtual-process.ts'

/** A reply and the place of its command in the log. */
export interface Placed<Reply> {
  readonly reply: Reply
  readonly index: number
  readonly term: number
}

export interface Applied extends EntryContext {
  readonly commandHash: number
  readonly replyHash: number
}

/** The user's state machine, seen by whoever checks that all replicas do the same. */
export class WatchedMachine<Command, Reply, Machine extends StateMachine<Command, Reply>>
  implements StateMachine<Command, Placed<Reply>>
{
  readonly version: number
  readonly inner: Machine
  /** The state is that after this entry. */
  appliedIndex = 0
  readonly #process: Pick<VirtualProcess, 'mayAct'>
  readonly #applied: (applied: Applied) => void
  #commandHash = 0

  constructor(inner: Machine, process: Pick<VirtualProcess, 'mayAct'>, applied: (applied: Applied) => void) {
    this.inner = inner
    this.version = inner.version
    this.#process = process
    this.#applied = applied
  }

  encode(command: Command): Uint8Array {
    return this.inner.encode(command)
  }

  decode(payload: Uint8Array): Command {
    this.#commandHash = hashBytes(payload)
    return this.inner.decode(payload)
  }

  apply(command: Command, at: EntryContext): Placed<Reply> {
    return this.#watched(this.inner.apply(command, at), at)
  }

  /** As a replica does it. */
  applyEncoded(payload: Uint8Array, at: EntryContext): Placed<Reply> {
    if (this.inner.applyEncoded === undefined) return this.apply(this.decode(payload), at)
    this.#commandHash = hashBytes(payload)
    return this.#watched(this.inner.applyEncoded(payload, at), at)
  }

  #watched(reply: Reply, at: EntryContext): Placed<Reply> {
    const { index, term } = at
    this.appliedIndex = index
    if (this.#process.mayAct()) {
      this.#applied({
        index,
        term,
        time: at.time,
        commandHash: this.#commandHash,
        replyHash: hashValue(reply),
      })
    }
    return { reply, index, term }
  }

  /** The snapshot carries its place: after a restore the watcher has to know it. */
  snapshot(): IterableIterator<Uint8Array> {
    const place = new Uint8Array(8)
    new DataView(place.buffer).setFloat64(0, this.appliedIndex)
    // Made now: it describes the state as of this call.
    return oneMore(place, this.inner.snapshot())
  }

  restore(): SnapshotSink {
    const sink = this.inner.restore()
    let appliedIndex = 0
    // Chunks may have been cut anew: the first eight bytes are the place, whatever they come in.
    let head = new Uint8Array(0)
    return {
      write: (chunk) => {
        if (head.length === 8) return sink.write(chunk)
        const joined = new Uint8Array(head.length + chunk.length)
        joined.set(head)
        joined.set(chunk, head.length)
        head = joined.slice(0, 8)
        if (head.length < 8) return
        appliedIndex = new DataView(head.buffer).getFloat64(0)
        if (joined.length > 8) sink.write(joined.subarray(8))
      },
      finish: () => {
        sink.finish()
        this.appliedIndex = appliedIndex
      },
    }
  }

  hash(): string {
    return this.inner.hash()
  }
}

function* oneMore(first: Uint8Array, others: IterableIterator<Uint8Array>): IterableIterator<Uint8Array> {
  yield first
  yield* others
}
