import { ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder } from '@grpc/grpc-js'

/**
 * Watches for calls whose one request does not arrive whole within this time. gRPC keeps what has arrived of a request, up to its greatest length, for as long as the
 * caller likes: without this a stranger could fill the memory with requests that are never finished.
 * @param late gets the caller, as `getPeer()` names it. To end the call is not enough: what arrived is kept until its stream is closed, which is the caller's to do.
 */
export function requestDeadline(withinMs: number, late: (peer: string) => void): ServerInterceptor {
  return (method, call) => {
    // A stream of requests may be silent; it is the service's, which wants a session for it and bounds how many there are.
    if (method.requestStream) return new ServerInterceptingCall(call)
    return new ServerInterceptingCall(call, {
      start: (next) => {
        const deadline = setTimeout(() => late(call.getPeer()), withinMs)
        const listener = new ServerListenerBuilder()
          .withOnReceiveMessage((message, take) => {
            clearTimeout(deadline)
            take(message)
          })
          .withOnCancel(() => clearTimeout(deadline))
        next(listener.build())
      },
    })
  }
}
