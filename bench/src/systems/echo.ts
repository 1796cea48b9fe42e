import { join } from 'node:path'
import { UnaryCalls } from '../http2/unary-calls.ts'
import { freePorts } from '../ports.ts'
import { Process, programs } from '../processes.ts'
import { makeDirectory } from '../temporary.ts'
import { untilUp } from '../wire.ts'
import type { System } from './system.ts'
import { unaryConnection } from './unary.ts'

/** No log, no disk: what a unary RPC costs. */
export const echo: System = answering('no-op echo', 'one grpc-js process that answers; unary', programs.echo)

/** The same by the server that replicas have. */
export const ownEcho: System = answering(
  'own echo',
  'one process that answers by the server that replicas have; unary',
  programs.ownEcho,
)

function answering(name: string, about: string, program: string): System {
  return {
    name,
    about,
    async start() {
      const { directory, remove } = makeDirectory()
      const port = await freePorts(1)
      const server = new Process(program, [String(port)], join(directory, 'log'))
      return {
        pids: () => [server.pid],
        async connect() {
          const address = `127.0.0.1:${port}`
          await untilUp(address)
          return unaryConnection(await UnaryCalls.open({ address, path: '/bench.Echo/Echo' }))
        },
        async stop() {
          await server.end()
          remove()
        },
      }
    },
  }
}
