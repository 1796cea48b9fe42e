import { Random } from '../kernel/random.ts'
import type { Operation } from './history.ts'

/** What the replicated thing would be if it were one thing in one place. States are values: `step` makes a new one. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State
  /** The state after the operation; null if the operation cannot have been answered like this here. `told` undefined: nobody knows what it was answered. */
  step(state: State, input: Input, told: Output | undefined): State | null
  /** Equal states, equal text. */
  key(state: State): string
}

export type Verdict =
  | { readonly linearizable: true }
  /** `stuckAt`: the operation that no order can explain, after the longest explainable beginning. `searchedAll`: false if the search was given up. */
  | {
      readonly linearizable: false
      readonly stuckAt: string
      readonly explained: number
      readonly searchedAll: boolean
    }

/** Places of the search that are remembered before it is given up: histories that can be explained need a small part of that. */
const MOST_PLACES = 1_000_000

interface Call<Input, Output> {
  readonly operation: Operation<Input, Output>
  readonly number: number
  readonly answered: boolean
}

/** An event of the history: a place in a list from which it can be taken out and put back. */
interface Link<Input, Output> {
  /** Null: the head. */
  readonly call: Call<Input, Output> | null
  readonly end: boolean
  /** Of a beginning: its end. */
  matching: Link<Input, Output> | null
  previous: Link<Input, Output> | null
  next: Link<Input, Output> | null
}

/**
 * Whether there is an order of the operations, each at one moment between its beginning and its end, in which the model gives every client the answer it got.
 *
 * The search of Wing and Gong (1993) with Lowe's memory of where it has been (2017): try the pending operations one after the other, go back where none fits, and
 * never enter the same pair of done operations and state twice. Operations without an answer may take effect at any time or never, so they are tried last.
 *
 * `operations`: in the order in which they began, as a `History` has them.
 */
export function checkLinearizable<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): Verdict {
  const calls = operations.map((operation, number) => {
    return { operation, number, answered: operation.ended !== Number.POSITIVE_INFINITY }
  })
  const head = arrange(calls.filter(({ answered }) => answered))
  const unanswered = calls.filter(({ answered }) => !answered)
  const done = new DoneSet(operations.length)
  const seen = new Set<number>()
  /** What was tried, and where to go on should it prove wrong. */
  const stack: {
    call: Call<Input, Output>
    link: Link<Input, Output> | null
    state: State
    resume: Resume<Input, Output>
  }[] = []
  let state = model.initial
  let best = -1
  let stuckAt = ''
  let resume: Resume<Input, Output> = { link: head.next, loose: 0 }
  for (;;) {
    if (head.next === null) return { linearizable: true }
    const tried = advance(resume, unanswered, done, (call) => {
      const next = model.step(state, call.operation.input, call.operation.output)
      if (next === null) return null
      const place = done.with(call.number, model.key(next))
      if (seen.has(place)) return null
      seen.add(place)
      return next
    })
    if (tried !== null) {
      stack.push({ call: tried.call, link: tried.link, state, resume: tried.after })
      state = tried.next
      done.flip(tried.call.number)
      if (tried.link !== null) lift(tried.link)
      resume = { link: head.next, loose: 0 }
      continue
    }
    if (stack.length > best) {
      best = stack.length
      stuckAt = describe(firstEnd(head))
    }
    const last = stack.pop()
    if (last === undefined || seen.size > MOST_PLACES)
      return { linearizable: false, stuckAt, explained: best, searchedAll: last === undefined }
    state = last.state
    done.flip(last.call.number)
    if (last.link !== null) unlift(last.link)
    resume = last.resume
  }
}

/** Where the search for the next operation goes on: first along the list, then among the unanswered. */
interface Resume<Input, Output> {
  readonly link: Link<Input, Output> | null
  readonly loose: number
}

interface Tried<State, Input, Output> {
  readonly call: Call<Input, Output>
  readonly link: Link<Input, Output> | null
  readonly next: State
  readonly after: Resume<Input, Output>
}

