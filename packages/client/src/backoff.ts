/** How pauses between tries grow. */
export interface BackoffOptions {
  /** First pause, milliseconds. */
  readonly firstMs: number
  /** No pause is longer, milliseconds (before jitter). */
  readonly longestMs: number
  /** Each pause is so many times the one before. */
  readonly factor: number
}

/** A pause is up to this fraction shorter or longer, so that many clients do not come back in step. */
export const jitter = 0.2

/**
 * How long to pause before the next try.
 * @param failures tries in a row that failed so far, from 0
 * @param random from 0 to 1
 * @returns milliseconds
 */
export function pauseBefore(failures: number, options: BackoffOptions, random: number): number {
  const pause = Math.min(options.longestMs, options.firstMs * options.factor ** failures)
  return pause * (1 - jitter + 2 * jitter * random)
}

/**
 * Asking who leads after the leader was lost. The small factor keeps the last pause, which is what a failover takes longer because of the client,
 * near a tenth of the whole.
 */
export const searchBackoff: BackoffOptions = { firstMs: 10, longestMs: 200, factor: 1.2 }

/** Trying the same request again at a leader that refused it for now. */
export const retryBackoff: BackoffOptions = { firstMs: 10, longestMs: 200, factor: 2 }
