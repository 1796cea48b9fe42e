import type { Span, Tracer } from '@opentelemetry/api'
import type { ChatError } from './error.ts'

// Only types of OpenTelemetry are imported: without a tracer nothing of it is loaded.

/** `SpanKind.CLIENT`. */
const client = 2
/** `SpanStatusCode.ERROR`. */
const failed = 2
/** `TraceFlags.SAMPLED`. */
const sampled = 1

/** One message or call with all its tries, as a span. It tells nothing of what a user wrote. */
export class FollowedRequest {
  /** What servers are told: a W3C `traceparent`. */
  readonly traceparent: string
  readonly #span: Span

  private constructor(span: Span, traceparent: string) {
    this.#span = span
    this.traceparent = traceparent
  }

  /** `path`: of the method, `/package.Service/Method`. Null if the tracer does not record it: then servers are told nothing. */
  static begin(tracer: Tracer, path: string): FollowedRequest | null {
    const span = tracer.startSpan(path.slice(1), {
      kind: client,
      attributes: { 'rpc.system.name': 'grpc', 'rpc.method': path.slice(1) },
    })
    const { traceId, spanId, traceFlags } = span.spanContext()
    if ((traceFlags & sampled) === 0) {
      span.end()
      return null
    }
    return new FollowedRequest(span, `00-${traceId}-${spanId}-01`)
  }

  /** It goes out, for the first time or once more. */
  sent(): void {
    this.#span.addEvent('sent')
  }

  end(error: ChatError | null = null): void {
    if (error !== null) {
      // Not its message, which may have words of a user in it.
      this.#span.setAttribute('error.type', error.code)
      this.#span.setStatus({ code: failed })
    }
    this.#span.end()
  }
}