function advance<State, Input, Output>(
  from: Resume<Input, Output>,
  unanswered: readonly Call<Input, Output>[],
  done: DoneSet,
  attempt: (call: Call<Input, Output>) => State | null,
): Tried<State, Input, Output> | null {
  let { link } = from
  for (; link !== null && !link.end; link = link.next) {
    if (link.call === null) continue
    const next = attempt(link.call)
    if (next !== null) return { call: link.call, link, next, after: { link: link.next, loose: 0 } }
  }
  // Only what began before the first end that is still open can come before it.
  const before = link?.call?.operation.ended ?? Number.POSITIVE_INFINITY
  for (let at = from.loose; at < unanswered.length; at++) {
    const call = unanswered[at]
    if (call === undefined || call.operation.began > before) break
    if (done.has(call.number)) continue
    const next = attempt(call)
    if (next !== null) return { call, link: null, next, after: { link, loose: at + 1 } }
  }
  return null
}

function firstEnd<Input, Output>(head: Link<Input, Output>): Call<Input, Output> | null {
  for (let link = head.next; link !== null; link = link.next) if (link.end) return link.call
  return null
}

function describe<Input, Output>(call: Call<Input, Output> | null): string {
  if (call === null) return 'the end'
  const { client, input, output } = call.operation
  return `client ${client}: ${JSON.stringify(input)} was answered ${JSON.stringify(output)}`
}

function arrange<Input, Output>(calls: readonly Call<Input, Output>[]): Link<Input, Output> {
  const head: Link<Input, Output> = { call: null, end: false, matching: null, previous: null, next: null }
  const events: { at: number; link: Link<Input, Output> }[] = []
  for (const call of calls) {
    const matching = { call, end: true, matching: null, previous: null, next: null }
    events.push({
      at: call.operation.began,
      link: { call, end: false, matching, previous: null, next: null },
    })
    events.push({ at: call.operation.ended, link: matching })
  }
  events.sort((a, b) => a.at - b.at)
  let previous = head
  for (const { link } of events) {
    link.previous = previous
    previous.next = link
    previous = link
  }
  return head
}

function lift<Input, Output>(link: Link<Input, Output>): void {
  for (const each of [link, link.matching]) {
    if (each === null) continue
    if (each.previous !== null) each.previous.next = each.next
    if (each.next !== null) each.next.previous = each.previous
  }
}

function unlift<Input, Output>(link: Link<Input, Output>): void {
  for (const each of [link.matching, link]) {
    if (each === null) continue
    if (each.previous !== null) each.previous.next = each
    if (each.next !== null) each.next.previous = each
  }
}

/** Which operations are done, also as a number of 53 bits: each operation has a random one of its own, and those of the done ones are combined (Zobrist 1970). */
class DoneSet {
  readonly #done: Uint8Array
  readonly #low: Int32Array
  readonly #high: Int32Array
  #lowSum = 0
  #highSum = 0

  constructor(size: number) {
    const random = new Random(size, 'operations')
    this.#done = new Uint8Array(size)
    this.#low = new Int32Array(size).map(() => random.below(2 ** 32) | 0)
    this.#high = new Int32Array(size).map(() => random.below(2 ** 32) | 0)
  }

  has(number: number): boolean {
    return this.#done[number] === 1
  }

  flip(number: number): void {
    this.#done[number] = this.has(number) ? 0 : 1
    this.#lowSum ^= this.#low[number] ?? 0
    this.#highSum ^= this.#high[number] ?? 0
  }

  /** With one more done, and together with a text. */
  with(number: number, text: string): number {
    let low = this.#lowSum ^ (this.#low[number] ?? 0)
    let high = this.#highSum ^ (this.#high[number] ?? 0)
    for (let at = 0; at < text.length; at++) {
      low = Math.imul(low ^ text.charCodeAt(at), 0x01000193)
      high = Math.imul(high ^ low, 0x85ebca6b)
    }
    return ((high & 0x1fffff) >>> 0) * 4294967296 + (low >>> 0)
  }
}
