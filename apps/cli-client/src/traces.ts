import type { ConnectOptions } from '@chatroom/client'
import { options, printable, type Settings } from '@chatroom/configuration'
import { openTraces } from '@chatroom/tracing'

/** How a client follows its messages and calls. */
export interface ClientTraces {
  /** For `connect`. */
  readonly connectOptions: Pick<ConnectOptions, 'tracer'>
  /** Exports what waits, for a bounded time. */
  close(): Promise<void>
}

/** Loads OpenTelemetry if `--traces` wants it. `complain`: told once why spans are not exported. */
export async function clientTraces(
  settings: Settings,
  complain: (words: string) => void,
): Promise<ClientTraces> {
  const ratio = settings.get(options.traces)
  if (ratio === null) return { connectOptions: {}, close: async () => undefined }
  let told = false
  const traces = await openTraces({
    service: 'chatroom',
    instance: String(process.pid),
    ratio,
    onProblem: (words) => {
      if (!told) complain(`The traces are not exported: ${printable(words)}\n`)
      told = true
    },
  })
  return { connectOptions: { tracer: traces.tracer }, close: () => traces.close() }
}
