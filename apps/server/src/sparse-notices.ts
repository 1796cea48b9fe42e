/** How many kinds of notices are told apart; beyond, they count as one. */
const kindsKept = 64

/**
 * Lets through one notice of a kind in a while, and says how many of it were kept back before it: what strangers do to a port must not fill the log.
 * @returns for each notice the number kept back before it, or null if it is kept back itself
 */
export function sparseNotices(everyMs: number, now: () => number): (kind: string) => number | null {
  const kinds = new Map<string, { toldAt: number; keptBack: number }>()
  return (wanted) => {
    const kind = kinds.has(wanted) || kinds.size < kindsKept ? wanted : ''
    const found = kinds.get(kind)
    if (found !== undefined && now() - found.toldAt < everyMs) {
      found.keptBack++
      return null
    }
    kinds.set(kind, { toldAt: now(), keptBack: 0 })
    return found?.keptBack ?? 0
  }
}
