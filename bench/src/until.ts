import { setTimeout as pause } from 'node:timers/promises'

/** Looks again and again until `look` finds something (anything but null) and gives that. What cannot be asked yet is asked again. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null> | T | null,
  { withinMs = 60_000, everyMs = 10 } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== null) return found
    if (performance.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}.`)
    await pause(everyMs)
  }
}
