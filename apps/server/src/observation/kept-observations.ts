import type { Counter, Histogram } from 'prom-client'

const mostKept = 64

/**
 * What a histogram is to be told with every batch of the log, kept and handed over many at a time: one by one, each finds what prom-client needs gone from the
 * processor's caches. To be handed over also when somebody asks for the metrics.
 */
export class KeptDurations {
  readonly #seconds = new Float64Array(mostKept)
  #kept = 0

  add(ms: number, to: Histogram): void {
    this.#seconds[this.#kept++] = ms / 1_000
    if (this.#kept === mostKept) this.handOver(to)
  }

  handOver(to: Histogram): void {
    for (let at = 0; at < this.#kept; at++) to.observe(this.#seconds[at] ?? 0)
    this.#kept = 0
  }
}

/** The same for a counter of durations by member: their sums, until somebody asks for the metrics. */
export class KeptWaits {
  readonly #ms = new Map<number, number>()

  add(member: number, ms: number): void {
    this.#ms.set(member, (this.#ms.get(member) ?? 0) + ms)
  }

  handOver(to: Counter<'Member'>): void {
    for (const [member, ms] of this.#ms) to.inc({ Member: String(member) }, ms / 1_000)
    this.#ms.clear()
  }
}
