import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { Server, type ServerOptions } from '@grpc/grpc-js'

/**
 * A `Server` of grpc-js that a call which is over already does not end.
 *
 * A caller may open a stream and reset it in one packet. What grpc-js (1.14) cannot route it answers all the same; `node:http2` throws then, and nobody catches that: a packet of anybody's would end the
 * process. Nothing public stands between the two, so this stands before the methods that take streams, without and with channelz. Tests send such packets, and fail should those be gone one day.
 */
export function createGrpcServer(options: ServerOptions): Server {
  const server = new Server(options)
  for (const name of ['_streamHandler', '_channelzHandler']) {
    const take: unknown = Reflect.get(server, name)
    if (typeof take !== 'function') continue
    Reflect.set(
      server,
      name,
      (interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        if (!isOver(stream)) Reflect.apply(take, server, [interceptors, stream, headers])
      },
    )
  }
  return server
}

/** Whether a stream that has just been told of is over, so that `respond` would throw. Its error, if it has one, is nobody's then. */
export function isOver(stream: ServerHttp2Stream): boolean {
  const over = stream.destroyed || stream.closed
  if (over) stream.on('error', () => undefined)
  return over
}
