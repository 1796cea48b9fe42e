import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Authority, createAuthority, issueForReplica } from '@chatroom/certificates'
import { helloOf, TransportRecorder } from '@chatroom/replica/testing'
import { afterEach, expect, it, vi } from 'vitest'
import { removeFiles, writeFiles } from '../test/certified.ts'
import { freePorts } from '../test/ports.ts'
import { createGrpcTransport, createPeerTls, openCertificates, type PeerCredentials } from './index.ts'

const host = '127.0.0.1'
const month = { days: 30 }

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  removeFiles()
})

async function trustOf(authority: Authority, id: number): Promise<PeerCredentials> {
  const files = writeFiles(authority.certificate, await issueForReplica(authority, id, [host], month))
  return createPeerTls({
    certificates: openCertificates(files, () => undefined),
    // Those that say nothing must go for their number, however slow the machine is.
    handshakeMs: 120_000,
    refused: () => undefined,
  })
}

interface Started {
  readonly recorder: TransportRecorder
  readonly refused: string[]
}

async function start(id: number, ports: readonly number[], trust: PeerCredentials | null): Promise<Started> {
  const refused: string[] = []
  const transport = createGrpcTransport({
    id,
    listen: { host, port: ports[id] ?? 0 },
    peers: new Map(ports.map((port, peer) => [peer, { host, port }])),
    limits: { strangers: 8, guests: 8 },
    refused: ({ reason }) => refused.push(reason),
    ...(trust === null ? {} : { credentials: trust }),
  })
  closers.push(() => transport.stop())
  const recorder = new TransportRecorder(helloOf(id))
  await transport.start(recorder)
  return { recorder, refused }
}

/** Connects and says nothing. */
async function silent(port: number): Promise<Socket> {
  const socket = connect({ host, port })
  socket.on('error', () => undefined)
  // What the other end says is read, or its end would not be seen.
  socket.resume()
  closers.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

const connected = ({ recorder }: Started): number =>
  recorder.events.filter((event) => event.type === 'observed' && event.observation.type === 'connected')
    .length
const broken = ({ recorder }: Started): number =>
  recorder.events.filter((event) => event.type === 'observed' && event.observation.type === 'disconnected')
    .length

it.each([
  ['with mutual TLS', true],
  ['in plain text', false],
])(
  'a port crowded with connections that say nothing keeps some of them, lets a replica in, and keeps its link, %s',
  async (_, encrypted) => {
    const ports = await freePorts(2)
    const authority = encrypted ? await createAuthority(month) : null
    const trust = async (id: number): Promise<PeerCredentials | null> =>
      authority === null ? null : await trustOf(authority, id)
    const crowded = await start(0, ports, await trust(0))
    const crowd: Socket[] = []
    for (let n = 0; n < 30; n++) crowd.push(await silent(ports[0] ?? 0))
    const other = await start(1, ports, await trust(1))
    await vi.waitUntil(() => connected(other) > 0 && connected(crowded) > 0, { timeout: 60_000 })
    for (let n = 0; n < 30; n++) crowd.push(await silent(ports[0] ?? 0))
    await vi.waitUntil(() => crowded.refused.length >= 52, { timeout: 60_000 })
    await vi.waitUntil(() => crowd.filter((socket) => socket.closed).length >= 52, { timeout: 60_000 })
    expect(crowd.filter((socket) => !socket.closed)).toHaveLength(8)
    expect([broken(other), broken(crowded)]).toEqual([0, 0])
  },
)
