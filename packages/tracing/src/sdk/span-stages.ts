import {
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import type { OpenStage, Stages } from '../stages.ts'

export interface SpanStagesOptions {
  /** Records every span that it is asked for. */
  readonly tracer: Tracer
  /** Share of what comes without a trace to begin one for. */
  readonly ratio: number
  /** From 0 to 1, below 1. */
  readonly random: () => number
  /** Whether one more may be followed. */
  readonly admit: () => boolean
}

/** Stands for what cannot be followed, since nobody can tell what it is part of. */
const nothing: OpenStage = { context: '', end: () => undefined }

const service = 'chatroom.v1.ChatService'

/** Spans for what a replica and its service tell of themselves. Names and outcomes are words of the program, all else numbers: nothing of a user gets into a span. */
export function spanStages({ tracer, ratio, random, admit }: SpanStagesOptions): Stages {
  return {
    receive: (method, parent) => {
      // Most messages say nothing, and nothing is decided of most.
      const within = parent === '' ? null : parseTraceParent(parent)
      const wanted = within === null ? random() < ratio : (within.traceFlags & TraceFlags.SAMPLED) !== 0
      if (!wanted || !admit()) return null
      const name = `${service}/${method.charAt(0).toUpperCase()}${method.slice(1)}`
      const context =
        within === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...within, isRemote: true })
      const attributes = { 'rpc.system.name': 'grpc', 'rpc.method': name }
      return stageOf(tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, context))
    },
    begin: (stage, within, numbers = {}) => {
      const parent = parseTraceParent(within)
      if (parent === null) return nothing
      const attributes = Object.fromEntries(
        Object.entries(numbers).map(([name, value]) => [`chatroom.${name}`, value]),
      )
      const context = trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true })
      return stageOf(tracer.startSpan(`chatroom.${stage}`, { attributes }, context))
    },
  }
}

function stageOf(span: Span): OpenStage {
  const { traceId, spanId } = span.spanContext()
  return {
    context: `00-${traceId}-${spanId}-01`,
    end: (failure) => {
      if (failure !== undefined) {
        span.setAttribute('error.type', failure)
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    },
  }
}
