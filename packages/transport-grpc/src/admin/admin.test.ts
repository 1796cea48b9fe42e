import { createServer } from 'node:net'
import type { ReplicaStatus } from '@chatroom/replica'
import { helloOf, TransportRecorder } from '@chatroom/replica/testing'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { number } from '../../test/arbitrary-messages.ts'
import { freePorts } from '../../test/ports.ts'
import { GetStatusResponse } from '../gen/chatroom/admin/v1/admin_service.ts'
import { createGrpcTransport } from '../transport.ts'
import {
  type AdminClient,
  type Administered,
  adminService,
  connectAdmin,
  type TransportError,
} from './index.ts'
import { decodeStatus, encodeStatus } from './status-codec.ts'

const member = fc.record({ id: fc.nat({ max: 6 }), disk: fc.string(), incarnation: number })
const arbitraryStatus: fc.Arbitrary<ReplicaStatus> = fc.record({
  id: fc.nat({ max: 6 }),
  pid: fc.nat(),
  disk: fc.string(),
  incarnation: number,
  clusterId: fc.string(),
  mode: fc.constantFrom('fail-stop', 'majority'),
  role: fc.constantFrom('leader', 'follower', 'candidate', 'learner', 'returnee'),
  machineVersion: fc.nat(),
  commonVersion: fc.nat(),
  term: number,
  leader: fc.option(fc.nat({ max: 6 })),
  leaderAddress: fc.option(fc.string()),
  serving: fc.boolean(),
  view: fc.record(
    {
      index: number,
      term: number,
      clusterId: fc.string(),
      members: fc.array(member),
      learners: fc.array(member),
      machineVersion: fc.integer({ min: 2, max: 9 }),
    },
    { requiredKeys: ['index', 'term', 'clusterId', 'members', 'learners'] },
  ),
  viewInForce: fc.boolean(),
  admitted: fc.boolean(),
  commitIndex: number,
  appliedIndex: number,
  lastIndex: number,
  snapshotIndex: number,
  crashesTolerated: fc.nat({ max: 6 }),
  waiting: fc.array(
    fc.record({
      for: fc.constantFrom(
        'members of the newest view',
        'votes',
        'proof about a silent member',
        'a quorum',
        'the first commit of the term',
        'acknowledgement of a slow member',
        'catching up',
        'own disk',
        'room on a disk',
        'a leader',
        'admission of a new disk',
      ),
      replicas: fc.array(fc.nat({ max: 6 })),
      words: fc.string(),
      sinceMs: number,
    }),
  ),
  slowestMember: fc.option(
    fc.record({
      id: fc.nat({ max: 6 }),
      delayMs: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
    }),
  ),
  peers: fc.array(
    fc.record({
      id: fc.nat({ max: 6 }),
      address: fc.string(),
      connected: fc.boolean(),
      member: fc.option(member),
      inView: fc.boolean(),
      provenDead: fc.boolean(),
      progress: fc.constantFrom('probe', 'replicate', 'snapshot', null),
      matchIndex: fc.option(number),
      silentMs: fc.option(number),
    }),
  ),
})

const [anyStatus] = fc.sample(arbitraryStatus, { numRuns: 1, seed: 1 })
if (anyStatus === undefined) throw new Error('no sample')

describe('a status', () => {
  test('crosses the wire as it is', () => {
    fc.assert(
      fc.property(arbitraryStatus, (status) => {
        const bytes = GetStatusResponse.encode(encodeStatus(status)).finish()
        expect(decodeStatus(GetStatusResponse.decode(bytes))).toEqual(status)
      }),
    )
  })

  test('parts of milliseconds are rounded', () => {
    const waiting = { for: 'votes' as const, replicas: [1], words: 'waits', sinceMs: 12.7 }
    const bytes = GetStatusResponse.encode(encodeStatus({ ...anyStatus, waiting: [waiting] })).finish()
    expect(decodeStatus(GetStatusResponse.decode(bytes)).waiting).toEqual([{ ...waiting, sinceMs: 13 }])
  })

  test('of a later version is an error with advice', () => {
    expect(() => decodeStatus({ ...encodeStatus(anyStatus), role: -1 })).toThrow(
      /role.*use the tools of the replica/,
    )
  })
})

