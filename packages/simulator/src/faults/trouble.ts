import type { ReplicaId } from '@chatroom/election'
import { Random } from '../kernel/random.ts'
import type { Timeline } from '../kernel/timeline.ts'
import type { Range } from './conditions.ts'
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
  readonly #restartMs: Range
  readonly #open = new Set<() => void>()
  /** How long who ends next stays down. */
  readonly #downFor = new Map<ReplicaId, number>()
  #ceased = false

  constructor(stage: Stage, timeline: Timeline, seed: number, restartMs: Range) {
    this.#restartMs = restartMs
    this.#stage = stage
    this.#timeline = timeline
    this.#seed = seed
    this.#restarts = new Random(seed, 'restarts')
  }

  inject(fault: Fault): void {
    const leader = fault.atLeader ? this.#stage.leader() : null
    const host = this.#stage.hosts.find(({ id }) => id === (leader ?? fault.replica))
    if (host === undefined || this.#ceased) return
    const means: Means = {
      stage: this.#stage,
      timeline: this.#timeline,
      // Of its own, so that leaving a fault out does not change the others.
      random: new Random(this.#seed, `fault ${fault.number}`),
      until: (ms, undo) => this.#until(ms, undo),
      downFor: (id, ms) => void this.#downFor.set(id, ms),
    }
    injectors[fault.kind](fault, host, means)
  }

  /** Faults cease: what lasts is undone, who is down is started, nothing new begins. */
  cease(): void {
    this.#ceased = true
    for (const undo of [...this.#open]) undo()
    for (const host of this.#stage.hosts) this.supervise(host)
  }

  /** Starts the host's replica in a moment, or as long after as the fault says that ended it. */
  supervise(host: StageHost): void {
    if (host.program !== null) return
    const ms = this.#downFor.get(host.id) ?? this.#restarts.between(...this.#restartMs)
    this.#downFor.delete(host.id)
    this.#timeline.after(ms, () => this.#stage.start(host.id))
  }

  #until(ms: number, undo: () => void): void {
    const once = (): void => {
      if (this.#open.delete(once)) undo()
    }
    this.#open.add(once)
    this.#timeline.after(ms, once)
  }
}
