import { type Metadata, type MethodDefinition, status } from '@grpc/grpc-js'
import { framed } from '../wire/grpc-framing.ts'
import { statusOf } from './headers.ts'
import { type CallSource, ServerCall } from './server-call.ts'

/** As the callback of a handler of grpc-js. */
export type Answer = (failure: unknown, response?: unknown, trailers?: Metadata) => void

/** A call with one request and one answer. */
export class UnaryCall extends ServerCall {
  request: unknown = undefined
  readonly #definition: MethodDefinition<unknown, unknown>
  readonly #handle: (call: UnaryCall, answer: Answer) => void

  constructor(
    source: CallSource,
    definition: MethodDefinition<unknown, unknown>,
    handle: (call: UnaryCall, answer: Answer) => void,
  ) {
    super(source)
    this.#definition = definition
    this.#handle = handle
  }

  protected override read(): void {
    this.readOne(this.#definition.requestDeserialize, (request) => {
      this.request = request
      this.#handle(this, (failure, response, trailers) => this.#answer(failure, response, trailers))
    })
  }

  override drained(): void {
    // Nothing waits for it: the one answer is written at once, and its end is waited for.
  }

  #answer(failure: unknown, response: unknown, metadata: Metadata | undefined): void {
    if (this.isOver) return
    if (failure !== null && failure !== undefined) {
      this.finish(statusOf(failure))
      return
    }
    const bytes = this.serialized(this.#definition.responseSerialize, response)
    if (bytes !== null) this.finish({ code: status.OK, details: '', metadata }, framed(bytes))
  }
}
