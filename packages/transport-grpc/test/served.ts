import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { createServer } from 'node:net'
import { Client, credentials, type MethodDefinition } from '@grpc/grpc-js'
import { onTestFinished } from 'vitest'
import { GrpcServer, type GrpcServerOptions } from '../src/server/grpc-server.ts'

const host = '127.0.0.1'
const asItIs = (bytes: Buffer): Buffer => bytes

/** Methods of bytes, by how they are called. */
export const methods = {
  unary: method('Unary', false, false),
  download: method('Download', false, true),
  exchange: method('Exchange', true, true),
}

function method(
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/test.Service/${name}`,
    requestStream,
    responseStream,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  }
}

export interface Served {
  readonly grpc: GrpcServer
  readonly address: string
  /** What handlers threw. */
  readonly faults: unknown[]
}

/** A server of these handlers on a port, until the test is over. */
export async function served(
  implementation: Parameters<GrpcServer['addService']>[1],
  options: Partial<GrpcServerOptions> = {},
): Promise<Served> {
  const faults: unknown[] = []
  const grpc = new GrpcServer({
    longestRequest: 1_000_000,
    callsPerConnection: 100,
    pingMs: 60_000,
    silentMs: 60_000,
    onFault: (error) => faults.push(error),
    ...options,
  })
  grpc.addService(methods, implementation)
  const server = createServer({ noDelay: true }, (socket) => grpc.accept(socket))
  server.listen(0, host)
  await once(server, 'listening')
  onTestFinished(() => {
    grpc.destroy()
    server.close()
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('not bound')
  return { grpc, address: `${host}:${bound.port}`, faults }
}

/** A client of the library, on a connection of its own. */
export function client(address: string): Client {
  const made = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  onTestFinished(() => made.close())
  return made
}

/** A connection on which a call can be anything. */
export function session(address: string): ClientHttp2Session {
  const made = connectHttp2(`http://${address}`)
  made.on('error', () => undefined)
  onTestFinished(() => made.destroy())
  return made
}

/** Opens a call of this path. Of errors a test hears by `outcome`. */
export function open(
  connection: ClientHttp2Session,
  path: string,
  headers: OutgoingHttpHeaders = {},
): ClientHttp2Stream {
  const call = connection.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  call.on('error', () => undefined)
  return call
}

/** How a call ended. */
export interface Outcome {
  readonly http: number
  /** Of gRPC; null: it says none. */
  readonly code: number | null
  readonly words: string
  readonly bytes: Buffer
}

/** Resolves when the stream of a call is closed. */
export async function outcome(call: ClientHttp2Stream): Promise<Outcome> {
  let http = 0
  let code: number | null = null
  let words = ''
  const pieces: Buffer[] = []
  const take = (headers: IncomingHttpHeaders): void => {
    if (headers[':status'] !== undefined) http = Number(headers[':status'])
    if (headers['grpc-status'] !== undefined) code = Number(headers['grpc-status'])
    if (headers['grpc-message'] !== undefined) words = decodeURIComponent(String(headers['grpc-message']))
  }
  call.on('response', take)
  call.on('trailers', take)
  call.on('data', (piece: Buffer) => pieces.push(piece))
  if (!call.closed) await new Promise((resolve) => call.on('close', resolve))
  return { http, code, words, bytes: Buffer.concat(pieces) }
}
