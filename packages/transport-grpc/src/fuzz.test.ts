import { createAuthority, issueForOperator, issueForReplica } from '@chatroom/certificates'
import { helloOf, TransportRecorder } from '@chatroom/replica/testing'
import { type ChannelCredentials, Client, credentials, Metadata } from '@grpc/grpc-js'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { hello, message, number } from '../test/arbitrary-messages.ts'
import { removeFiles, writeFiles } from '../test/certified.ts'
import { freePorts } from '../test/ports.ts'
import { adminService, operatorCredentials } from './admin/index.ts'
import {
  AccountAction,
  AdministerAccountRequest,
  AdminServiceService,
  ChangeMembersRequest,
  GetStateHashRequest,
  GetStatusRequest,
  ListAccountsRequest,
  MemberChange,
  ReadMailboxRequest,
  SaveSnapshotRequest,
  SetLogLevelRequest,
  TransferLeadershipRequest,
} from './gen/chatroom/admin/v1/admin_service.ts'
import {
  FetchRequest,
  FetchSnapshotRequest,
  RepairServiceService,
} from './gen/chatroom/replica/v1/repair_service.ts'
import { ReplicaServiceService } from './gen/chatroom/replica/v1/replica_service.ts'
import {
  createGrpcTransport,
  createPeerTls,
  openCertificates,
  type PeerCredentials,
  repairService,
} from './index.ts'
import { encodeFrame, encodeIntroduction } from './wire/encode.ts'
import { roomBytes } from './wire/grpc-framing.ts'

const host = '127.0.0.1'
const seed = 6
const deadlineMs = 60_000
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  removeFiles()
})

/** Everything that can be called on a peer port. */
const peerPort = { ...ReplicaServiceService, ...AdminServiceService, ...RepairServiceService }

/** What each method takes, as a program of ours would write it: a new method does not compile until it has one. */
const requests: Record<keyof typeof peerPort, fc.Arbitrary<Uint8Array>> = {
  link: fc.oneof(
    fc
      .record({
        hello,
        to: fc.nat({ max: 6 }),
        attempt: number,
        listener: fc.record({ host: fc.ipV4(), port: fc.nat({ max: 65_535 }) }),
      })
      .map((introduction) => encodeIntroduction(introduction).subarray(roomBytes)),
    fc.array(message, { maxLength: 3 }).map((messages) => encodeFrame(messages, 1_024).subarray(roomBytes)),
  ),
  getStatus: fc.constant(GetStatusRequest.encode({}).finish()),
  transferLeadership: fc
    .option(fc.nat({ max: 9 }), { nil: undefined })
    .map((to) => TransferLeadershipRequest.encode({ to }).finish()),
  changeMembers: fc
    .record({ change: fc.constantFrom(...Object.values(MemberChange)), id: fc.nat({ max: 9 }) })
    .map((request) => ChangeMembersRequest.encode(request).finish()),
  listAccounts: fc
    .record({ prefix: fc.string(), after: fc.string(), limit: fc.nat() })
    .map((request) => ListAccountsRequest.encode(request).finish()),
  administerAccount: fc
    .record({ name: fc.string(), action: fc.constantFrom(...Object.values(AccountAction)) })
    .map((request) => AdministerAccountRequest.encode(request).finish()),
  readMailbox: fc
    .record({ name: fc.string(), afterSequence: number })
    .map((request) => ReadMailboxRequest.encode(request).finish()),
  setLogLevel: fc
    .option(fc.oneof(fc.constantFrom('trace', 'silent'), fc.string({ unit: 'binary' })), { nil: undefined })
    .map((level) => SetLogLevelRequest.encode({ level }).finish()),
  getStateHash: fc
    .record({ atIndex: number, howeverLong: fc.boolean() })
    .map((request) => GetStateHashRequest.encode(request).finish()),
  fetch: fc
    .record({ from: number, to: fc.option(number, { nil: undefined }) })
    .map((request) => FetchRequest.encode(request).finish()),
  fetchSnapshot: fc.constant(FetchSnapshotRequest.encode({}).finish()),
  saveSnapshot: fc.constant(SaveSnapshotRequest.encode({}).finish()),
}
const methods = Object.keys(requests).filter((name): name is keyof typeof requests => name in requests)

/** Noise, requests, and requests with something broken in them. */
function bytesFor(method: keyof typeof requests): fc.Arbitrary<Uint8Array> {
  const broken = fc
    .tuple(requests[method], fc.nat(), fc.nat({ max: 255 }))
    .map(([bytes, at, value]) => bytes.map((byte, i) => (i === at % bytes.length ? value : byte)))
  return fc.oneof(fc.uint8Array({ maxLength: 300 }), requests[method], broken)
}

interface Call {
  readonly path: string
  readonly bodies: readonly Uint8Array[]
}

const calls: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.constantFrom(...methods).chain((method) =>
      fc.record({
        path: fc.constant<string>(peerPort[method].path),
        bodies: fc.array(bytesFor(method), { maxLength: 4 }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      path: fc.constant('/chatroom.admin.v1.AdminService/NoSuchMethod'),
      bodies: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }),
    }),
  },
)

