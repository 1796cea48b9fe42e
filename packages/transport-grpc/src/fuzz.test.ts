import { createAuthority, issueForOperator, issueForReplica } from '@chatroom/certificates'
import { helloOf, TransportRecorder } from '@chatroom/replica/testing'
import { type ChannelCredentials, Client, credentials, Metadata } from '@grpc/grpc-js'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { removeFiles, writeFiles } from '../test/certified.ts'
import { freePorts } from '../test/ports.ts'
import { adminService, operatorCredentials } from './admin/index.ts'
import { AdminServiceService, TransferLeadershipRequest } from './gen/chatroom/admin/v1/admin_service.ts'
import { ReplicaServiceService } from './gen/chatroom/replica/v1/replica_service.ts'
import { linkMethod } from './incoming-links.ts'
import { createGrpcTransport, createPeerTls, openCertificates, type PeerCredentials } from './index.ts'

const host = '127.0.0.1'
const seed = 6
const deadlineMs = 10_000
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  removeFiles()
})

const paths = [
  ReplicaServiceService.link.path,
  AdminServiceService.getStatus.path,
  AdminServiceService.transferLeadership.path,
  '/chatroom.admin.v1.AdminService/NoSuchMethod',
]
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .option(fc.nat({ max: 9 }), { nil: undefined })
    .map((to) => TransferLeadershipRequest.encode({ to }).finish()),
)
const calls = fc.record({ path: fc.constantFrom(...paths), messages: fc.array(bytes, { maxLength: 4 }) })

function call(client: Client, path: string, messages: readonly Uint8Array[]): Promise<number> {
  const { requestSerialize, responseDeserialize } = linkMethod.link
  return new Promise((resolve) => {
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata(), {
      deadline: Date.now() + deadlineMs,
    })
    stream.on('data', () => undefined)
    stream.on('error', () => undefined)
    stream.on('status', ({ code }) => resolve(code))
    for (const message of messages) stream.write(Buffer.from(message))
    stream.end()
  })
}

/** Replica 0 of two, and what was asked of its admin service. */
async function start(
  peers: readonly number[],
  trust: PeerCredentials | null,
): Promise<{ asked: number[]; recorder: TransportRecorder }> {
  const asked: number[] = []
  const administered = {
    status: () => {
      throw Object.assign(new Error('no status in this test'), { code: 'stopped' })
    },
    transferLeadership: async (to?: number) => void asked.push(to ?? -1),
  }
  const given = trust === null ? {} : { credentials: trust }
  const transport = createGrpcTransport({
    id: 0,
    listen: { host, port: peers[0] ?? 0 },
    peers: new Map(peers.map((port, id) => [id, { host, port }])),
    services: [adminService(administered, given)],
    ...given,
  })
  closers.push(() => transport.stop())
  const recorder = new TransportRecorder(helloOf(0))
  await transport.start(recorder)
  return { asked, recorder }
}

async function flood(port: number, by: ChannelCredentials): Promise<Set<number>> {
  const client = new Client(`${host}:${port}`, by, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.ssl_target_name_override': 'replica',
  })
  closers.push(() => client.close())
  const codes = new Set<number>()
  await fc.assert(
    fc.asyncProperty(fc.array(calls, { minLength: 8, maxLength: 8 }), async (batch) => {
      for (const code of await Promise.all(batch.map(({ path, messages }) => call(client, path, messages))))
        codes.add(code)
    }),
    { seed, numRuns: 40 },
  )
  // DEADLINE_EXCEEDED: a call that hung.
  expect(codes).not.toContain(4)
  return codes
}

test('whatever comes to the peer port, every call ends and no message reaches the replica', {
  timeout: 60_000,
}, async () => {
  const ports = await freePorts(2)
  const { recorder } = await start(ports, null)
  await flood(ports[0] ?? 0, credentials.createInsecure())
  expect(recorder.events.filter(({ type }) => type === 'received')).toEqual([])
  expect(
    recorder.events.filter((event) => event.type === 'observed' && event.observation.type === 'connected'),
  ).toEqual([])
})

test('with TLS nothing is done for whoever is no operator, be it a stranger or a replica', {
  timeout: 60_000,
}, async () => {
  const ports = await freePorts(2)
  const month = { days: 30 }
  const authority = await createAuthority(month)
  const own = writeFiles(authority.certificate, await issueForReplica(authority, 0, [host], month))
  const trust = createPeerTls({
    certificates: openCertificates(own, () => undefined),
    refused: () => undefined,
  })
  const { asked, recorder } = await start(ports, trust)
  const port = ports[0] ?? 0
  const other = await createAuthority(month)
  const stranger = await issueForOperator(other, month)
  const replica = await issueForReplica(authority, 1, [host], month)
  const ca = authority.certificate
  for (const by of [credentials.createInsecure(), operatorCredentials(writeFiles(ca, stranger))]) {
    // UNAUTHENTICATED, or UNAVAILABLE on a connection that is about to close.
    const codes = await flood(port, by)
    expect(codes).toContain(16)
    expect([...codes].filter((code) => code !== 16 && code !== 14)).toEqual([])
  }
  await flood(port, operatorCredentials(writeFiles(ca, replica)))
  expect(asked).toEqual([])
  expect(recorder.events.filter(({ type }) => type === 'received')).toEqual([])
  await flood(port, operatorCredentials(writeFiles(ca, await issueForOperator(authority, month))))
  expect(asked.length).toBeGreaterThan(0)
})
