import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'

type Call = ConstructorParameters<typeof ServerInterceptingCall>[0]
type Listener = Parameters<Call['start']>[0]
type Status = Parameters<Call['sendStatus']>[0]

/**
 * Watches for calls whose one request does not arrive whole within this time. gRPC keeps what has arrived of a request, up to its greatest length, for as long as the
 * caller likes: without this a stranger could fill the memory with requests that are never finished.
 * @param late gets the caller, as `getPeer()` names it. To end the call is not enough: what arrived is kept until its stream is closed, which is the caller's to do.
 */
export function requestDeadline(withinMs: number, late: (peer: string) => void): ServerInterceptor {
  // A stream of requests may be silent; it is the service's, which wants a session for it and bounds how many there are.
  return (method, call) =>
    method.requestStream ? new PassingCall(call) : new WatchedCall(call, withinMs, late)
}

/** Passes everything on as it is. The class under it has an object and a function for each step of a call, which a busy server feels. */
class PassingCall extends ServerInterceptingCall {
  readonly #call: Call

  constructor(call: Call) {
    super(call)
    this.#call = call
  }

  override start(listener: Listener): void {
    this.#call.start(listener)
  }

  override sendMetadata(metadata: Metadata): void {
    this.#call.sendMetadata(metadata)
  }

  override sendMessage(message: unknown, sent: () => void): void {
    this.#call.sendMessage(message, sent)
  }

  override sendStatus(status: Status): void {
    this.#call.sendStatus(status)
  }
}

class WatchedCall extends PassingCall {
  readonly #withinMs: number
  readonly #late: (peer: string) => void

  constructor(call: Call, withinMs: number, late: (peer: string) => void) {
    super(call)
    this.#withinMs = withinMs
    this.#late = late
  }

  override start(listener: Listener): void {
    const deadline = setTimeout(() => this.#late(this.getPeer()), this.#withinMs)
    super.start({
      onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
      onReceiveMessage: (message: unknown) => {
        clearTimeout(deadline)
        listener.onReceiveMessage(message)
      },
      onReceiveHalfClose: () => listener.onReceiveHalfClose(),
      onCancel: () => {
        clearTimeout(deadline)
        listener.onCancel()
      },
    })
  }
}