function call(client: Client, { path, bodies }: Call): Promise<number> {
  const same = (bytes: Buffer): Buffer => bytes
  return new Promise((resolve) => {
    const stream = client.makeBidiStreamRequest(path, same, same, new Metadata(), {
      deadline: Date.now() + deadlineMs,
    })
    stream.on('data', () => undefined)
    stream.on('error', () => undefined)
    stream.on('status', ({ code }) => resolve(code))
    for (const body of bodies) stream.write(Buffer.from(body))
    stream.end()
  })
}

interface Started {
  /** What was asked of the replica beyond looking at it. */
  readonly asked: string[]
  /** How often its entries were read. */
  readonly reads: () => number
  readonly recorder: TransportRecorder
}

/** Replica 0 of two, with all services of its peer port. */
async function start(peers: readonly number[], trust: PeerCredentials | null): Promise<Started> {
  const asked: string[] = []
  let reads = 0
  const administered = {
    status: () => {
      throw Object.assign(new Error('no status in this test'), { code: 'stopped' })
    },
    transferLeadership: async (to?: number) => void asked.push(`transfer to ${to}`),
    logLevel: (level?: string) => {
      if (level !== undefined) asked.push('log level')
      return 'info'
    },
    stateHash: async () => {
      asked.push('hash')
      return { hash: '0', tookMs: 0 }
    },
    snapshot: async () => {
      asked.push('snapshot')
      return null
    },
  }
  const keeper = {
    clusterId: 'c',
    holder: null,
    snapshot: async () => {
      reads++
      return null
    },
    read: async (from: number) => {
      reads++
      const entry = { index: from, term: 1, time: 1, kind: 'noop', payload: new Uint8Array(9) } as const
      return from < 300 ? [entry] : []
    },
  }
  const given = trust === null ? {} : { credentials: trust }
  const transport = createGrpcTransport({
    id: 0,
    listen: { host, port: peers[0] ?? 0 },
    peers: new Map(peers.map((port, id) => [id, { host, port }])),
    services: [adminService(administered, given), repairService(() => keeper, { peers: [1], ...given })],
    ...given,
  })
  closers.push(() => transport.stop())
  const recorder = new TransportRecorder(helloOf(0))
  await transport.start(recorder)
  return { asked, reads: () => reads, recorder }
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
      for (const code of await Promise.all(batch.map((each) => call(client, each)))) codes.add(code)
    }),
    { seed, numRuns: 60 },
  )
  // DEADLINE_EXCEEDED: a call that hung.
  expect(codes).not.toContain(4)
  return codes
}

test('whatever comes to the peer port, every call ends and no message reaches the replica', async () => {
  const ports = await freePorts(2)
  const { recorder, reads } = await start(ports, null)
  const codes = await flood(ports[0] ?? 0, credentials.createInsecure())
  expect(codes.size).toBeGreaterThan(3)
  expect(reads()).toBeGreaterThan(0)
  expect(recorder.events.filter(({ type }) => type === 'received')).toEqual([])
  expect(
    recorder.events.filter((event) => event.type === 'observed' && event.observation.type === 'connected'),
  ).toEqual([])
})

test('with TLS nothing is done for a stranger, and for each other only what is for it', async () => {
  const ports = await freePorts(2)
  const month = { days: 30 }
  const authority = await createAuthority(month)
  const own = writeFiles(authority.certificate, await issueForReplica(authority, 0, [host], month))
  const trust = createPeerTls({
    certificates: openCertificates(own, () => undefined),
    refused: () => undefined,
  })
  const { asked, reads, recorder } = await start(ports, trust)
  const port = ports[0] ?? 0
  const other = await createAuthority(month)
  const stranger = await issueForOperator(other, month)
  const ca = authority.certificate
  for (const by of [credentials.createInsecure(), operatorCredentials(writeFiles(ca, stranger))]) {
    // UNAUTHENTICATED, or UNAVAILABLE on a connection that is about to close.
    const codes = await flood(port, by)
    expect(codes).toContain(16)
    expect([...codes].filter((code) => code !== 16 && code !== 14)).toEqual([])
  }
  // A replica that is not one of the configured ones is a stranger, too.
  await flood(port, operatorCredentials(writeFiles(ca, await issueForReplica(authority, 5, [host], month))))
  expect([asked, reads()]).toEqual([[], 0])
  await flood(port, operatorCredentials(writeFiles(ca, await issueForReplica(authority, 1, [host], month))))
  expect([asked, reads() > 0]).toEqual([[], true])
  const readsOfReplica = reads()
  await flood(port, operatorCredentials(writeFiles(ca, await issueForOperator(authority, month))))
  expect([asked.length > 0, reads()]).toEqual([true, readsOfReplica])
  expect(recorder.events.filter(({ type }) => type === 'received')).toEqual([])
})
