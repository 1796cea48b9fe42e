import { Seen } from './seen.ts'

/** What can be searched: where it begins, what may happen in a state, and what must hold in every state. */
export interface System<State, Action> {
  readonly start: State
  /** What may be tried in a state; not everything has to be allowed. */
  choices(state: State): Iterable<Action>
  /** The state after it, or null if the rules do not allow it. */
  apply(state: State, action: Action): State | null
  /** Equal for states that differ only in the names of the replicas. Not 0. */
  fingerprint(state: State): number
  /** What is wrong in this state, or null. */
  broken(state: State): string | null
}

export interface SearchOptions<State> {
  /** Ends the search when so many states were found. Memory: about 40 bytes for each, and the states of two depths whole. */
  readonly limit: number
  /** Called with each new state; what it returns is reported like a broken invariant. */
  readonly inspect?: (state: State) => string | null
  readonly progress?: (found: number, depth: number, open: number) => void
}

export interface Step<State, Action> {
  readonly action: Action
  readonly state: State
}

export type Outcome<State, Action> =
  | { readonly type: 'exhausted'; readonly states: number; readonly depth: number }
  | { readonly type: 'limit'; readonly states: number; readonly depth: number }
  | {
      readonly type: 'broken'
      readonly states: number
      readonly what: string
      /** One of the shortest ways there. */
      readonly trace: readonly Step<State, Action>[]
    }

/** Visits every reachable state, nearest first, each once. */
export function search<State, Action>(
  system: System<State, Action>,
  options: SearchOptions<State>,
): Outcome<State, Action> {
  const seen = new Seen()
  const ancestry = new Ancestry()
  const first = system.fingerprint(system.start)
  seen.add(first)
  let open = [{ state: system.start, number: ancestry.add(first, 0) }]
  let depth = 0
  for (; open.length > 0; depth++) {
    const next: typeof open = []
    for (const { state, number } of open) {
      for (const action of system.choices(state)) {
        const after = system.apply(state, action)
        if (after === null) continue
        const fingerprint = system.fingerprint(after)
        if (!seen.add(fingerprint)) continue
        const reached = ancestry.add(fingerprint, number)
        const what = system.broken(after) ?? options.inspect?.(after) ?? null
        if (what !== null)
          return { type: 'broken', states: seen.size, what, trace: retrace(system, ancestry.wayTo(reached)) }
        next.push({ state: after, number: reached })
        if (seen.size >= options.limit) return { type: 'limit', states: seen.size, depth }
      }
    }
    open = next
    options.progress?.(seen.size, depth + 1, open.length)
  }
  return { type: 'exhausted', states: seen.size, depth }
}

/** From the fingerprints along a way to the states and what led to them. */
function retrace<State, Action>(
  system: System<State, Action>,
  way: readonly number[],
): Step<State, Action>[] {
  const steps: Step<State, Action>[] = []
  let state = system.start
  for (const wanted of way) {
    const step = findStep(system, state, wanted)
    steps.push(step)
    state = step.state
  }
  return steps
}

function findStep<State, Action>(
  system: System<State, Action>,
  from: State,
  wanted: number,
): Step<State, Action> {
  for (const action of system.choices(from)) {
    const state = system.apply(from, action)
    if (state !== null && system.fingerprint(state) === wanted) return { action, state }
  }
  throw new RangeError('the search cannot retrace its steps: choices or fingerprints are not repeatable')
}

/** Which state was found from which: 12 bytes for each. */
class Ancestry {
  #fingerprints = new Float64Array(1 << 12)
  #parents = new Int32Array(1 << 12)
  #size = 0

  add(fingerprint: number, parent: number): number {
    if (this.#size === this.#parents.length) {
      const fingerprints = new Float64Array(this.#size * 2)
      fingerprints.set(this.#fingerprints)
      this.#fingerprints = fingerprints
      const parents = new Int32Array(this.#size * 2)
      parents.set(this.#parents)
      this.#parents = parents
    }
    this.#fingerprints[this.#size] = fingerprint
    this.#parents[this.#size] = parent
    return this.#size++
  }

  /** Fingerprints of the states after the first one, in order. */
  wayTo(number: number): number[] {
    const way: number[] = []
    for (let at = number; at !== 0; at = this.#parents[at] ?? 0) way.push(this.#fingerprints[at] ?? 0)
    return way.reverse()
  }
}
