import type { ReplicaId } from '@chatroom/election'
import { Random } from '../kernel/random.ts'
import type { Timeline } from '../kernel/timeline.ts'
import { diskTrouble } from './disk-trouble.ts'
import type { Fault, FaultKind } from './fault.ts'
import { networkTrouble } from './network-trouble.ts'
import { operatorTrouble } from './operator-trouble.ts'
import { processTrouble } from './process-trouble.ts'
import type { Injector, Means, Stage, StageHost } from './stage.ts'

const injectors: Record<FaultKind, Injector> = {
  ...processTrouble,
  ...networkTrouble,
  ...diskTrouble,
  ...operatorTrouble,
}

/** Brings faults about, ends them, and is the supervisor that starts again what ended. */
export class Trouble {
  readonly #stage: Stage
  readonly #timeline: Timeline
  readonly #seed: number
  readonly #restarts: Random
  readonly #open = new Set<() => void>()
  /** Who must not be started yet, for how many reasons. */
  readonly #held = new Map<ReplicaId, number>()
  #ceased = false

  constructor(stage: Stage, timeline: Timeline, seed: number) {
    this.#stage = stage
    this.#timeline = timeline
    this.#seed = seed
    this.#restarts = new Random(seed, 'restarts')
  }

  inject(fault: Fault): void {
    const host = this.#host(fault.replica)
    if (host === undefined || this.#ceased) return
    const means: Means = {
      stage: this.#stage,
      timeline: this.#timeline,
      // Of its own, so that leaving a fault out does not change the others.
      random: new Random(this.#seed, `fault ${fault.number}`),
      until: (ms, undo) => this.#until(ms, undo),
      hold: (id, ms) => this.#hold(id, ms),
    }
    injectors[fault.kind](fault, host, means)
  }

  /** Faults cease: what lasts is undone, who is down is started, nothing new begins. */
  cease(): void {
    this.#ceased = true
    for (const undo of [...this.#open]) undo()
    for (const host of this.#stage.hosts) this.supervise(host)
  }

  /** Starts the host's replica in a moment, unless something holds it down. */
  supervise(host: StageHost): void {
    if (host.program !== null) return
    this.#timeline.after(this.#restarts.between(1, 300), () => {
      if ((this.#held.get(host.id) ?? 0) === 0) this.#stage.start(host.id)
    })
  }

  #until(ms: number, undo: () => void): void {
    const once = (): void => {
      if (this.#open.delete(once)) undo()
    }
    this.#open.add(once)
    this.#timeline.after(ms, once)
  }

  #hold(id: ReplicaId, ms: number): void {
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1)
    this.#until(ms, () => {
      const left = (this.#held.get(id) ?? 1) - 1
      this.#held.set(id, left)
      const host = this.#host(id)
      if (left === 0 && host !== undefined) this.supervise(host)
    })
  }

  #host(id: ReplicaId): StageHost | undefined {
    return this.#stage.hosts.find((host) => host.id === id)
  }
}
