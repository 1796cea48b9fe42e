/** Those that may come at once, and then each second: what nghttp2 takes by itself since 1.57. */
const burst = 1_000
const perSecond = 33

/** Counts the streams that a caller gives up: who begins and resets them without end makes work and takes no answer (CVE-2023-44487). */
export class Resets {
  #left = burst
  #since = performance.now()

  /** Counts one. */
  isAllowed(): boolean {
    const now = performance.now()
    this.#left = Math.min(burst, this.#left + ((now - this.#since) / 1_000) * perSecond)
    this.#since = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
