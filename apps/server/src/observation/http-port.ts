import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Address } from '@chatroom/configuration'
import { StartupError } from '../startup-error.ts'
import { type Check, checksText, isReady } from './readiness.ts'

/** What the port shows. */
export interface Shown {
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** Whether the process should go on. */
  live(): readonly Check[]
  /** Whether it should be given work. */
  ready(): readonly Check[]
}

/** Connections at once: a scraper and a few probes need no more. */
const mostConnections = 64
/** Milliseconds for a request to arrive whole. */
const requestMs = 5_000

export interface ObservationPort {
  /** Breaks what is open. */
  close(): Promise<void>
}

/**
 * Serves `/metrics`, `/livez` and `/readyz` in plain text: nothing there is secret, and nothing can be changed.
 * @throws StartupError if the address cannot be bound
 */
export async function openObservationPort(address: Address, shown: Shown): Promise<ObservationPort> {
  const server = createServer(
    { requestTimeout: requestMs, headersTimeout: requestMs },
    (request, response) => {
      answer(shown, request, response).catch((error: unknown) => {
        response.writeHead(500, { 'content-type': 'text/plain' })
        response.end(`${error instanceof Error ? error.message : String(error)}\n`)
      })
    },
  )
  server.maxConnections = mostConnections
  await listen(server, address)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(shown: Shown, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = (code: number, text: string, type = 'text/plain; charset=utf-8'): void => {
    response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? '' : text)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return reply(405, 'only GET and HEAD\n')
  const path = request.url?.split('?')[0]
  if (path === '/metrics') return reply(200, await shown.metrics.text(), shown.metrics.contentType)
  if (path === '/livez' || path === '/readyz') {
    const checks = path === '/livez' ? shown.live() : shown.ready()
    return reply(isReady(checks) ? 200 : 503, checksText(path.slice(1), checks))
  }
  return reply(404, 'there are /metrics, /livez and /readyz\n')
}

function listen(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'another program has it; stop that program or choose another port with --metrics-port'
          : error.message
      reject(
        new StartupError(`The metrics address ${address.text} cannot be used: ${why}.`, { cause: error }),
      )
    })
    server.listen({ host: address.host, port: address.port }, () => {
      server.removeAllListeners('error')
      server.on('error', () => undefined)
      resolve()
    })
  })
}
