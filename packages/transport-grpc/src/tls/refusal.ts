import type { Duplex } from 'node:stream'
import { status } from '@grpc/grpc-js'
import { ServerConnection } from '../http2/server-connection.ts'
import { encodeOnlyTrailers } from '../server/headers.ts'

/** Time to take the refusal in, milliseconds; and again as much to leave when asked to. */
const lingerMs = 1_000

/**
 * Answers whatever is called on this connection with UNAUTHENTICATED and the reason, and ends it: a caller who gets nothing but a closed connection looks for the fault
 * in the wrong place.
 */
export function refuseCalls(socket: Duplex, reason: string): void {
  const answer = encodeOnlyTrailers({ code: status.UNAUTHENTICATED, details: reason }, null)
  const connection = new ServerConnection(socket, {
    mostStreams: 16,
    opened: (stream) => stream.beginAndEnd(answer),
    closed: () => clearTimeout(timer),
  })
  // The caller is asked to leave (GOAWAY) before the connection is cut: what is cut while something of the caller's is unread is reset, and Node's client may
  // not notice a reset that meets a write of its own under TLS. Its calls would hang until their deadlines.
  let timer = setTimeout(() => {
    connection.leave()
    timer = setTimeout(() => connection.destroy(), lingerMs)
  }, lingerMs)
}
