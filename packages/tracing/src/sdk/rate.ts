/** Lets so many through in each second, by a clock in milliseconds. */
export function atMostInASecond(most: number, now: () => number): () => boolean {
  let second = Number.NEGATIVE_INFINITY
  let taken = 0
  return () => {
    const at = now()
    if (at - second >= 1_000) {
      second = at
      taken = 0
    }
    return taken++ < most
  }
}
