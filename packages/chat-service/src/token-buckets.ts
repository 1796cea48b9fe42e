export interface BucketRule {
  /** Tokens in a full bucket: what may be taken at once. 0: no limit at all. */
  readonly capacity: number
  /** Milliseconds after which one token has come back. */
  readonly refillMs: number
  /** Keys of which it is remembered what they took. Beyond, the one that took least recently is forgotten, as if its bucket were full. */
  readonly keys: number
}

interface Bucket {
  tokens: number
  /** When `tokens` was right. */
  at: number
}

/** A token bucket for each key, within bounds. */
export class TokenBuckets<K> {
  readonly #rule: BucketRule
  readonly #now: () => number
  /** The least recently used first. */
  readonly #buckets = new Map<K, Bucket>()

  /** `now`: milliseconds. */
  constructor(rule: BucketRule, now: () => number) {
    this.#rule = rule
    this.#now = now
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  /** Takes a token. @returns 0, or how many milliseconds later there is one */
  take(key: K): number {
    const { capacity, refillMs, keys } = this.#rule
    if (capacity === 0) return 0
    const bucket = this.#bucket(key)
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) * refillMs))
    bucket.tokens--
    if (this.#buckets.size > keys) {
      const [oldest] = this.#buckets.keys()
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
    return 0
  }

  /** Gives back what was taken and turned out not to count. */
  giveBack(key: K): void {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return
    bucket.tokens = Math.min(this.#rule.capacity, bucket.tokens + 1)
    if (bucket.tokens >= this.#rule.capacity) this.#buckets.delete(key)
  }

  /** As of now, and the most recently used. */
  #bucket(key: K): Bucket {
    const now = this.#now()
    const found = this.#buckets.get(key)
    const bucket = found ?? { tokens: this.#rule.capacity, at: now }
    // A clock that was set back gives nothing, and takes nothing.
    const refilled = Math.max(0, now - bucket.at) / this.#rule.refillMs
    bucket.tokens = Math.min(this.#rule.capacity, bucket.tokens + refilled)
    bucket.at = now
    if (found !== undefined) this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    return bucket
  }
}
