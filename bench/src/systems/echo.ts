import { join } from 'node:path'
import { freePorts } from '../ports.ts'
import { Process, programs } from '../processes.ts'
import { makeDirectory } from '../temporary.ts'
import { RawClient } from '../wire.ts'
import type { System } from './system.ts'

/** No log, no disk: what a unary RPC costs. */
export const echo: System = {
  name: 'no-op echo',
  about: 'one grpc-js process that answers; unary',
  async start() {
    const { directory, remove } = makeDirectory()
    const port = await freePorts(1)
    const server = new Process(programs.echo, [String(port)], join(directory, 'log'))
    return {
      pids: () => [server.pid],
      async connect() {
        const client = new RawClient(`127.0.0.1:${port}`)
        await client.ready()
        return {
          async write(payload) {
            await client.unary('/bench.Echo/Echo', payload)
          },
          close: () => client.close(),
        }
      },
      async stop() {
        await server.end()
        remove()
      },
    }
  },
}
