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
  const unfinished = new UnfinishedCalls(withinMs, late)
  // A stream of requests may be silent; it is the service's, which wants a session for it and bounds how many there are.
  return (method, call) => (method.requestStream ? new PassingCall(call) : new WatchedCall(call, unfinished))
}

/** The calls that wait for their request, oldest first, with one timer for all: nearly every request is there at once, and a timer for each is felt. */
class UnfinishedCalls {
  readonly #withinMs: number
  readonly #late: (peer: string) => void
  /** With the time at which each began. */
  readonly #calls = new Map<Call, number>()
  #isTimerSet = false

  constructor(withinMs: number, late: (peer: string) => void) {
    this.#withinMs = withinMs
    this.#late = late
  }

  add(call: Call): void {
    this.#calls.set(call, performance.now())
    if (!this.#isTimerSet) this.#setTimer(this.#withinMs)
  }

  delete(call: Call): void {
    this.#calls.delete(call)
  }

  #setTimer(afterMs: number): void {
    this.#isTimerSet = true
    // A server that has stopped does not wait for it.
    setTimeout(() => this.#look(), afterMs).unref()
  }

  #look(): void {
    this.#isTimerSet = false
    const now = performance.now()
    for (const [call, began] of this.#calls) {
      // A timer may be early by less than a millisecond.
      const leftMs = Math.ceil(began + this.#withinMs - now)
      if (leftMs > 0) {
        this.#setTimer(leftMs)
        return
      }
      this.#calls.delete(call)
      this.#late(call.getPeer())
    }
  }
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

/** Hears, in the place of the one behind it, when its request is whole. */
class WatchedCall extends PassingCall implements Listener {
  readonly #unfinished: UnfinishedCalls
  #listener: Listener | null = null

  constructor(call: Call, unfinished: UnfinishedCalls) {
    super(call)
    this.#unfinished = unfinished
  }

  override start(listener: Listener): void {
    this.#listener = listener
    this.#unfinished.add(this)
    super.start(this)
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#listener?.onReceiveMetadata(metadata)
  }

  onReceiveMessage(message: unknown): void {
    this.#unfinished.delete(this)
    this.#listener?.onReceiveMessage(message)
  }

  onReceiveHalfClose(): void {
    this.#listener?.onReceiveHalfClose()
  }

  onCancel(): void {
    this.#unfinished.delete(this)
    this.#listener?.onCancel()
  }
}
