import { performServerHandshake } from 'node:http2'
import type { Duplex } from 'node:stream'
import { status } from '@grpc/grpc-js'
import { Departure } from '../server/departure.ts'
import { answerHeaders, trailersOf } from '../server/headers.ts'
import { isOver } from '../server/streams.ts'

/** Time to take the refusal in, milliseconds; and again as much to leave when asked to. */
const lingerMs = 1_000

/**
 * Answers whatever is called on this connection with UNAUTHENTICATED and the reason, and ends it: a caller who gets nothing but a closed connection looks for the fault
 * in the wrong place.
 */
export function refuseCalls(connection: Duplex, reason: string): void {
  connection.on('error', () => undefined)
  const session = performServerHandshake(connection, {
    settings: { maxConcurrentStreams: 16 },
    maxSessionMemory: 1,
  })
  session.on('error', () => connection.destroy())
  // The caller is asked to leave (GOAWAY) before the connection is cut: what is cut while something of the caller's is unread is reset, and Node's client may
  // not notice a reset that meets a write of its own under TLS. Its calls would hang until their deadlines.
  const departure = new Departure(session, () => !connection.destroyed)
  let timer = setTimeout(() => {
    departure.begin()
    timer = setTimeout(() => connection.destroy(), lingerMs)
  }, lingerMs)
  connection.on('close', () => clearTimeout(timer))
  session.on('stream', (stream) => {
    if (isOver(stream)) return
    stream.on('error', () => undefined)
    // What still comes is left unread: the connection has seconds. A stream that is read to its end makes room for the next one sooner than Node 24 takes it off its own count, which then refuses the next one.
    stream.respond(
      { ...answerHeaders, ...trailersOf({ code: status.UNAUTHENTICATED, details: reason }) },
      { endStream: true },
    )
  })
}
