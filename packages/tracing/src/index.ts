import type { Traces, TracesOptions } from './traces.ts'

export { defaultTracingLimits, type TracingLimits } from './limits.ts'
export type { OpenStage, Stages } from './stages.ts'
export type { Traces, TracesOptions } from './traces.ts'

/**
 * Loads OpenTelemetry and begins to export spans over OTLP/HTTP. Where to, and with which headers and certificates, is told by the standard environment: `OTEL_EXPORTER_OTLP_ENDPOINT` and
 * the others of OTLP, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_*`. A program that does not call this loads nothing of OpenTelemetry.
 */
export async function openTraces(options: TracesOptions): Promise<Traces> {
  const { start } = await import('./sdk/start.ts')
  return start(options)
}
