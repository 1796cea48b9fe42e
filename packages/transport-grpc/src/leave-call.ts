/** What is needed of a stream that goes both ways. */
export interface Leavable {
  /** Bytes or messages that were written and have not left. */
  readonly writableLength: number
  end(): unknown
  cancel(): void
  /** The call is over, whoever ended it. */
  once(event: 'status', listener: () => void): unknown
}

/** Time for the server to end a call that was left, milliseconds. */
const patienceMs = 1_000

/** Time for what was written to a connection to leave, milliseconds. */
const flushMs = 10

/**
 * Cancels a call, in a moment; no call is cancelled otherwise. A stream that is reset while something written to its connection is about to leave puts Node (20 and 24) into a loop
 * in its own code that never ends and takes all memory.
 */
export function cancelSoon(call: { cancel(): void }): void {
  setTimeout(() => call.cancel(), flushMs).unref()
}

/** Gives a stream up, when nobody listens to it any more: ended in peace if something has yet to leave, and cancelled only if the server does not end it. */
export function leaveStream(stream: Leavable): void {
  if (stream.writableLength === 0) {
    cancelSoon(stream)
    return
  }
  const timer = setTimeout(() => stream.cancel(), patienceMs)
  timer.unref()
  stream.once('status', () => clearTimeout(timer))
  stream.end()
}
