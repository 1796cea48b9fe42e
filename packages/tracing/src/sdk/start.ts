import { DiagLogLevel, diag } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import { defaultTracingLimits } from '../limits.ts'
import type { Traces, TracesOptions } from '../traces.ts'
import { atMostInASecond } from './rate.ts'
import { spanStages } from './span-stages.ts'

const scope = 'chatroom'

/** Loaded only when somebody wants traces. */
export function start({ service, instance, ratio, onProblem }: TracesOptions): Traces {
  tellProblems(onProblem)
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': service, 'service.instance.id': instance }))
    .merge(detectResources({ detectors: [envDetector] }))
  const processor = new BatchSpanProcessor(new OTLPTraceExporter())
  // Two, with one exporter: a client's library leaves it to its tracer what is sampled; of what a server follows it has been decided before there is a span.
  const provider = (sampler: AlwaysOnSampler | ParentBasedSampler): BasicTracerProvider =>
    new BasicTracerProvider({ resource, spanProcessors: [processor], sampler })
  const root = new TraceIdRatioBasedSampler(ratio)
  return {
    tracer: provider(new ParentBasedSampler({ root })).getTracer(scope),
    stages: spanStages({
      tracer: provider(new AlwaysOnSampler()).getTracer(scope),
      ratio,
      random: Math.random,
      admit: atMostInASecond(defaultTracingLimits.tracesPerSecond, () => performance.now()),
    }),
    close: async () => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, defaultTracingLimits.flushMs)
      })
      await Promise.race([processor.shutdown().catch(() => undefined), late])
      clearTimeout(timer)
    },
  }
}

function tellProblems(onProblem: (words: string) => void): void {
  const tell = (message: string, ...more: readonly unknown[]): void =>
    onProblem([message, ...more.map(String)].join(' '))
  const quiet = (): void => undefined
  diag.setLogger(
    { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}
