import type { ClientDuplexStream } from '@grpc/grpc-js'

/** Payloads in one message of a stream. */
const messagesPerRequest = 64

/** What an answer on the stream says: so many payloads, from the oldest unanswered one on, were taken; or the one after them failed. */
export interface Answers {
  readonly taken: number
  readonly failure: Error | null
}

interface Waiting {
  resolve(): void
  reject(error: Error): void
}

export interface BatchingOptions {
  open(): ClientDuplexStream<Buffer, Buffer>
  encode(payloads: readonly Buffer[]): Buffer
  decode(answer: Buffer): Answers
}

/**
 * Puts what is written in one go, until nothing more is ready to run, into few messages of one stream, opened anew when it broke. Answers come in the order of the
 * payloads.
 */
export class BatchingStream {
  readonly #options: BatchingOptions
  #stream: ClientDuplexStream<Buffer, Buffer> | null = null
  #payloads: Buffer[] = []
  #unanswered: Waiting[] = []
  #isScheduled = false

  constructor(options: BatchingOptions) {
    this.#options = options
  }

  write(payload: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#payloads.push(payload)
      this.#unanswered.push({ resolve, reject })
      if (this.#isScheduled) return
      this.#isScheduled = true
      // Not `setImmediate`: `node:http2` would send it a turn of the event loop later.
      process.nextTick(() => this.#flush())
    })
  }

  /** Not cancelled: Node may loop for ever over a stream that is reset while something is about to leave. */
  close(): void {
    const stream = this.#stream
    this.#break(new Error('The stream was closed.'))
    stream?.end()
  }

  #flush(): void {
    this.#isScheduled = false
    const stream = this.#opened()
    while (this.#payloads.length > 0)
      stream.write(this.#options.encode(this.#payloads.splice(0, messagesPerRequest)))
  }

  #opened(): ClientDuplexStream<Buffer, Buffer> {
    if (this.#stream !== null) return this.#stream
    const stream = this.#options.open()
    this.#stream = stream
    const broken = (error: Error): void => {
      if (this.#stream === stream) this.#break(error)
    }
    stream.on('data', (answer: Buffer) => {
      if (this.#stream !== stream) return
      const { taken, failure } = this.#options.decode(answer)
      for (const waiting of this.#unanswered.splice(0, taken)) waiting.resolve()
      if (failure === null) return
      broken(failure)
      stream.end()
    })
    stream.on('error', broken)
    stream.on('end', () => broken(new Error('The server ended the stream.')))
    return stream
  }

  #break(error: Error): void {
    const lost = this.#unanswered
    this.#stream = null
    this.#payloads = []
    this.#unanswered = []
    for (const waiting of lost) waiting.reject(error)
  }
}
