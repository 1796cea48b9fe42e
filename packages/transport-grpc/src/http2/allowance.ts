/** Those that may come at once, and then each second: what nghttp2 takes of resets by itself since 1.57. */
const burst = 1_000
const perSecond = 33

/** Bounds how often another end makes work that costs it nothing. */
export class Allowance {
  #left = burst
  #since = performance.now()

  /** Counts one. */
  isLeft(): boolean {
    const now = performance.now()
    this.#left = Math.min(burst, this.#left + ((now - this.#since) / 1_000) * perSecond)
    this.#since = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
