import { createServer } from 'node:http'
import { freePorts } from '../ports.ts'

/** Takes spans as a collector does and drops them. */
export interface SpanSink {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string
  /** Bytes that came. */
  readonly received: () => number
  close(): void
}

export async function openSpanSink(): Promise<SpanSink> {
  let received = 0
  const server = createServer((request, response) => {
    request.on('data', (part: Buffer) => {
      received += part.length
    })
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  })
  const port = await freePorts(1)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    endpoint: `http://127.0.0.1:${port}`,
    received: () => received,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
