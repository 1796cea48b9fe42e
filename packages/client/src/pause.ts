import { onAbort } from './on-abort.ts'
/**
 * Waits.
 * @param ms milliseconds
 * @param signal ends the wait early; that is no error here, the caller looks at the signal itself
 * @param wake given a function that ends the wait early
 */
export function pause(ms: number, signal: AbortSignal, wake?: (end: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const end = (): void => {
      clearTimeout(timer)
      forget()
      resolve()
    }
    const timer = setTimeout(end, ms)
    const forget = onAbort(signal, end)
    wake?.(end)
  })
}
