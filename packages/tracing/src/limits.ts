/** Every bound on traces. The exporter's own are OpenTelemetry's: 2,048 spans that wait, 512 in one request, one every five seconds or when there are so many (`OTEL_BSP_*`). */
export interface TracingLimits {
  /** Messages and calls that a replica begins to follow in a second, whoever asks for it: its clients can make it work no more than that. */
  readonly tracesPerSecond: number
  /** Time for the last spans to leave when a program ends, milliseconds. */
  readonly flushMs: number
}

export const defaultTracingLimits: TracingLimits = {
  tracesPerSecond: 20,
  flushMs: 2_000,
}
