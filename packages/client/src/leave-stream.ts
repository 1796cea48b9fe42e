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

/**
 * Gives a call up, when nobody listens to it any more.
 *
 * A stream that is reset while something written to it is about to leave puts Node (20 and 24) into a loop in its own code that never ends and takes all memory. So such a
 * call is ended in peace first, and cancelled only if the server does not end it: by then what could leave has left.
 */
export function leaveStream(stream: Leavable): void {
  if (stream.writableLength === 0) {
    stream.cancel()
    return
  }
  const timer = setTimeout(() => stream.cancel(), patienceMs)
  timer.unref()
  stream.once('status', () => clearTimeout(timer))
  stream.end()
}
