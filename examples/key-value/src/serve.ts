import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { createReplica, ReplicaError } from '@chatroom/replica'
import { createProcessFencer } from '@chatroom/replica/process-fencer'
import { openFileStorage } from '@chatroom/replication-log/file'
import { createGrpcTransport } from '@chatroom/transport-grpc'
import { createStore } from './store.ts'

type Answer = { status: number; body?: string; location?: string }
const members = [0, 1, 2]
const host = '127.0.0.1'

/** Runs one replica and its HTTP service: PUT, GET and DELETE of `/key`. Resolves if the replica had to stop. */
export async function serve(id: number, ports: { http: number; peers: number }, data: string): Promise<void> {
  const clientAddress = `http://${host}:${ports.http + id}`
  const replica = createReplica({
    id,
    members,
    mode: 'fail-stop',
    stateMachine: createStore(),
    storage: openFileStorage({ directory: `${data}/replica-${id}`, replicaId: id }),
    transport: createGrpcTransport({
      id,
      listen: { host, port: ports.peers + id },
      peers: new Map(members.map((peer) => [peer, { host, port: ports.peers + peer }])),
    }),
    fencer: createProcessFencer(),
    hello: { clientAddress },
  })

  async function answer(request: IncomingMessage): Promise<Answer> {
    const key = decodeURIComponent(request.url?.slice(1) ?? '')
    try {
      if (request.method === 'PUT') {
        const { existed } = await replica.propose({ type: 'put', key, value: await text(request) })
        return { status: existed ? 204 : 201 }
      }
      if (request.method === 'DELETE')
        return { status: (await replica.propose({ type: 'delete', key })).existed ? 204 : 404 }
      const value = await replica.read((store) => store.state.get(key))
      return value === undefined ? { status: 404 } : { status: 200, body: value }
    } catch (error) {
      if (!(error instanceof ReplicaError)) throw error
      if (error.code === 'not leader' && error.leader !== null)
        return { status: 307, location: error.leader.address + request.url }
      return { status: 503, body: `${error.message}\n` }
    }
  }

  await replica.start()
  replica.on((event) => {
    if (event.type === 'role') console.log(`replica ${id}: ${event.role}`)
  })
  createServer((request, response) => {
    answer(request).then(
      ({ status, body, location }) =>
        response.writeHead(status, location === undefined ? {} : { location }).end(body),
      (error) => response.writeHead(400).end(`${error}\n`),
    )
  }).listen(ports.http + id, host, () => console.log(`replica ${id} (pid ${process.pid}): ${clientAddress}`))
  await replica.closed
}
