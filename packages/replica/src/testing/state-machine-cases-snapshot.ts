import type { StateMachine } from '../ports/state-machine.ts'
import { differenceOf, inWords } from './difference.ts'
import { fail, History, type StateMachineCase } from './state-machine-history.ts'

const chunkBytes = 256 * 1024

export const snapshotCases: readonly StateMachineCase[] = [
  {
    name: 'looking at the state does not change it',
    run(subject) {
      const history = new History(subject)
      for (const cut of history.cuts()) {
        const machine = history.after(cut)
        const hash = machine.hash()
        if (machine.hash() !== hash)
          fail(`After ${cut} commands hash() gave ${hash}, then ${machine.hash()}.`)
        taken(machine)
        if (machine.hash() !== hash)
          fail(`After ${cut} commands a snapshot changed the hash from ${hash} to ${machine.hash()}.`)
      }
    },
  },
  {
    name: 'a snapshot restores to the same hash, over whatever was there',
    run(subject) {
      const history = new History(subject)
      for (const cut of history.cuts()) {
        const machine = history.after(cut)
        const chunks = taken(machine)
        for (const [into, before] of [
          [history.create(), 'a new one'],
          [history.after(history.length), `one with ${history.length} commands`],
        ] as const) {
          restore(into, chunks)
          if (into.hash() !== machine.hash())
            fail(
              `The snapshot after ${cut} commands, restored into ${before}, gives hash ${into.hash()} instead of ${machine.hash()}. Something of the state is not in the snapshot, is read otherwise than it was written, or what was there before was kept.`,
            )
        }
      }
    },
  },
  {
    name: 'a replica that restored a snapshot goes on as the others do',
    run(subject) {
      const history = new History(subject)
      for (const cut of history.cuts()) {
        const [machine, restored] = [history.after(cut), history.create()]
        restore(restored, taken(machine))
        for (let position = cut; position < history.length; position++) {
          const difference = differenceOf(history.apply(machine, position), history.apply(restored, position))
          if (difference !== null)
            fail(
              `A replica that restored the snapshot after ${cut} commands replied otherwise to ${history.name(position)}: ${difference}. ${orders}`,
            )
        }
        if (machine.hash() !== restored.hash())
          fail(
            `A replica that restored the snapshot after ${cut} commands has another state after the remaining ${history.length - cut}: hash ${restored.hash()} instead of ${machine.hash()}. ${orders}`,
          )
      }
    },
  },
  {
    name: 'a snapshot is of the moment it was begun, whatever is applied while it is taken',
    run(subject) {
      const history = new History(subject)
      for (const cut of history.cuts(12)) {
        if (cut === history.length) continue
        const machine = history.after(cut)
        const hash = machine.hash()
        const chunks: Uint8Array[] = []
        const snapshot = machine.snapshot()
        let position = cut
        // All of it before the first chunk is asked for, then once more with a command before each chunk.
        history.play(machine, position, history.length)
        for (const chunk of snapshot) chunks.push(chunk)
        mustBe(
          hash,
          history.create(),
          chunks,
          `began after ${cut} commands, with ${history.length - cut} applied before its first chunk`,
        )
        const slow = history.after(cut)
        const piecemeal: Uint8Array[] = []
        for (const chunk of slow.snapshot()) {
          piecemeal.push(chunk)
          if (position < history.length) history.apply(slow, position++)
        }
        mustBe(
          hash,
          history.create(),
          piecemeal,
          `began after ${cut} commands, with one applied after each chunk`,
        )
      }
    },
  },
  {
    name: 'a chunk that was given out does not change',
    run(subject) {
      const history = new History(subject)
      const machine = history.after(history.length - 1)
      const chunks = [...machine.snapshot()]
      const before = chunks.map((chunk) => Uint8Array.from(chunk))
      history.play(machine, history.length - 1)
      taken(machine)
      for (const [i, chunk] of chunks.entries())
        if (Buffer.compare(chunk, before[i] ?? chunk) !== 0)
          fail(
            `Chunk ${i} of a snapshot changed after it was given out: its buffer is used again. Give each chunk a buffer of its own.`,
          )
    },
  },
  {
    name: 'chunks are at most 256 KiB, and may be cut anywhere on their way',
    run(subject) {
      const history = new History(subject)
      const machine = history.after(history.length)
      const chunks = taken(machine)
      for (const [i, { length }] of chunks.entries())
        if (length > chunkBytes)
          fail(`Chunk ${i} of the snapshot has ${length} bytes: at most ${chunkBytes}.`)
      const whole = Uint8Array.from(Buffer.concat(chunks))
      // As small as it gets in some thousand pieces.
      const small = Math.ceil(whole.length / 10_000)
      for (const size of [whole.length, small, 7 * small]) {
        const pieces: Uint8Array[] = []
        for (let at = 0; at < whole.length; at += size) pieces.push(whole.slice(at, at + size))
        mustBe(
          machine.hash(),
          history.create(),
          pieces,
          `arrived in pieces of ${size} bytes instead of its own chunks`,
        )
      }
    },
  },
  {
    name: 'a restore changes nothing before it is finished, and nothing if it never is',
    run(subject) {
      const history = new History(subject)
      const chunks = taken(history.after(history.length))
      const machine = history.after(1)
      const hash = machine.hash()
      const sink = machine.restore()
      for (const chunk of chunks) sink.write(chunk)
      if (machine.hash() !== hash)
        fail(
          `A restore that was not finished changed the hash from ${hash} to ${machine.hash()}: build the new state apart and put it in place in finish().`,
        )
    },
  },
  {
    name: 'a restored state does not hang on the bytes it was read from',
    run(subject) {
      const history = new History(subject)
      const machine = history.after(history.length)
      const chunks = taken(machine)
      const restored = history.create()
      const sink = restored.restore()
      for (const chunk of chunks) {
        const lent = Uint8Array.from(chunk)
        sink.write(lent)
        lent.fill(0)
      }
      sink.finish()
      if (restored.hash() !== machine.hash())
        fail(
          'A restore used a chunk after write() had returned, when its buffer held something else: copy what is kept.',
        )
    },
  },
  {
    name: 'a snapshot that is given up makes room for the next',
    run(subject) {
      const history = new History(subject)
      const machine = history.after(history.length)
      const hash = machine.hash()
      const unbegun = machine.snapshot()
      unbegun.return?.()
      const begun = machine.snapshot()
      begun.next()
      begun.return?.()
      mustBe(hash, history.create(), taken(machine), 'came after two that were given up')
    },
  },
]

const orders =
  'Usual reasons: the order of a Map, a Set or an object is the order of insertion, which a restore does not repeat: sort, or keep the order in the snapshot; a cache or a counter that the snapshot lacks.'

function taken<Command, Reply>(machine: StateMachine<Command, Reply>): Uint8Array[] {
  return Array.from(machine.snapshot(), (chunk) => Uint8Array.from(chunk))
}

function restore<Command, Reply>(machine: StateMachine<Command, Reply>, chunks: readonly Uint8Array[]): void {
  const sink = machine.restore()
  for (const chunk of chunks) sink.write(chunk)
  sink.finish()
}

function mustBe<Command, Reply>(
  hash: string,
  empty: StateMachine<Command, Reply>,
  chunks: readonly Uint8Array[],
  which: string,
): void {
  try {
    restore(empty, chunks)
  } catch (error) {
    fail(`A snapshot that ${which} cannot be restored: ${String(error)}`)
  }
  if (empty.hash() !== hash)
    fail(
      `A snapshot that ${which} restores to hash ${empty.hash()} instead of ${hash} (first bytes ${inWords(chunks[0]?.subarray(0, 32))}). snapshot() has to hold the state as of its call, and restore to take it in pieces of any size.`,
    )
}
