import type { Step, System } from './search.ts'

export interface WalkOptions<State, Action> {
  /** The same seed walks the same ways. */
  readonly seed: number
  readonly walks: number
  /** Of each walk. */
  readonly steps: number
  /** How likely an action is, 1 if it is nothing special. */
  readonly weight: (action: Action) => number
  /** Called with the last state of each walk; what it returns is reported like a broken invariant. */
  readonly inspect?: (state: State) => string | null
}

export type WalkOutcome<State, Action> =
  | { readonly type: 'nothing'; readonly walks: number; readonly steps: number }
  | {
      readonly type: 'broken'
      readonly walks: number
      readonly steps: number
      readonly what: string
      readonly trace: readonly Step<State, Action>[]
    }

/** Walks at random through a system whose states are too many to visit them all: finds mistakes deeper than a search can go, proves nothing. */
export function walk<State, Action>(
  system: System<State, Action>,
  options: WalkOptions<State, Action>,
): WalkOutcome<State, Action> {
  const random = generator(options.seed)
  let steps = 0
  for (let walks = 1; walks <= options.walks; walks++) {
    const trace: Step<State, Action>[] = []
    let state = system.start
    let what: string | null = null
    for (let at = 0; at < options.steps && what === null; at++) {
      const step = anyStep(system, state, options.weight, random)
      if (step === null) break
      steps++
      trace.push(step)
      state = step.state
      what = system.broken(state)
    }
    what ??= options.inspect?.(state) ?? null
    if (what !== null) return { type: 'broken', walks, steps, what, trace }
  }
  return { type: 'nothing', walks: options.walks, steps }
}

function anyStep<State, Action>(
  system: System<State, Action>,
  state: State,
  weight: (action: Action) => number,
  random: () => number,
): Step<State, Action> | null {
  // One pass: each allowed step replaces the chosen one with the probability that makes all weights right.
  let chosen: Step<State, Action> | null = null
  let total = 0
  for (const action of system.choices(state)) {
    const after = system.apply(state, action)
    if (after === null) continue
    const own = weight(action)
    total += own
    if (random() * total < own) chosen = { action, state: after }
  }
  return chosen
}

/** 0 <= n < 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Leaves out of a trace whatever is not needed for what it shows: the same end, in fewer steps. */
export function shortened<State, Action>(
  system: System<State, Action>,
  trace: readonly Step<State, Action>[],
  isBad: (state: State) => boolean,
): Step<State, Action>[] {
  let best = [...trace]
  for (let without = best.length - 1; without >= 0; without--) {
    const shorter = replayed(system, best.toSpliced(without, 1), isBad)
    if (shorter !== null) best = shorter
    without = Math.min(without, best.length)
  }
  return best
}

/** The trace up to the first bad state, or null if a step is not allowed or nothing bad comes of it. */
function replayed<State, Action>(
  system: System<State, Action>,
  trace: readonly Step<State, Action>[],
  isBad: (state: State) => boolean,
): Step<State, Action>[] | null {
  const done: Step<State, Action>[] = []
  let before = system.start
  for (const { action } of trace) {
    const state = system.apply(before, action)
    if (state === null) return null
    done.push({ action, state })
    if (isBad(state)) return done
    before = state
  }
  return null
}
