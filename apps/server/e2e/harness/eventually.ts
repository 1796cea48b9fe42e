import { setTimeout as pause } from 'node:timers/promises'

/**
 * Looks again and again until `look` finds what it wants (anything but null) and gives that. Fails after `withinMs` with what was expected and what was seen.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | null> | T | null,
  options: { readonly withinMs?: number; readonly seen?: () => string } = {},
): Promise<T> {
  const withinMs = options.withinMs ?? 60_000
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== null) return found
    if (performance.now() > deadline) {
      throw new Error(`not within ${withinMs} ms: ${what}. ${options.seen?.() ?? ''}`)
    }
    await pause(20)
  }
}
