import { join } from 'node:path'
import { UnaryCalls } from '../http2/unary-calls.ts'
import { freePorts } from '../ports.ts'
import { Process, programs } from '../processes.ts'
import { joinRecords } from '../servers/records.ts'
import { makeDirectory } from '../temporary.ts'
import { RawClient, untilUp } from '../wire.ts'
import { BatchingStream } from './batching.ts'
import type { Connection, System } from './system.ts'
import { unaryConnection } from './unary.ts'

/** The most that a log on three replicas over grpc-js can do here. */
function ceiling(name: string, about: string, over: (leader: string) => Promise<Connection>): System {
  return {
    name,
    about,
    async start() {
      const { directory, remove } = makeDirectory()
      const port = await freePorts(3)
      const addresses = [0, 1, 2].map((id) => `127.0.0.1:${port + id}`)
      const [leader = '', ...followers] = addresses
      const start = (id: number, args: readonly string[]): Process => {
        const file = join(directory, `${id}.log`)
        return new Process(programs.ceiling, [String(port + id), file, ...args], join(directory, 'words'))
      }
      const servers = [start(1, []), start(2, [])]
      await Promise.all(followers.map(untilUp))
      servers.push(start(0, followers))
      await untilUp(leader)
      return {
        pids: () => servers.map(({ pid }) => pid),
        connect: () => over(leader),
        async stop() {
          await Promise.all(servers.map((server) => server.end()))
          remove()
        },
      }
    },
  }
}

export const ceilingUnary: System = ceiling(
  'ceiling-unary',
  'three grpc-js processes, group commit, 2 of 3 disks, nothing else; unary',
  async (address) => unaryConnection(await UnaryCalls.open({ address, path: '/bench.Log/Append' })),
)

export const ceilingStream: System = ceiling(
  'ceiling-stream',
  'the same over one stream, up to 64 records a message',
  async (leader) => {
    const client = new RawClient(leader)
    await client.ready()
    const stream = new BatchingStream({
      open: () => client.stream('/bench.Log/AppendMany'),
      encode: joinRecords,
      decode: (answer) => ({ taken: answer.readUInt32BE(0), failure: null }),
    })
    return {
      write: (payload) => stream.write(payload),
      close() {
        stream.close()
        client.close()
      },
    }
  },
)
