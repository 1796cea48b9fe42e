const hubs = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `listener` when the signal is aborted; not if it is already. However many wait for one signal, it has one listener: hundreds of messages may share
 * a signal, and an EventTarget looks through all of its listeners to add one.
 * @returns a function that forgets the listener
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) return () => undefined
  const hub = hubs.get(signal) ?? openHub(signal)
  // Each call counts, also if the same function is given twice.
  const entry = (): void => listener()
  hub.add(entry)
  return () => void hub.delete(entry)
}

function openHub(signal: AbortSignal): Set<() => void> {
  const hub = new Set<() => void>()
  hubs.set(signal, hub)
  signal.addEventListener(
    'abort',
    () => {
      const listeners = [...hub]
      hub.clear()
      for (const listener of listeners) listener()
    },
    { once: true },
  )
  return hub
}