describe('the admin service on the peer port', () => {
  const closers: (() => Promise<void> | void)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function serve(replica: Partial<Administered>): Promise<AdminClient> {
    const administered: Administered = {
      status: () => anyStatus ?? fail(),
      transferLeadership: () => Promise.resolve(),
      ...replica,
    }
    const transport = createGrpcTransport({
      id: 0,
      listen: { host: '127.0.0.1', port: 0 },
      peers: new Map(),
      services: [adminService(administered)],
    })
    closers.push(() => transport.stop())
    await transport.start(new TransportRecorder(helloOf(0)))
    return connect(`127.0.0.1:${transport.address?.port}`)
  }

  function connect(address: string): AdminClient {
    const client = connectAdmin(address)
    closers.push(() => client.close())
    return client
  }

  function fail(): never {
    throw new Error('no status')
  }

  async function errorOf(call: Promise<unknown>): Promise<Pick<TransportError, 'code' | 'message'>> {
    const error: unknown = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (!(error instanceof Error) || !('code' in error)) throw new Error('a TransportError was expected')
    return { code: String(error.code) as TransportError['code'], message: error.message }
  }

  test('tells the status', async () => {
    const client = await serve({})
    expect(await client.status()).toEqual(anyStatus)
  })

  test.each([
    [2, 2],
    [0, 0],
    [undefined, undefined],
  ])('hands leadership to %s', async (to, expected) => {
    const asked: (number | undefined)[] = []
    const client = await serve({ transferLeadership: async (wanted) => void asked.push(wanted) })
    await client.transferLeadership(to)
    expect(asked).toEqual([expected])
  })

  test.each(['addLearner', 'promote', 'remove'] as const)('changes the membership: %s', async (type) => {
    const asked: unknown[] = []
    const client = await serve({ changeMembers: async (change) => void asked.push(change) })
    await client.changeMembers({ type, id: 3 })
    expect(asked).toEqual([{ type, id: 3 }])
  })

  test('sets and tells the log level', async () => {
    const asked: (string | undefined)[] = []
    const client = await serve({
      logLevel: (level) => {
        asked.push(level)
        return level ?? 'info'
      },
    })
    expect(await client.logLevel('debug')).toBe('debug')
    expect(await client.logLevel()).toBe('info')
    expect(asked).toEqual(['debug', undefined])
  })

  test('gives the hash of the state as of an entry', async () => {
    const asked: unknown[] = []
    const client = await serve({
      stateHash: async (...given) => {
        asked.push(given)
        return { hash: 'c0ffee', tookMs: 1.5 }
      },
    })
    expect(await client.stateHash(7)).toEqual({ hash: 'c0ffee', tookMs: 1.5 })
    await client.stateHash(8, { howeverLong: true })
    expect(asked).toEqual([
      [7, false],
      [8, true],
    ])
  })

  test('refuses what this replica does not offer', async () => {
    const client = await serve({})
    expect(await errorOf(client.logLevel())).toEqual({
      code: 'refused',
      message: 'this replica has no log level to change',
    })
    expect(await errorOf(client.changeMembers({ type: 'remove', id: 1 }))).toEqual({
      code: 'refused',
      message: 'this replica changes no membership',
    })
    expect(await errorOf(client.stateHash(1))).toEqual({
      code: 'refused',
      message: 'this replica cannot hash its state',
    })
  })

  test("a refusal comes in the replica's own words", async () => {
    const refusal = Object.assign(new Error('replica 0 does not lead; replica 2 does'), {
      code: 'not leader',
    })
    const client = await serve({ transferLeadership: () => Promise.reject(refusal) })
    expect(await errorOf(client.transferLeadership())).toEqual({
      code: 'refused',
      message: 'replica 0 does not lead; replica 2 does',
    })
  })

  test('a replica that has not started says so', async () => {
    const client = await serve({
      status: () => {
        throw Object.assign(new Error('replica 0 has not started'), { code: 'stopped' })
      },
    })
    expect(await errorOf(client.status())).toEqual({ code: 'refused', message: 'replica 0 has not started' })
  })

  test('nobody listens', async () => {
    const [port] = await freePorts(1)
    const address = `127.0.0.1:${port}`
    expect(await errorOf(connect(address).status())).toEqual({
      code: 'unreachable',
      message: `nobody listens on ${address}`,
    })
  })

  test('somebody listens and never answers', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve)
    })
    closers.push(() => void silent.close())
    const bound = silent.address()
    const address = typeof bound === 'object' && bound !== null ? `127.0.0.1:${bound.port}` : ''
    expect(await errorOf(connect(address).status({ deadlineMs: 50 }))).toEqual({
      code: 'unreachable',
      message: `no answer from ${address} within 50 ms`,
    })
  })

  test('the wait can be given up, before and during the call', async () => {
    const client = await serve({ transferLeadership: () => new Promise(() => {}) })
    expect((await errorOf(client.status({ signal: AbortSignal.abort() }))).code).toBe('aborted')
    const controller = new AbortController()
    const call = errorOf(client.transferLeadership(1, { signal: controller.signal }))
    controller.abort()
    expect((await call).code).toBe('aborted')
  })
})
