import type { Tracer } from '@opentelemetry/api'
import type { Stages } from './stages.ts'

export interface TracesOptions {
  /** `service.name` of the spans, unless the environment says another. */
  readonly service: string
  /** `service.instance.id`. */
  readonly instance: string
  /** Share of messages and calls to begin a trace for, 0 to 1. What is part of a trace already is followed if that is sampled. */
  readonly ratio: number
  /** Told of what keeps spans from being exported, in words. Nothing else is done about it: they are dropped. */
  readonly onProblem: (words: string) => void
}

export interface Traces {
  /** For a client: makes spans that are part of whatever is active. */
  readonly tracer: Tracer
  /** For a server. */
  readonly stages: Stages
  /** Exports what waits, for a bounded time, and stops. Never rejects. */
  close(): Promise<void>
}
