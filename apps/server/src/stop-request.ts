/** What asks this process to stop. */
export interface StopRequest {
  /** Resolves with what asked, in words, when it is asked to stop for the first time. */
  readonly requested: Promise<string>
}

/**
 * Listens for SIGTERM, SIGINT, and, if supervised, the end of standard input: whoever started this process holds the other end, and is gone when it
 * ends. A second signal ends the process at once: nothing that was acknowledged needs a clean end.
 */
export function listenForStop(supervised: boolean): StopRequest {
  const requested = new Promise<string>((resolve) => {
    let asked = false
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(1)
      asked = true
      resolve(signal)
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    if (!supervised) return
    const onEnd = (): void => {
      asked = true
      resolve('its supervisor is gone')
    }
    process.stdin.on('end', onEnd).on('error', onEnd)
    // Nothing is ever said there; it is read only to learn of its end.
    process.stdin.resume()
  })
  return { requested }
}
