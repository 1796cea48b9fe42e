import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { z } from 'zod'

const value = z.object({ stringValue: z.string().optional(), intValue: z.number().optional() })
const attributes = z.array(z.object({ key: z.string(), value })).default([])
const body = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              name: z.string(),
              attributes,
              status: z.object({ code: z.number().optional() }),
            }),
          ),
        }),
      ),
    }),
  ),
})

export interface CollectedSpan {
  /** What the process that made it calls itself. */
  readonly by: string
  readonly traceId: string
  readonly spanId: string
  /** '' for the first of its trace. */
  readonly parent: string
  readonly name: string
  readonly attributes: Readonly<Record<string, string | number | undefined>>
  readonly failed: boolean
}

/** Takes spans as any OpenTelemetry collector does: OTLP over HTTP, as JSON. */
export interface Collector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string
  readonly spans: readonly CollectedSpan[]
  /** All that came, as it came. */
  readonly text: () => string
}

/** A collector on loopback for the running test. */
export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = []
  const texts: string[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const text = Buffer.concat(parts).toString()
      texts.push(text)
      spans.push(...spansIn(text))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port }: AddressInfo = z.custom<AddressInfo>().parse(server.address())
  return { endpoint: `http://127.0.0.1:${port}`, spans, text: () => texts.join('\n') }
}

function spansIn(text: string): CollectedSpan[] {
  return body.parse(JSON.parse(text)).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const { 'service.instance.id': instance, 'service.name': service } = plain(resource.attributes)
    return scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        by: service === 'chatroom' ? 'client' : String(instance),
        traceId: span.traceId,
        spanId: span.spanId,
        parent: span.parentSpanId ?? '',
        name: span.name,
        attributes: plain(span.attributes),
        failed: span.status.code === 2,
      }))
  })
}

function plain(list: z.infer<typeof attributes>): Record<string, string | number | undefined> {
  return Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? value.intValue]))
}
